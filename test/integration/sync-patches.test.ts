import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { resources } from '../../src/kube/index.ts';
import { createSnapshotStore } from '../../src/snapshot/index.ts';
import { eventually } from '../support/poll.ts';
import {
  configMap,
  DIGEST_KEY,
  deployment,
  holdBack,
  imageOf,
  type StartedSync,
  useSync,
  yaml,
} from '../support/sync.ts';

const PASSWORD = 'correct-horse-battery';

describe('spec.patches and spec.images', () => {
  const { plane, bench, start } = useSync();

  const folder = { 'web.yaml': yaml(configMap('settings'), deployment('web', 'registry.example.com/shop:v1')) };
  const image = (tag: string): object[] => [{ name: 'registry.example.com/shop', newName: 'mirror/shop', newTag: tag }];
  const replicas = (count: number | string, target: object = { kind: 'Deployment', name: 'web' }): object => ({
    patch: JSON.stringify([{ op: 'replace', path: '/spec/replicas', value: count }]),
    target,
  });
  const web = ({ get }: StartedSync) => get(resources.deployments, 'web');
  const runs = (sync: StartedSync, wanted: string): Promise<KubeObject> =>
    eventually(
      async () => {
        const live = await web(sync);
        return imageOf(live) === wanted ? live : undefined;
      },
      { what: `${wanted} to run`, timeoutMs: 20_000 },
    );
  const countIn = async (sync: StartedSync): Promise<number | undefined> =>
    ((await web(sync))?.spec as { replicas: number } | undefined)?.replicas;
  const condition = async ({ ns }: StartedSync, type: string) => {
    const sync = await plane().client.get<GitSync>(resources.gitSyncs, { namespace: ns, name: 'app' });
    return sync?.status?.conditions?.find((each) => each.type === type);
  };

  it('change what any renderer makes, by a target, before variables', async () => {
    const spec = {
      patches: [
        replicas('${REPLICAS}'),
        {
          patch: 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels:\n    team: shop\n',
        },
        {
          patch: '- op: add\n  path: /spec/template/metadata/labels/tier\n  value: front\n',
          target: { labelSelector: 'team=shop' },
        },
      ],
      images: image('v2'),
      postBuild: { substitute: { REPLICAS: '3' } },
    };
    const chart = {
      'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
      'templates/web.yaml': folder['web.yaml'],
    };
    const built = { ...folder, 'kustomization.yaml': 'resources: [web.yaml]\n' };
    for (const files of [folder, chart, built]) {
      const sync = await start(files, spec);
      await sync.ready();
      const live = await web(sync);
      assert.equal(imageOf(live), 'mirror/shop:v2');
      assert.equal(live?.metadata.labels?.team, 'shop');
      assert.ok(live);
      const { replicas: count, template } = live.spec as { replicas: number; template: KubeObject };
      assert.equal(count, 3);
      assert.equal(template.metadata.labels?.tier, 'front');
      assert.deepEqual((await sync.get(resources.configMaps, 'settings'))?.data ?? {}, {});
      assert.equal(await condition(sync, 'PatchUnmatched'), undefined);
    }
  });

  it('are applied again when they change, without a commit, and by no restart', async () => {
    const patch = { patch: '- {op: add, path: /data/team, value: shop}', target: { kind: 'ConfigMap' } };
    const sync = await start(folder, { patches: [patch], images: image('v1') });
    await sync.ready();
    await runs(sync, 'mirror/shop:v1');
    // Nobody but the reconciler writes to it.
    const settings = () => sync.get(resources.configMaps, 'settings');
    const before = await settings();
    assert.deepEqual(before?.data, { team: 'shop' });
    await bench().restart();
    await sync.edit(resources.gitSyncs, 'app', { metadata: { annotations: { 'metricops.dev/requested-at': 'now' } } });
    await eventually(
      async () => {
        const object = await plane().client.get<GitSync>(resources.gitSyncs, { namespace: sync.ns, name: 'app' });
        return object?.status?.lastHandledReconcileAt === 'now';
      },
      { what: 'the restarted controller has reconciled' },
    );
    assert.equal((await settings())?.metadata.resourceVersion, before?.metadata.resourceVersion);
    await sync.edit(resources.gitSyncs, 'app', { spec: { images: image('v2') } });
    await runs(sync, 'mirror/shop:v2');
    await sync.edit(resources.gitSyncs, 'app', { spec: { images: null } });
    await runs(sync, 'registry.example.com/shop:v1');
  });

  it('are put back when somebody changes by hand what they changed', async () => {
    const sync = await start(folder, { patches: [replicas(3)], images: image('v2') });
    await sync.ready();
    await sync.edit(resources.deployments, 'web', { spec: { replicas: 1 } });
    await eventually(async () => (await countIn(sync)) === 3, {
      what: 'the drift is corrected',
    });
  });

  it('say of a patch and of an image that they match nothing', async () => {
    const spec = {
      patches: [replicas(3), replicas(4, { kind: 'Deployment', name: 'api' })],
      images: [{ name: 'registry.example.com/other', newTag: '2' }],
    };
    const sync = await start(folder, spec);
    await sync.ready();
    assert.equal(await countIn(sync), 3);
    const { status, message } = (await condition(sync, 'PatchUnmatched')) ?? {};
    assert.equal(status, 'True');
    assert.equal(
      message,
      'spec.patches[1] (Deployment api) matches no object; spec.images[0]: no container has the image registry.example.com/other',
    );
    await sync.edit(resources.gitSyncs, 'app', { spec: { patches: [replicas(3)], images: null } });
    await eventually(async () => (await condition(sync, 'PatchUnmatched'))?.status === 'False', {
      what: 'the condition is taken back',
    });
  });

  it('name a patch that can not be applied, keep what was applied, and go on when it is mended', async () => {
    const sync = await start(folder, { patches: [replicas(3)] });
    await sync.ready();
    const bad = { patch: '- {op: replace, path: /spec/none/at/all, value: 1}', target: { kind: 'Deployment' } };
    await sync.edit(resources.gitSyncs, 'app', { spec: { patches: [replicas(4), bad] } });
    await sync.ready(
      'False',
      /^PatchFailed spec\.patches\[1\] failed: replace operation does not apply: .*\/spec\/none/,
    );
    assert.equal((await condition(sync, 'Stalled'))?.status, 'True');
    assert.equal(await countIn(sync), 3);
    await sync.edit(resources.gitSyncs, 'app', { spec: { patches: [replicas(4)] } });
    await eventually(async () => (await countIn(sync)) === 4, {
      what: 'the patch that was mended',
    });
  });

  it('show no value of a Secret, in no error, event or log', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, stringData: { password: PASSWORD } };
    const target = { kind: 'Secret' };
    const sync = await start(
      { 'a.yaml': yaml(secret) },
      {
        patches: [{ patch: '- {op: add, path: /stringData/user, value: shop}', target }],
      },
    );
    await sync.ready();
    const { data } = (await sync.get(resources.secrets, 'db')) as KubeObject & { data: Record<string, string> };
    assert.deepEqual(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
      [
        ['password', PASSWORD],
        ['user', 'shop'],
      ],
    );
    for (const patch of [
      '- {op: test, path: /stringData/password, value: a guess}',
      '- {op: replace, path: /stringData/password/none, value: 1}',
      '- {op: copy, from: /stringData/password, path: /metadata/name}',
      '- {op: copy, from: /stringData, path: /metadata/labels}\n- {op: add, path: /metadata/labels/a, value: 1}',
      '- {op: replace, path: /kind, value: ConfigMap}',
    ]) {
      const before = (await sync.get(resources.gitSyncs, 'app'))?.metadata.generation ?? 0;
      await sync.edit(resources.gitSyncs, 'app', { spec: { patches: [{ patch, target }] } });
      await eventually(
        async () => {
          const ready = await condition(sync, 'Ready');
          return ready?.status === 'False' && (ready.observedGeneration ?? 0) > before;
        },
        { what: `the refusal of ${patch}` },
      );
    }
    const { items: events } = await plane().client.list(resources.events, { namespace: sync.ns });
    const shown = [await sync.get(resources.gitSyncs, 'app'), events].map((each) => JSON.stringify(each)).join('');
    for (const text of [PASSWORD, Buffer.from(PASSWORD).toString('base64')])
      for (const where of [shown, bench().logged()]) assert.ok(!where.includes(text), 'no value is shown');
  });

  it('make releases that are rolled back, held, and lifted by the next change', async () => {
    const sync = await start(folder, { images: image('v1') });
    await sync.ready();
    const good = await runs(sync, 'mirror/shop:v1');
    await sync.edit(resources.gitSyncs, 'app', { spec: { images: image('v2') } });
    const bad = await runs(sync, 'mirror/shop:v2');
    const note = (object: KubeObject, name: string): string => object.metadata.annotations?.[name] ?? '';
    assert.notEqual(note(good, annotations.sourceDigest), note(bad, annotations.sourceDigest));
    const store = createSnapshotStore(plane().client, DIGEST_KEY, systemClock);
    const workload = { kind: 'Deployment', namespace: sync.ns, name: 'web' } as const;
    for (const release of [good, bad]) {
      const recorded = () => store.read(workload, note(release, annotations.snapshot));
      assert.equal((await eventually(recorded, { what: 'the record of a release' })).commit, sync.commit);
    }

    await holdBack(plane(), sync.ns, { good, bad });
    const phase = (wanted: string) =>
      eventually(
        async () => {
          const hold = (await sync.get(resources.holds, 'web')) as Hold | undefined;
          return hold?.status?.phase === wanted ? hold : undefined;
        },
        { what: `the Hold in phase ${wanted}`, timeoutMs: 20_000 },
      );
    await phase('Held');
    await runs(sync, 'mirror/shop:v1');
    // A commit that changes something else, and a restart, bring the bad one back no more.
    const unrelated = sync.push({ 'other.yaml': yaml(configMap('unrelated')) });
    const held = await sync.ready('True', new RegExp(unrelated));
    assert.equal(held.status?.held?.[0]?.digest, note(bad, annotations.sourceDigest));
    await bench().restart();
    await sync.ready();
    assert.equal(imageOf(await web(sync)), 'mirror/shop:v1');

    await sync.edit(resources.gitSyncs, 'app', { spec: { images: image('v3') } });
    await runs(sync, 'mirror/shop:v3');
    await phase('Dormant');
  });
}).timeout(120_000);
