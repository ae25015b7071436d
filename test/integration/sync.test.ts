import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { Hold } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, holdBack, imageOf, type SyncBench, useSync, yaml } from '../support/sync.ts';

/** A field of an object that has to be there. */
const field = <T>(object: KubeObject | undefined, name: string): T => {
  assert.ok(object, `no object with ${name}`);
  return object[name] as T;
};
describe('a GitSync', () => {
  const { plane, bench: running, start } = useSync();
  let bench: SyncBench;
  before(() => {
    bench = running();
  });
  const get = (type: (typeof resources)[keyof typeof resources], namespace: string, name: string) =>
    plane().client.get(type, { namespace, name });
  const imageIn = async (ns: string): Promise<string | undefined> =>
    imageOf(await get(resources.deployments, ns, 'web'));
  const phase = (ns: string, want: string) =>
    eventually(
      async () => {
        const hold = await plane().client.get<Hold>(resources.holds, { namespace: ns, name: 'web' });
        if (hold?.status?.phase === want) return hold;
        throw new Error(JSON.stringify(hold?.status));
      },
      { what: `Hold phase ${want}`, timeoutMs: 20_000 },
    );

  it('applies a folder, follows its commits, and prunes what left', async () => {
    const { ns, push } = await start({ 'a.yaml': yaml(configMap('one'), configMap('two', { v: '1' })) });
    const first = await bench.ready(ns, 'app');
    assert.equal(first.status?.objectCount, 2);
    const sha = push({ 'a.yaml': yaml(configMap('two', { v: '2' })) });
    await bench.ready(ns, 'app', 'True', new RegExp(sha));
    assert.equal(await get(resources.configMaps, ns, 'one'), undefined);
    assert.deepEqual((await get(resources.configMaps, ns, 'two'))?.data, { v: '2' });
  });

  it('costs no request to the API server when nothing is new', async () => {
    const { ns, commit } = await start({ 'a.yaml': yaml(configMap('one')) });
    await bench.ready(ns, 'app', 'True', new RegExp(commit));
    const before = (await get(resources.gitSyncs, ns, 'app'))?.metadata.resourceVersion;
    const syncs = async (): Promise<number> =>
      (await bench.metrics.syncs.get()).values
        .filter((v) => v.labels.result === 'unchanged')
        .reduce((a, v) => a + v.value, 0);
    const count = await syncs();
    bench.controller.requestSync({ namespace: ns, name: 'app' });
    await eventually(async () => (await syncs()) > count, { what: 'another sync' });
    assert.equal((await get(resources.gitSyncs, ns, 'app'))?.metadata.resourceVersion, before);
  });

  it('applies the good objects when the API server rejects one, and names that one', async () => {
    const broken = { ...configMap('Broken_Name'), data: { a: 'b' } };
    const { ns } = await start({ 'a.yaml': yaml(configMap('good'), broken) });
    const sync = await bench.ready(ns, 'app', 'False', /ObjectRejected .*Broken_Name/);
    assert.ok(await get(resources.configMaps, ns, 'good'));
    assert.equal(sync.status?.conditions?.find((c) => c.type === 'Stalled')?.status, 'True');
  });

  it('does not take an object of another GitSync', async () => {
    const { ns, repository } = await start({ 'a.yaml': yaml(configMap('mine')) });
    await bench.ready(ns, 'app');
    await bench.sync(ns, 'thief', { source: { git: { url: repository.url } } });
    await bench.ready(ns, 'thief', 'False', new RegExp(`OwnedByAnother .*${ns}/app`));
  });

  it('refuses an empty render until it is allowed', async () => {
    const { ns, push } = await start({ 'a.yaml': yaml(configMap('one')) });
    await bench.ready(ns, 'app');
    push({ 'a.yaml': null, 'README.md': 'nothing' });
    await bench.ready(ns, 'app', 'False', /EmptyRender/);
    assert.ok(await get(resources.configMaps, ns, 'one'));
    await plane().client.patch(
      resources.gitSyncs,
      { namespace: ns, name: 'app' },
      { type: 'merge', body: { spec: { allowEmpty: true } } },
    );
    await eventually(async () => (await get(resources.configMaps, ns, 'one')) === undefined, { what: 'the prune' });
  });

  it('corrects drift, edits and deletions, also while the Git server is away', async () => {
    const { ns } = await start({ 'a.yaml': yaml(configMap('one', { v: 'git' })) });
    await bench.ready(ns, 'app');
    for (const fault of ['none', 'unavailable'] as const) {
      bench.git.setFault(fault);
      await plane().client.patch(
        resources.configMaps,
        { namespace: ns, name: 'one' },
        { type: 'merge', body: { data: { v: 'hand' } } },
      );
      await eventually(
        async () => field<{ v: string }>(await get(resources.configMaps, ns, 'one'), 'data').v === 'git',
        {
          what: `the correction (${fault})`,
        },
      );
      await plane().client.delete(resources.configMaps, { namespace: ns, name: 'one' });
      await eventually(() => get(resources.configMaps, ns, 'one'), { what: `the re-creation (${fault})` });
    }
    bench.controller.requestSync({ namespace: ns, name: 'app' });
    await bench.ready(ns, 'app', 'False', /RepositoryUnreachable/);
    bench.git.setFault('none');
    bench.controller.requestSync({ namespace: ns, name: 'app' });
    await bench.ready(ns, 'app');
  });

  it('says what is wrong with the repository, and keeps what was applied', async () => {
    const { ns, push } = await start({ 'a.yaml': yaml(configMap('one')) });
    await bench.ready(ns, 'app');
    push({ 'b.yaml': 'a: [' });
    await bench.ready(ns, 'app', 'False', /InvalidYAML b\.yaml/);
    assert.ok(await get(resources.configMaps, ns, 'one'));
  });

  it('writes as the ServiceAccount of spec.serviceAccountName, and no more', async () => {
    const { ns } = await start({ 'a.yaml': yaml(configMap('one')) }, { serviceAccountName: 'default' });
    await bench.ready(ns, 'app', 'False', /ObjectRejected .*forbidden/);
  });

  it('names a circle of dependencies', async () => {
    const { ns, repository } = await start({ 'a.yaml': yaml(configMap('one')) }, { dependsOn: [{ name: 'other' }] });
    await bench.sync(ns, 'other', { source: { git: { url: repository.url } }, dependsOn: [{ name: 'app' }] });
    await bench.ready(ns, 'other', 'False', /DependencyCycle .*app → other|DependencyCycle .*other → app/);
  });

  it('deletes what it owns when it is deleted', async () => {
    const { ns } = await start({ 'a.yaml': yaml(configMap('one')) });
    await bench.ready(ns, 'app');
    await plane().client.delete(resources.gitSyncs, { namespace: ns, name: 'app' });
    await eventually(async () => (await get(resources.configMaps, ns, 'one')) === undefined, { what: 'the deletion' });
  });

  describe('under a Hold', () => {
    const releases = async (change: { good: Record<string, string>; bad: Record<string, string | null> }) => {
      const started = await start(change.good);
      await bench.ready(started.ns, 'app', 'True', new RegExp(started.commit));
      const good = await get(resources.deployments, started.ns, 'web');
      const sha = started.push(change.bad);
      await bench.ready(started.ns, 'app', 'True', new RegExp(sha));
      const bad = await get(resources.deployments, started.ns, 'web');
      assert.ok(good && bad);
      await holdBack(plane(), started.ns, { good, bad });
      await phase(started.ns, 'Held');
      return { ...started, bad: sha };
    };

    it('goes back, keeps the bad release out, applies the rest, and lets the fix through', async () => {
      const { ns, push, bad } = await releases({
        good: { 'web.yaml': yaml(configMap('settings'), deployment('web', 'shop:v1')) },
        bad: { 'web.yaml': yaml(configMap('settings'), deployment('web', 'shop:v2')) },
      });
      assert.equal(await imageIn(ns), 'shop:v1');
      const held = await eventually(async () => {
        const sync = await bench.ready(ns, 'app', 'True');
        return sync.status?.heldRevision ? sync : undefined;
      });
      assert.equal(held.status?.heldRevision, `main@${bad}`);
      const unrelated = push({ 'other.yaml': yaml(configMap('unrelated')) });
      await bench.ready(ns, 'app', 'True', new RegExp(unrelated));
      assert.ok(await get(resources.configMaps, ns, 'unrelated'));
      assert.equal(await imageIn(ns), 'shop:v1');
      const fixed = push({ 'web.yaml': yaml(configMap('settings'), deployment('web', 'shop:v3')) });
      const ready = await bench.ready(ns, 'app', 'True', new RegExp(fixed));
      assert.equal(await imageIn(ns), 'shop:v3');
      assert.equal(ready.status?.heldRevision, undefined);
      await phase(ns, 'Dormant');
    });

    it('keeps the replicas that somebody scaled to', async () => {
      const { ns } = await releases({
        good: {
          'web.yaml': yaml(configMap('settings'), deployment('web', 'shop:v1', 'settings', { replicas: undefined })),
        },
        bad: { 'web.yaml': yaml(configMap('settings'), deployment('web', 'shop:v2', 'settings', { replicas: 4 })) },
      });
      assert.equal(field<{ replicas: number }>(await get(resources.deployments, ns, 'web'), 'spec').replicas, 4);
    });

    it('brings back the ConfigMap that the bad commit renamed, and its Secret', async () => {
      const secret = (password: string): object => ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'login' },
        stringData: { password },
      });
      const withSecret = (image: string, config: string): KubeObject => {
        const object = deployment('web', image, config);
        const spec = object.spec as { template: { spec: { volumes?: object[] } } };
        spec.template.spec.volumes = [{ name: 'login', secret: { secretName: 'login' } }];
        return object;
      };
      const { ns } = await releases({
        good: {
          'web.yaml': yaml(configMap('settings', { v: 'good' }), secret('good'), withSecret('shop:v1', 'settings')),
        },
        bad: {
          'web.yaml': yaml(configMap('settings-v2', { v: 'bad' }), secret('bad'), withSecret('shop:v1', 'settings-v2')),
        },
      });
      const settings = await get(resources.configMaps, ns, 'settings');
      assert.deepEqual(settings?.data, { v: 'good' });
      const login = (await get(resources.secrets, ns, 'login'))?.data as { password: string };
      assert.equal(Buffer.from(login.password, 'base64').toString(), 'good');
      const revisions = await plane().client.list(resources.controllerRevisions, { namespace: ns });
      assert.ok(
        !JSON.stringify(revisions.items).includes(Buffer.from('good').toString('base64')),
        'no Secret in a ControllerRevision',
      );
      bench.controller.requestSync({ namespace: ns, name: 'app' });
      await eventually(async () => (await bench.ready(ns, 'app')).status?.heldRevision, { what: 'the held sync' });
      assert.ok(await get(resources.configMaps, ns, 'settings'), 'not pruned');
    });

    it('restarts the pods when only configuration was bad', async () => {
      const { ns } = await releases({
        good: { 'web.yaml': yaml(configMap('settings', { v: 'good' }), deployment('web', 'shop:v1')) },
        bad: { 'web.yaml': yaml(configMap('settings', { v: 'bad' }), deployment('web', 'shop:v1')) },
      });
      assert.deepEqual((await get(resources.configMaps, ns, 'settings'))?.data, { v: 'good' });
      const template = field<{ template: { metadata: { annotations?: Record<string, string> } } }>(
        await get(resources.deployments, ns, 'web'),
        'spec',
      ).template;
      assert.ok(template.metadata.annotations?.['metricops.dev/restarted-at']);
    });
  });
});
