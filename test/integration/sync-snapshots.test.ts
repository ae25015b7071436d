import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations, labels } from '../../src/api/annotations.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseRecords } from '../../src/api/release-history.ts';
import { systemClock } from '../../src/clock.ts';
import { KubeError, type ResourceType, resources } from '../../src/kube/index.ts';
import { createSnapshotStore, ensureHistory } from '../../src/snapshot/index.ts';
import { type Call, callText, watchCalls } from '../support/calls.ts';
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

const secret = (name: string, password: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData: { password },
});
/** Deployment `web` with ConfigMap `settings` and Secret `login`. */
const shop = (image: string, v = '1'): string => {
  const web = deployment('web', image);
  const { spec } = (web.spec as { template: { spec: { volumes?: object[] } } }).template;
  spec.volumes = [{ name: 'login', secret: { secretName: 'login' } }];
  return yaml(configMap('settings', { v }), secret('login', `p${v}`), web);
};
const inNamespace = (text: string, namespace: string): string =>
  text
    .split('\n---\n')
    .map((part) => JSON.parse(part) as KubeObject)
    .map((object) => JSON.stringify({ ...object, metadata: { ...object.metadata, namespace } }))
    .join('\n---\n');

describe('snapshots of releases', () => {
  /** What the reconciler asks the API server for; what it throws is the answer. */
  let onCall: (call: Call) => void = () => {};
  const { plane, bench, start } = useSync({
    client: async ({ client }) => ({ client: watchCalls(client, (call) => onCall(call)) }),
  });
  /** Runs while `fault` answers the requests that it matches. */
  const withFault = async (matches: (call: Call) => boolean, answer: Error, work: () => Promise<unknown>) => {
    onCall = (call) => {
      if (matches(call)) throw answer;
    };
    try {
      await work();
    } finally {
      onCall = () => {};
    }
  };
  const all = async (type: ResourceType, namespace: string): Promise<KubeObject[]> =>
    (await plane().client.list(type, { namespace })).items;
  const snapshotOf = (web: KubeObject | undefined): string => web?.metadata.annotations?.[annotations.snapshot] ?? '';
  const store = () => createSnapshotStore(plane().client, DIGEST_KEY, systemClock);
  const isStored = async ({ ns, get }: StartedSync, kind: 'Deployment' = 'Deployment'): Promise<boolean> => {
    const name = snapshotOf(await get(resources.deployments, 'web'));
    return name !== '' && (await store().read({ namespace: ns, kind, name: 'web' }, name)) !== undefined;
  };
  const concluded = (namespace: string, name = 'web'): Promise<{ phase: string; reason: string; message: string }> =>
    eventually(
      async () => {
        const { phase, conditions } =
          (await plane().client.get<Hold>(resources.holds, { namespace, name }))?.status ?? {};
        const [held] = conditions ?? [];
        return phase && phase !== 'Pending' && held ? { phase, reason: held.reason, message: held.message } : undefined;
      },
      { what: 'the phase of the Hold' },
    );
  const account = async (kinds: string, verbs = 'get,list,create,patch,delete'): Promise<string> => {
    const ns = await plane().namespace('team');
    const { kubectl } = plane();
    kubectl(['create', 'serviceaccount', 'deployer', '-n', ns]);
    kubectl(['create', 'role', 'deployer', `--verb=${verbs}`, `--resource=${kinds}`, '-n', ns]);
    kubectl(['create', 'rolebinding', 'deployer', '--role=deployer', `--serviceaccount=${ns}:deployer`, '-n', ns]);
    return ns;
  };

  it('are not planted in a namespace where the tenant may not write', async () => {
    const victim = await plane().namespace('victim');
    const ns = await account('deployments.apps,secrets,configmaps');
    const files = { 'a.yaml': inNamespace(shop('evil:1'), victim) };
    const { push, ready } = await start(files, { serviceAccountName: 'deployer' }, { namespace: ns });
    await ready('False', /cannot (get|patch|create) resource/);
    const sha = push({ 'a.yaml': inNamespace(shop('evil:2'), victim) });
    await eventually(async () => (await ready('False')).status?.lastAttemptedRevision?.endsWith(sha), {
      what: 'the second',
    });
    for (const type of [resources.releaseHistories, resources.controllerRevisions, resources.secrets])
      assert.deepEqual(await all(type, victim), [], type.kind);
    assert.deepEqual(
      (await all(resources.configMaps, victim)).map(({ metadata }) => metadata.name),
      ['kube-root-ca.crt'],
    );
  });

  it('copy no Secret of a tenant who may write workloads and no Secrets', async () => {
    const ns = await account('deployments.apps,configmaps');
    const started = await start({ 'a.yaml': shop('shop:v1') }, { serviceAccountName: 'deployer' }, { namespace: ns });
    const sync = await started.ready('False', /Secret .*cannot/);
    assert.ok(await started.get(resources.deployments, 'web'), 'the workload itself is accepted');
    assert.deepEqual(await all(resources.secrets, ns), []);
    assert.deepEqual(await all(resources.controllerRevisions, ns), []);
    const recorded = sync.status?.conditions?.find(({ type }) => type === 'Recorded');
    assert.equal(
      recorded?.message,
      `no rollback target: Deployment ${ns}/web: Secret ${ns}/login, a part of the release, is not applied`,
    );
    const verbs = '--verb=get,create,patch';
    plane().kubectl(['create', 'role', 'secrets', verbs, '--resource=secrets', '-n', ns]);
    plane().kubectl([
      'create',
      'rolebinding',
      'secrets',
      '--role=secrets',
      `--serviceaccount=${ns}:deployer`,
      '-n',
      ns,
    ]);
    await started.ready();
    await eventually(() => isStored(started), { what: 'the snapshot, now that its Secret is applied' });
  });

  it('are good in no other namespace: a copy of one, with its seal, has nothing applied there or here', async () => {
    const victim = await start({ 'a.yaml': shop('shop:v1') });
    await victim.ready();
    const real = (await all(resources.controllerRevisions, victim.ns)).find(
      ({ metadata }) => metadata.labels?.[labels.history],
    );
    assert.ok(real);
    await victim.ready('True', new RegExp(victim.push({ 'a.yaml': shop('shop:v2') })));
    const thief = await start({ 'a.yaml': shop('shop:v9') });
    await thief.ready();
    const bad = await thief.get(resources.deployments, 'web');
    const { name, annotations: notes = {} } = real.metadata;
    await plane().client.create(resources.controllerRevisions, {
      ...real,
      metadata: { name, namespace: thief.ns, annotations: notes },
    });
    const good = { ...real, metadata: { ...real.metadata, annotations: { ...notes, [annotations.snapshot]: name } } };
    await holdBack(plane(), thief.ns, { good, bad });
    const { phase, reason, message } = await concluded(thief.ns);
    assert.deepEqual([phase, reason], ['Failed', 'SnapshotDamaged']);
    assert.match(message, new RegExp(`recorded for Deployment ${victim.ns}/web, and is good for no other workload`));
    assert.equal(imageOf(await victim.get(resources.deployments, 'web')), 'shop:v2');
    assert.equal(imageOf(await thief.get(resources.deployments, 'web')), 'shop:v9');
    const sha = thief.push({ 'b.yaml': yaml(configMap('more')) });
    await thief.ready('True', new RegExp(sha));
    assert.equal(imageOf(await victim.get(resources.deployments, 'web')), 'shop:v2', 'nor by a plan under that Hold');
  });

  it('are of one release: a Hold that names one with the digest of another goes nowhere', async () => {
    const { ns, get, push, ready } = await start({ 'a.yaml': shop('shop:v1') });
    await ready();
    const first = await get(resources.deployments, 'web');
    await ready('True', new RegExp(push({ 'a.yaml': shop('shop:v2') })));
    const second = await get(resources.deployments, 'web');
    await ready('True', new RegExp(push({ 'a.yaml': shop('shop:v3') })));
    const mixed = structuredClone(second);
    Object.assign(mixed?.metadata.annotations ?? {}, { [annotations.snapshot]: snapshotOf(first) });
    await holdBack(plane(), ns, { good: mixed, bad: await get(resources.deployments, 'web') });
    const { phase, reason } = await concluded(ns);
    assert.deepEqual([phase, reason], ['Failed', 'SnapshotMismatch']);
    assert.equal(imageOf(await get(resources.deployments, 'web')), 'shop:v3');
  });

  it('choose the repository: a Hold can pin a content of it, and run no other image', async () => {
    const { ns, get, push, ready } = await start({ 'a.yaml': shop('registry.example.com/shop:v1') });
    await ready();
    const good = await get(resources.deployments, 'web');
    await ready('True', new RegExp(push({ 'a.yaml': shop('registry.example.com/shop:v2') })));
    const digest = `sha256:${'a'.repeat(64)}`;
    const bad = await get(resources.deployments, 'web');
    const pinned = (repository: string) => [{ container: 'c', image: `${repository}@${digest}` }];
    const { metadata } = await holdBack(plane(), ns, { good, bad }, pinned('evil.example.com/miner'));
    const { phase, reason, message } = await concluded(ns);
    assert.deepEqual([phase, reason], ['Failed', 'SnapshotMismatch']);
    assert.match(message, /evil.example.com\/miner@\S+ is not of the repository of container c in release 1/);
    assert.equal(imageOf(await get(resources.deployments, 'web')), 'registry.example.com/shop:v2');
    const body = { spec: { target: { images: pinned('registry.example.com/shop') } } };
    await plane().client.patch(resources.holds, metadata, { type: 'merge', body });
    await eventually(
      async () => imageOf(await get(resources.deployments, 'web')) === `registry.example.com/shop@${digest}`,
    );
  });

  it('take the place of twenty dashboards of 100 KB, and bring them back', async () => {
    const text = (i: number, v: string): string => `${i}${v}`.padEnd(100_000, 'x');
    const names = Array.from({ length: 20 }, (_, i) => `dashboard-${i}`);
    const grafana = (v: string): string => {
      const web = deployment('web', 'grafana:1', 'dashboard-0');
      const { spec } = (web.spec as { template: { spec: { volumes?: object[] } } }).template;
      spec.volumes = names.map((name) => ({ name, configMap: { name } }));
      return yaml(...names.map((name, i) => configMap(name, { json: text(i, v) })), web);
    };
    const started = await start({ 'a.yaml': grafana('good') });
    const { ns, get, push, ready } = started;
    await ready();
    assert.ok(await isStored(started));
    const good = await get(resources.deployments, 'web');
    await ready('True', new RegExp(push({ 'a.yaml': grafana('bad') })));
    await holdBack(plane(), ns, { good, bad: await get(resources.deployments, 'web') });
    assert.equal((await concluded(ns)).phase, 'Held');
    for (const [i, name] of names.entries())
      assert.deepEqual((await get(resources.configMaps, name))?.data, { json: text(i, 'good') });
  });

  it('that a quota refuses cost the rollback and not the apply, and say so until there is room', async () => {
    const ns = await plane().namespace('full');
    plane().kubectl(['create', 'quota', 'none', '--hard=count/controllerrevisions.apps=0', '-n', ns]);
    await eventually(async () => {
      const quota = JSON.parse(plane().kubectl(['get', 'quota', 'none', '-n', ns, '-o', 'json'])) as KubeObject;
      return (quota.status as { hard?: object } | undefined)?.hard !== undefined;
    });
    const started = await start({ 'a.yaml': shop('shop:v1') }, {}, { namespace: ns });
    const { get, push, ready } = started;
    const sync = await ready();
    assert.equal(imageOf(await get(resources.deployments, 'web')), 'shop:v1');
    const recorded = sync.status?.conditions?.find(({ type }) => type === 'Recorded');
    assert.deepEqual([recorded?.status, recorded?.reason], ['False', 'NoRollbackTarget']);
    assert.match(
      recorded?.message ?? '',
      new RegExp(`^no rollback target: Deployment ${ns}/web: its snapshot is refused: .*exceeded quota.*limited.*=0`),
    );
    await eventually(
      async () => (await all(resources.events, ns)).some((event) => event.reason === 'NoRollbackTarget'),
      { what: 'the Event' },
    );
    plane().kubectl(['delete', 'quota', 'none', '-n', ns]);
    const next = await ready('True', new RegExp(push({ 'a.yaml': shop('shop:v2') })));
    await eventually(() => isStored(started), { what: 'the snapshot of the next release' });
    assert.equal(next.status?.conditions?.find(({ type }) => type === 'Recorded')?.status, 'True');
  });

  it('that can be stored in no way cost the rollback, with the figure', async () => {
    const parts = Array.from({ length: 9 }, (_, i) => configMap(`part-${i}`, { text: 'x'.repeat(950_000) }));
    const web = deployment('web', 'shop:v1', 'part-0');
    const { spec } = (web.spec as { template: { spec: { volumes?: object[] } } }).template;
    spec.volumes = parts.map(({ metadata: { name } }) => ({ name, configMap: { name } }));
    const files = Object.fromEntries([...parts, web].map((object, i) => [`${i}.yaml`, yaml(object)]));
    const { ns, get, ready } = await start(files);
    const sync = await ready();
    const live = await get(resources.deployments, 'web');
    assert.equal(imageOf(live), 'shop:v1');
    assert.equal(snapshotOf(live), '', 'the release names no snapshot');
    const said = sync.status?.conditions?.find(({ type }) => type === 'Recorded')?.message ?? '';
    assert.match(
      said,
      /the snapshot is too large: it has, with its configuration, 8\.2 MiB, and 8\.0 MiB can be stored/,
    );
    assert.deepEqual(await all(resources.controllerRevisions, ns), []);
  });

  it('cost no more requests than the history, the revision and a copy for each Secret', async () => {
    const calls: string[] = [];
    const ns = await plane().namespace('count');
    onCall = (call) => {
      if (call.namespace === ns && call.kind !== 'GitSync' && call.kind !== 'Event') calls.push(callText(call));
    };
    try {
      const { get, push, ready } = await start({ 'a.yaml': shop('shop:v1') }, {}, { namespace: ns });
      await ready();
      calls.length = 0;
      await ready('True', new RegExp(push({ 'a.yaml': shop('shop:v2') })));
      const name = snapshotOf(await get(resources.deployments, 'web'));
      const copies = calls.filter((text) => text.startsWith(`create Secret ${ns}/metricops-`));
      assert.equal(copies.length, 1);
      assert.deepEqual(calls.filter((text) => !copies.includes(text)).toSorted(), [
        `apply Deployment ${ns}/web`,
        `create ControllerRevision ${ns}/${name}`,
        `get ReleaseHistory ${ns}/deployment-web`,
      ]);
      assert.ok(calls.indexOf(`apply Deployment ${ns}/web`) === 0, 'nothing is written before the apply was accepted');
    } finally {
      onCall = () => {};
    }
  });

  describe('after the end of the process', () => {
    const killed = new KubeError('no answer', { status: 0, reason: 'Unreachable' });
    const steps: [string, (call: Call) => boolean][] = [
      ['before the apply', ({ verb, kind }) => verb === 'apply' && kind === 'Deployment'],
      ['between the apply and the history', ({ kind }) => kind === 'ReleaseHistory'],
      ['between the history and the copy of a Secret', ({ verb, kind }) => verb === 'create' && kind === 'Secret'],
      ['between the copy and the revision', ({ verb, kind }) => verb === 'create' && kind === 'ControllerRevision'],
    ];
    for (const [when, matches] of steps) {
      it(`${when} are healed by the next one, before the workload changes again`, async () => {
        const ns = await plane().namespace('crash');
        let started: StartedSync | undefined;
        let reached = false;
        const isStep = (call: Call): boolean => {
          if (call.namespace !== ns || !matches(call)) return false;
          reached = true;
          return true;
        };
        await withFault(isStep, killed, async () => {
          started = await start({ 'a.yaml': shop('shop:v1') }, {}, { namespace: ns });
          await eventually(() => reached, { what: when });
          await bench().restart(async () => {
            onCall = () => {};
          });
        });
        assert.ok(started);
        const { get, push } = started;
        const restarted = started;
        await eventually(() => isStored(restarted), { what: 'the snapshot of the release that is applied' });
        await started.ready();
        const good = await get(resources.deployments, 'web');
        await started.ready('True', new RegExp(push({ 'a.yaml': shop('shop:v2', '2') })));
        await holdBack(plane(), ns, { good, bad: await get(resources.deployments, 'web') });
        assert.equal((await concluded(ns)).phase, 'Held');
        assert.equal(imageOf(await get(resources.deployments, 'web')), 'shop:v1');
        assert.deepEqual((await get(resources.configMaps, 'settings'))?.data, { v: '1' });
      });
    }
    it('within the same one, what was refused for a moment is written before the next change', async () => {
      const ns = await plane().namespace('crash');
      let refusals = 0;
      const busy = new KubeError('the server is busy', { status: 503, reason: 'ServiceUnavailable' });
      let started: StartedSync | undefined;
      let first = '';
      await withFault(
        ({ verb, kind, namespace }) =>
          verb === 'create' && kind === 'ControllerRevision' && namespace === ns && ++refusals > 0,
        busy,
        async () => {
          started = await start({ 'a.yaml': shop('shop:v1') }, {}, { namespace: ns });
          const sync = await started.ready();
          first = snapshotOf(await started.get(resources.deployments, 'web'));
          assert.match(
            sync.status?.conditions?.find(({ type }) => type === 'Recorded')?.message ?? '',
            /its snapshot is refused: the server is busy/,
          );
        },
      );
      assert.ok(started && refusals > 0);
      await started.ready('True', new RegExp(started.push({ 'a.yaml': shop('shop:v2') })));
      assert.ok(await store().read({ namespace: ns, kind: 'Deployment', name: 'web' }, first));
    });
  });

  it('of a refused Hold stop nothing else of the namespace, and say what was refused', async () => {
    const { ns, get, push, ready } = await start({ 'a.yaml': shop('shop:v1') });
    await ready();
    const good = await get(resources.deployments, 'web');
    await ready('True', new RegExp(push({ 'a.yaml': shop('shop:v2') })));
    const bad = await get(resources.deployments, 'web');
    const forbidden = new KubeError('configmaps "settings" is forbidden', { status: 403, reason: 'Forbidden' });
    await withFault(
      ({ verb, kind, namespace, name }) =>
        namespace === ns && verb === 'apply' && kind === 'ConfigMap' && name === 'settings',
      forbidden,
      async () => {
        await holdBack(plane(), ns, { good, bad });
        const { phase, reason, message } = await concluded(ns);
        assert.deepEqual([phase, reason], ['Failed', 'HoldFailed']);
        assert.match(message, /release 1 is not applied: configmaps "settings" is forbidden/);
        const fix = push({ 'a.yaml': shop('shop:v3'), 'b.yaml': yaml(configMap('unrelated')) });
        await ready('True', new RegExp(fix));
      },
    );
    assert.equal(imageOf(await get(resources.deployments, 'web')), 'shop:v3', 'the fix is applied');
    assert.ok(await get(resources.configMaps, 'unrelated'));
  });

  it('are what a person goes back to with kubectl rollout undo, as the history names them', async () => {
    const { ns, get, push, ready } = await start({ 'a.yaml': shop('shop:v1') });
    await ready();
    const good = await get(resources.deployments, 'web');
    await ready('True', new RegExp(push({ 'a.yaml': shop('shop:v2') })));
    const history = await ensureHistory(plane().client, { namespace: ns, kind: 'Deployment', name: 'web' });
    const release = (snapshot: string): ReleaseRecords => ({
      releases: [
        {
          number: 1,
          sourceDigest: good?.metadata.annotations?.[annotations.sourceDigest] ?? '',
          workloadUID: 'u',
          images: [],
          firstSeenTime: new Date().toISOString(),
          outcome: 'Good',
          snapshotRef: { name: snapshot },
        },
      ],
    });
    const record = async (snapshot: string): Promise<void> => {
      const body = { spec: release(snapshot) };
      await plane().client.patch(resources.releaseHistories, history.metadata, { type: 'merge', body });
    };
    await record('of-nothing');
    plane().kubectl(['rollout', 'undo', 'deployment/web', '-n', ns]);
    await eventually(async () => imageOf(await get(resources.deployments, 'web')) === 'shop:v2', {
      what: 'the correction',
    });
    assert.deepEqual(await all(resources.holds, ns), [], 'no Hold on a snapshot that is not there');
    await record(snapshotOf(good));
    plane().kubectl(['rollout', 'undo', 'deployment/web', '-n', ns]);
    const hold = await eventually(async () => (await all(resources.holds, ns))[0] as Hold | undefined, {
      what: 'the Hold',
    });
    assert.equal(hold.spec.target?.snapshotRef.name, snapshotOf(good));
    assert.equal((await concluded(ns, hold.metadata.name)).phase, 'Held');
    assert.equal(imageOf(await get(resources.deployments, 'web')), 'shop:v1');
  });
});
