import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, type StartedSync, useSync, yaml } from '../support/sync.ts';

const WRITES = ['POST', 'PUT', 'PATCH', 'DELETE'];
/** Its controllers write to it after the apply, as to the Deployment. */
const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
};
const all = (k: string): string =>
  yaml(configMap('settings', { k }), configMap('other'), service, deployment('web', 'web:1'));

describe('a restart', () => {
  const { plane, bench, start } = useSync();

  const writes = (): number => WRITES.reduce((sum, verb) => sum + (bench().sent.get(verb) ?? 0), 0);
  const seen = async (): Promise<number> => {
    const { values } = await bench().metrics.syncs.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };
  /** Another process, and what it wrote until it had reconciled every GitSync. */
  const restart = async (meanwhile?: () => Promise<unknown>): Promise<number> => {
    let [before, wanted] = [0, 0];
    await bench().restart(async () => {
      await meanwhile?.();
      const { items } = await plane().client.list(resources.gitSyncs);
      [before, wanted] = [writes(), (await seen()) + items.length];
    });
    await eventually(async () => (await seen()) >= wanted, { what: 'a reconcile of each GitSync' });
    return writes() - before;
  };
  const dataOf = async ({ get }: StartedSync): Promise<{ k?: string } | undefined> =>
    (await get(resources.configMaps, 'settings'))?.data as { k?: string } | undefined;

  it('without news writes nothing, also where controllers wrote to what was applied', async () => {
    const sync = await start({ 'all.yaml': all('1') });
    await sync.ready();
    const observed = async (): Promise<boolean> => {
      const web = await sync.get(resources.deployments, 'web');
      return web?.metadata.annotations?.['deployment.kubernetes.io/revision'] !== undefined;
    };
    await eventually(observed, { what: 'the Deployment controller' });
    assert.equal(await restart(), 0);
  });

  it('reverts what was edited by hand meanwhile, and writes nothing else', async () => {
    const sync = await start({ 'all.yaml': all('1') });
    await sync.ready();
    const wrote = await restart(() => sync.edit(resources.configMaps, 'settings', { data: { k: 'by hand' } }));
    await eventually(async () => (await dataOf(sync))?.k === '1', { what: 'the value of Git' });
    // Fields back from the editor, the apply, the new trace in the status; an Event comes at its own pace.
    assert.ok(wrote <= 4, `${wrote} writes`);
    const told = async (): Promise<boolean> => {
      const { items } = await plane().client.list(resources.events, { namespace: sync.ns });
      return items.some(({ reason, note }) => reason === 'DriftCorrected' && String(note).includes('/data/k'));
    };
    await eventually(told, { what: 'the Event' });
  });

  it('applies of a commit that came meanwhile only what it changes', async () => {
    const sync = await start({ 'all.yaml': all('1') });
    await sync.ready();
    const other = await sync.get(resources.configMaps, 'other');
    await restart(async () => sync.repository.commit({ 'all.yaml': all('2') }));
    await eventually(async () => (await dataOf(sync))?.k === '2', { what: 'the new commit' });
    assert.equal(
      (await sync.get(resources.configMaps, 'other'))?.metadata.resourceVersion,
      other?.metadata.resourceVersion,
    );
  });

  it('without a status applies everything once, and knows it again afterwards', async () => {
    const sync = await start({ 'all.yaml': all('1') });
    await sync.ready();
    const lost = () =>
      plane().client.patch(
        resources.gitSyncs,
        { namespace: sync.ns, name: 'app' },
        { type: 'merge', body: { status: null } },
        { subresource: 'status' },
      );
    assert.ok((await restart(lost)) >= 4);
    await sync.ready();
    assert.equal(await restart(), 0);
  });
});
