import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { isNotFound, resources } from '../../src/kube/index.ts';
import { watchCalls } from '../support/calls.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, type StartedSync, useSync, yaml } from '../support/sync.ts';

/** Its controllers write to it after the apply, as to the Deployment. */
const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] },
};
const all = (k: string): string =>
  yaml(configMap('settings', { k }), configMap('other'), service, deployment('web', 'web:1'));

describe('a restart', () => {
  /** By namespace. The GitSyncs of other tests are suspended. */
  const written = new Map<string, number>();
  const { plane, bench, start } = useSync({
    client: async ({ client }) => ({
      client: watchCalls(client, ({ verb, namespace }) => {
        if (verb !== 'get' && verb !== 'list') written.set(namespace, (written.get(namespace) ?? 0) + 1);
      }),
      close: async () => {},
    }),
  });
  before(async () => {
    const { items } = await plane().client.list(resources.gitSyncs);
    const patch = { type: 'merge', body: { spec: { suspend: true } } } as const;
    for (const { metadata } of items) {
      await plane()
        .client.patch(resources.gitSyncs, metadata, patch)
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error; // the end of an earlier test
        });
    }
  });

  const seen = async (): Promise<number> => {
    const { values } = await bench().metrics.syncs.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };
  /** Another process, and what it wrote until it had reconciled every GitSync. */
  const restart = async ({ ns }: StartedSync, meanwhile?: () => Promise<unknown>): Promise<number> => {
    const writes = (): number => written.get(ns) ?? 0;
    let [first, wanted] = [0, 0];
    await bench().restart(async () => {
      await meanwhile?.();
      const { items } = await plane().client.list<GitSync>(resources.gitSyncs);
      [first, wanted] = [writes(), (await seen()) + items.filter(({ spec }) => !spec.suspend).length];
    });
    await eventually(async () => (await seen()) >= wanted, { what: 'a reconcile of each GitSync' });
    return writes() - first;
  };
  const dataOf = async ({ get }: StartedSync): Promise<{ k?: string } | undefined> =>
    (await get(resources.configMaps, 'settings'))?.data as { k?: string } | undefined;

  const loseStatus = async ({ ns }: StartedSync): Promise<void> => {
    const [name, patch] = [{ namespace: ns, name: 'app' }, { type: 'merge', body: { status: null } } as const];
    await plane().client.patch(resources.gitSyncs, name, patch, { subresource: 'status' });
  };

  it('without news writes nothing, also where controllers wrote to what was applied', async () => {
    const sync = await start({ 'all.yaml': all('1') });
    await sync.ready();
    const observed = async (): Promise<boolean> => {
      const web = await sync.get(resources.deployments, 'web');
      return web?.metadata.annotations?.['deployment.kubernetes.io/revision'] !== undefined;
    };
    await eventually(observed, { what: 'the Deployment controller' });
    assert.equal(await restart(sync), 0);
  });

  it('reverts what was edited by hand meanwhile, and writes nothing else', async () => {
    const sync = await start({ 'all.yaml': all('1') });
    await sync.ready();
    const wrote = await restart(sync, () => sync.edit(resources.configMaps, 'settings', { data: { k: 'by hand' } }));
    await eventually(async () => (await dataOf(sync))?.k === '1', { what: 'the value of Git' });
    // Fields back from the editor, the apply, the new trace in the status; an Event comes at its own pace.
    assert.ok(wrote <= 4, `${wrote} writes`);
    const told = async (): Promise<boolean> => {
      const { items } = await plane().client.list(resources.events, { namespace: sync.ns });
      return items.some(({ reason, note }) => reason === 'DriftCorrected' && String(note).includes('/data/k'));
    };
    await eventually(told, { what: 'the Event' });
  });

  for (const known of [true, false]) {
    it(`reverts a port that was edited by hand meanwhile, ${known ? 'with' : 'without'} a status: by its key it is another one, of the same name`, async () => {
      const sync = await start({ 'all.yaml': all('1') });
      await sync.ready();
      const portOf = async (): Promise<number | undefined> =>
        ((await sync.get(resources.services, 'web'))?.spec as { ports: { port: number }[] } | undefined)?.ports[0]
          ?.port;
      await restart(sync, async () => {
        const body = [{ op: 'replace', path: '/spec/ports/0/port', value: 4321 }];
        const name = { namespace: sync.ns, name: 'web' };
        await plane().client.patch(resources.services, name, { type: 'json', body }, { fieldManager: 'kubectl-edit' });
        if (!known) await loseStatus(sync);
      });
      await eventually(async () => (await portOf()) === 80, { what: 'the port of Git', timeoutMs: 10_000 });
      await sync.ready();
    });
  }

  it('applies of a commit that came meanwhile only what it changes', async () => {
    const sync = await start({ 'all.yaml': all('1') });
    await sync.ready();
    const other = await sync.get(resources.configMaps, 'other');
    await restart(sync, async () => sync.repository.commit({ 'all.yaml': all('2') }));
    await eventually(async () => (await dataOf(sync))?.k === '2', { what: 'the new commit' });
    assert.equal(
      (await sync.get(resources.configMaps, 'other'))?.metadata.resourceVersion,
      other?.metadata.resourceVersion,
    );
  });

  it('without a status applies everything once, and knows it again afterwards', async () => {
    const sync = await start({ 'all.yaml': all('1') });
    await sync.ready();
    assert.ok((await restart(sync, () => loseStatus(sync))) >= 4);
    await sync.ready();
    assert.equal(await restart(sync), 0);
  });
});
