import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { API_VERSION, annotations, labels, RECORD_AUDIENCE } from '../../src/api/annotations.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { createCaches } from '../../src/caches.ts';
import type { Clock } from '../../src/clock.ts';
import { isRolledOut } from '../../src/health/rollout.ts';
import { createKubeClient, type KubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import { createRecorder, type RecordAnswer, type Recorder } from '../../src/release/index.ts';
import { createSnapshotStore, ensureHistory, historyName } from '../../src/snapshot/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';

const key = Buffer.from('integration-test-key-0123456789ab');
const digest = (letter: string): string => `v1:${letter.repeat(64)}`;

/** Real time with an offset: soak times pass without waiting. */
const shiftable = (): Clock & { shift(ms: number): void } => {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    shift: (ms) => {
      offset += ms;
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, Math.min(ms, 100));
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      }),
  };
};

describe('the recorder', () => {
  const plane = useControlPlane();
  let client: KubeClient & { close(): Promise<void> };
  let requests: string[] = [];
  let watched: ReturnType<typeof createCaches>;
  let caches: typeof watched.caches;
  const clock = shiftable();
  const metrics = createMetrics();
  let recorder: Recorder;
  let other: Recorder;
  const leaders: { abort: AbortController; done: Promise<void> }[] = [];

  before(async () => {
    client = createKubeClient(await loadConnection({ kubeconfig: plane().kubeconfig }), {
      onRequest: (verb, code) => requests.push(`${verb} ${code}`),
    });
    watched = createCaches(client, { clock, random: Math.random });
    caches = watched.caches;
    await watched.ready();
    const ports = {
      client,
      systemNamespace: 'metricops-system',
      caches,
      snapshots: createSnapshotStore(client, key, clock),
      clock,
      random: Math.random,
      log: silentLog(),
      metrics,
    };
    recorder = createRecorder(ports);
    other = createRecorder(ports);
  });
  after(async () => {
    for (const { abort, done } of leaders) {
      abort.abort();
      await done;
    }
    await watched?.stop();
    await client?.close();
  });
  const lead = (): void => {
    const abort = new AbortController();
    leaders.push({ abort, done: recorder.start(abort.signal) });
  };

  const deployment = (
    ns: string,
    image: string,
    { git, env = '' }: { git?: string; env?: string } = {},
  ): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      namespace: ns,
      ...(git === undefined
        ? {}
        : {
            labels: { [labels.sync]: `${ns}.shop` },
            annotations: {
              [annotations.sourceDigest]: digest(git),
              [annotations.commit]: git.repeat(40),
              [annotations.snapshot]: `snapshot-${git}`,
              [annotations.inject]: 'true',
            },
          }),
    },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' }, annotations: { [annotations.inject]: 'true' } },
        spec: { containers: [{ name: 'web', image, env: [{ name: 'A', value: env }] }] },
      },
    },
  });
  const apply = (ns: string, object: KubeObject): Promise<KubeObject> =>
    client.apply(resources.deployments, object, { fieldManager: `metricops/${ns}/shop`, force: true });

  /** The pods of an image, once the real controllers have made them and our caches know them. */
  const podsOf = (ns: string, image: string, count = 2): Promise<KubeObject[]> =>
    eventually(() => {
      const pods = caches.pods
        .list(ns)
        .filter((p) => (p.spec as { containers: { image: string }[] }).containers[0]?.image === image)
        .filter((p) => p.metadata.deletionTimestamp === undefined);
      return pods.length === count ? pods : undefined;
    });

  /** What the kubelet would say of a pod that runs. */
  const runPod = async (
    pod: KubeObject,
    image: string,
    imageID = `${image.split(':')[0]}@sha256:${'c'.repeat(64)}`,
  ): Promise<void> => {
    const now = new Date().toISOString();
    const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: now,
    }));
    const status = {
      phase: 'Running',
      conditions,
      containerStatuses: [
        {
          name: 'web',
          image,
          imageID,
          ready: true,
          restartCount: 0,
          started: true,
          state: { running: { startedAt: now } },
        },
      ],
    };
    await client.patch(resources.pods, pod.metadata, { type: 'merge', body: { status } }, { subresource: 'status' });
  };
  const run = async (ns: string, image: string): Promise<KubeObject[]> => {
    const pods = await podsOf(ns, image);
    for (const pod of pods) await runPod(pod, image);
    return eventually(() => {
      const known = caches.pods.list(ns).filter((p) => pods.some((o) => o.metadata.uid === p.metadata.uid));
      return known.every((p) => (p.status as { phase?: string }).phase === 'Running') ? known : undefined;
    });
  };

  const tokenOf = (pod: KubeObject, { audience = RECORD_AUDIENCE, bound = true } = {}): string => {
    const { namespace = '', name, uid = '' } = pod.metadata;
    const binding = bound ? ['--bound-object-kind', 'Pod', '--bound-object-name', name, '--bound-object-uid', uid] : [];
    return plane()
      .kubectl(['create', 'token', 'default', '-n', namespace, '--audience', audience, ...binding])
      .trim();
  };
  const historyOf = (ns: string, kind: 'Deployment' | 'StatefulSet' = 'Deployment', name = 'web') =>
    client.get<ReleaseHistory>(resources.releaseHistories, { namespace: ns, name: historyName({ kind, name }) });
  const coded = (answer: RecordAnswer): [number, string | undefined] => [
    answer.status,
    'code' in answer ? answer.code : undefined,
  ];
  /** 202 and 404 pass by themselves, as the sidecar knows. */
  const record = (token: string, by: Recorder = recorder): Promise<RecordAnswer> =>
    eventually(async () => {
      const answer = await by.record(token);
      return answer.status === 202 || answer.status === 404 ? undefined : answer;
    });

  it('records one release, however many pods and replicas report it at once', async () => {
    const ns = await plane().namespace('release');
    await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
    const tokens = (await run(ns, 'shop/web:v1')).map((pod) => tokenOf(pod));
    const answers = await Promise.all(
      [...tokens, ...tokens].map((token, i) => record(token, i % 2 ? other : recorder)),
    );
    const workload = `deployment/${ns}/web`;
    for (const answer of answers) {
      assert.ok('release' in answer, JSON.stringify(answer));
      assert.deepEqual([answer.release, answer.workload], [1, workload]);
    }
    const history = await historyOf(ns);
    assert.equal(history?.spec.releases?.length, 1);
    const [release] = history?.spec.releases ?? [];
    assert.equal(release?.sourceDigest, digest('a'));
    assert.equal(release?.commit, 'a'.repeat(40));
    assert.equal(release?.snapshotRef?.name, 'snapshot-a');
    assert.equal(release?.outcome, 'Active');
    assert.deepEqual(release?.gitSyncRef, { namespace: ns, name: 'shop' });
    assert.equal(release?.appliedBy, `metricops/${ns}/shop`);
    assert.deepEqual(release?.labels, { app: 'web' });
    assert.deepEqual(release?.images, [
      { container: 'web', image: 'shop/web:v1', tag: 'v1', imageID: `shop/web@sha256:${'c'.repeat(64)}` },
    ]);
    const replicaSets = caches.replicaSets.list(ns);
    assert.equal(release?.revision, replicaSets[0]?.metadata.labels?.['pod-template-hash']);
  });

  it('says which image of a release no rollback can pin: one that was loaded by hand', async () => {
    const ns = await plane().namespace('release');
    await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
    const loaded = `sha256:${'d'.repeat(64)}`;
    const pods = await podsOf(ns, 'shop/web:v1');
    for (const pod of pods) await runPod(pod, 'shop/web:v1', loaded);
    const said = await eventually(async () => {
      for (const pod of pods) await record(tokenOf(pod));
      return (await historyOf(ns))?.status?.conditions?.find(({ type }) => type === 'ImagesPinned');
    });
    assert.deepEqual([said.status, said.reason], ['False', 'ImageNotPinned']);
    assert.match(said.message, new RegExp(`release 1: shop/web:v1 of web is ${loaded}`));
  });

  it('asks the API server nothing for a release that is known', async () => {
    const ns = await plane().namespace('release');
    await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
    const [one, two] = (await run(ns, 'shop/web:v1')).map((pod) => tokenOf(pod));
    // readiness is news, too
    await eventually(() => isRolledOut(caches.workloads.Deployment.get({ namespace: ns, name: 'web' }) as KubeObject));
    assert.equal((await record(one ?? '')).status, 201);
    await eventually(() => caches.histories.get({ namespace: ns, name: 'deployment-web' })?.spec.releases);
    requests = [];
    assert.equal((await record(two ?? '')).status, 200);
    assert.equal((await record(one ?? '')).status, 200);
    assert.deepEqual(requests, []);
  });

  it('refuses every token but that of a pod of this cluster', async () => {
    const ns = await plane().namespace('release');
    await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
    const [pod] = await podsOf(ns, 'shop/web:v1');
    assert.ok(pod);
    assert.deepEqual(coded(await recorder.record('garbage')), [401, 'TokenMalformed']);
    assert.deepEqual(coded(await recorder.record(tokenOf(pod, { audience: 'another' }))), [403, 'TokenWrongAudience']);
    assert.deepEqual(coded(await recorder.record(tokenOf(pod, { bound: false }))), [403, 'TokenNotBoundToPod']);
    const good = tokenOf(pod);
    const [header, payload] = good.split('.');
    assert.deepEqual(coded(await recorder.record(`${header}.${payload}.${'A'.repeat(86)}`)), [
      401,
      'TokenBadSignature',
    ]);
    const later = createRecorder({
      client,
      systemNamespace: 'metricops-system',
      caches,
      snapshots: createSnapshotStore(client, key, clock),
      clock: { ...clock, now: () => Date.now() + 24 * 3_600_000 },
      random: Math.random,
      log: silentLog(),
      metrics: createMetrics(),
    });
    assert.deepEqual(coded(await later.record(good)), [401, 'TokenExpired']);
    assert.equal(await historyOf(ns), undefined);
  });

  it('says 404 for a pod that is gone, and 422 for one of no workload', async () => {
    const ns = await plane().namespace('release');
    const bare = (name: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: ns },
      spec: { containers: [{ name: 'web', image: 'shop/web:v1' }] },
    });
    const pod = await client.create(resources.pods, bare('bare'));
    const token = tokenOf(pod);
    await eventually(() => caches.pods.get(pod.metadata));
    assert.deepEqual(coded(await recorder.record(token)), [422, 'PodNotOwned']);
    const forced = ['delete', 'pod', 'bare', '-n', ns, '--force', '--grace-period=0'];
    plane().kubectl(forced);
    await eventually(() => caches.pods.get(pod.metadata) === undefined);
    assert.deepEqual(coded(await recorder.record(token)), [404, 'PodNotFound']);
    // another pod of the same name is not the pod of the token
    const second = await client.create(resources.pods, bare('bare'));
    await eventually(() => caches.pods.get(second.metadata));
    assert.deepEqual(coded(await recorder.record(token)), [404, 'PodNotFound']);
  });

  it('keeps the live template of a workload that no GitSync owns', async () => {
    const ns = await plane().namespace('release');
    await client.apply(resources.deployments, deployment(ns, 'shop/web:v1'), { fieldManager: 'kubectl' });
    const [pod] = await run(ns, 'shop/web:v1');
    assert.ok(pod);
    assert.equal((await record(tokenOf(pod))).status, 201);
    const [release] = (await historyOf(ns))?.spec.releases ?? [];
    assert.match(release?.sourceDigest ?? '', /^live1:/);
    assert.equal(release?.appliedBy, 'kubectl');
    const snapshot = await createSnapshotStore(client, key, clock).read(
      { namespace: ns, kind: 'Deployment', name: 'web' },
      release?.snapshotRef?.name ?? '',
    );
    assert.equal(snapshot?.fieldManager, 'live');
    const spec = snapshot?.workload.spec as { template: { spec: { containers: { image: string }[] } } } | undefined;
    assert.equal(spec?.template.spec.containers[0]?.image, 'shop/web:v1');
  });

  it('names no snapshot of a release that is over, unless it is there', async () => {
    const ns = await plane().namespace('release');
    const release = async (image: string, git: string): Promise<ReleaseHistory | undefined> => {
      await apply(ns, deployment(ns, image, { git }));
      const [pod] = await (git === 'a' ? run(ns, image) : podsOf(ns, image, 1));
      assert.ok(pod);
      await record(tokenOf(pod));
      return historyOf(ns);
    };
    const first = await release('shop/web:v1', 'a');
    assert.equal(first?.spec.releases?.[0]?.snapshotRef?.name, 'snapshot-a');
    const second = await release('shop/web:v2', 'b');
    assert.deepEqual(
      second?.spec.releases?.map(({ snapshotRef }) => snapshotRef?.name),
      ['snapshot-b', undefined],
    );
    const [condition] = second?.status?.conditions ?? [];
    assert.deepEqual(
      [condition?.type, condition?.reason, condition?.message],
      ['Recorded', 'NoRollbackTarget', 'no rollback target: release 1: its snapshot snapshot-a was not stored'],
    );
    const metadata = { name: 'snapshot-b', namespace: ns, labels: { 'metricops.dev/history': 'deployment-web' } };
    await client.create(resources.controllerRevisions, {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata,
      revision: 1,
      data: { any: 'content' },
    });
    const third = await release('shop/web:v3', 'c');
    assert.deepEqual(
      third?.spec.releases?.map(({ snapshotRef }) => snapshotRef?.name),
      ['snapshot-c', 'snapshot-b', undefined],
    );
  });

  it('does not go back to an older release because one of its pods still reports', async () => {
    const ns = await plane().namespace('release');
    await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
    const [old] = await run(ns, 'shop/web:v1');
    assert.ok(old);
    const oldToken = tokenOf(old);
    await record(oldToken);
    await apply(ns, deployment(ns, 'shop/web:v2', { git: 'b' }));
    const [fresh] = await podsOf(ns, 'shop/web:v2', 1);
    assert.ok(fresh);
    const answer = await record(tokenOf(fresh));
    assert.deepEqual(answer, { status: 201, release: 2, workload: `deployment/${ns}/web` });
    const again = await recorder.record(oldToken);
    assert.deepEqual(again, { status: 200, release: 1, workload: `deployment/${ns}/web` });
    const history = await historyOf(ns);
    assert.equal(history?.spec.currentRelease, 2);
    assert.deepEqual(
      history?.spec.releases?.map((r) => [r.number, r.outcome]),
      [
        [2, 'Active'],
        [1, 'Superseded'],
      ],
    );
  });

  it('does not go back to an older release because a watch lags behind', async () => {
    const ns = await plane().namespace('release');
    await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
    const [old] = await run(ns, 'shop/web:v1');
    assert.ok(old);
    const oldToken = tokenOf(old);
    await record(oldToken);
    const before = structuredClone(caches.workloads.Deployment.get({ namespace: ns, name: 'web' }));
    await apply(ns, deployment(ns, 'shop/web:v2', { git: 'b' }));
    const [fresh] = await podsOf(ns, 'shop/web:v2', 1);
    assert.ok(fresh);
    await record(tokenOf(fresh));
    const lagging = createRecorder({
      client,
      systemNamespace: 'metricops-system',
      caches: {
        ...caches,
        workloads: { ...caches.workloads, Deployment: { ...caches.workloads.Deployment, get: () => before } },
      },
      snapshots: createSnapshotStore(client, key, clock),
      clock,
      random: Math.random,
      log: silentLog(),
      metrics: createMetrics(),
    });
    const answer = await lagging.record(oldToken);
    assert.deepEqual(answer, { status: 200, release: 1, workload: `deployment/${ns}/web` });
    const history = await historyOf(ns);
    assert.equal(history?.spec.currentRelease, 2);
    assert.equal(history?.spec.releases?.[1]?.restoredTime, undefined);
  });

  describe('of the leader', () => {
    before(() => lead());
    const eventualRecords = (ns: string, check: (records: ReleaseHistory['spec']) => boolean) =>
      eventually(
        async () => {
          const records = (await historyOf(ns))?.spec;
          return records && check(records) ? records : undefined;
        },
        { timeoutMs: 15_000, what: 'the history' },
      );

    it('tells the whole story: ready, good, bad release, hold, restored, fixed', async function () {
      this.timeout(60_000);
      const ns = await plane().namespace('release');
      await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
      await run(ns, 'shop/web:v1');
      const ready = await eventualRecords(ns, (s) => s.releases?.[0]?.readyTime !== undefined);
      assert.equal(ready.lastGoodRelease, undefined);
      assert.match(ready.releases?.[0]?.images[0]?.imageID ?? '', /@sha256:c/, 'from a pod, though none reported');
      clock.shift(11 * 60_000);
      await eventualRecords(ns, (s) => s.lastGoodRelease === 1);

      await apply(ns, deployment(ns, 'shop/web:v2', { git: 'b' }));
      await eventualRecords(ns, (s) => s.currentRelease === 2);
      const hold: Hold = {
        apiVersion: API_VERSION,
        kind: 'Hold',
        metadata: { name: 'web', namespace: ns },
        spec: {
          workloadRef: { kind: 'Deployment', name: 'web' },
          action: 'Rollback',
          rejectedDigests: [digest('b')],
          target: { release: 1, sourceDigest: digest('a'), snapshotRef: { name: 'snapshot-a' } },
          origin: 'Incident',
          incidentRef: { name: 'web-incident' },
        },
      };
      await client.create(resources.holds, hold);
      await eventualRecords(ns, (s) => s.releases?.[0]?.outcome === 'Rejected');
      await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
      const back = await eventualRecords(ns, (s) => s.currentRelease === 1);
      assert.ok(back.releases?.find((r) => r.number === 1)?.restoredTime);
      assert.equal(back.releases?.find((r) => r.number === 2)?.incidentRef?.name, 'web-incident');
      assert.equal(back.lastGoodRelease, 1);

      await apply(ns, deployment(ns, 'shop/web:v3', { git: 'c' }));
      const fixed = await eventualRecords(ns, (s) => s.currentRelease === 3);
      assert.deepEqual(
        fixed.releases?.map((r) => [r.number, r.outcome]),
        [
          [3, 'Active'],
          [2, 'Rejected'],
          [1, 'Good'],
        ],
      );
    });

    it('records a release that changes configuration only, and calls it ready when pods started with it', async () => {
      const ns = await plane().namespace('release');
      await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
      await run(ns, 'shop/web:v1');
      await eventualRecords(ns, (s) => s.releases?.[0]?.readyTime !== undefined);
      await apply(ns, deployment(ns, 'shop/web:v1', { git: 'd' }));
      const records = await eventualRecords(
        ns,
        (s) => s.currentRelease === 2 && s.releases?.[0]?.images[0]?.imageID !== undefined,
      );
      const [second, first] = records.releases ?? [];
      assert.equal(second?.revision, first?.revision, 'the pods are the same');
      assert.deepEqual([second?.readyTime, second?.outcome], [undefined, 'Active'], 'they read what was there before');
      plane().kubectl(['rollout', 'restart', 'deployment/web', '-n', ns]);
      const restarted = await eventually(async () => {
        for (const pod of caches.pods.list(ns).filter(({ metadata }) => metadata.deletionTimestamp === undefined))
          await runPod(pod, 'shop/web:v1');
        const now = (await historyOf(ns))?.spec.releases?.[0];
        return now?.readyTime === undefined ? undefined : now;
      });
      assert.notEqual(restarted.revision, first?.revision);
    });

    it('knows a release again that a person brings back with kubectl rollout undo', async function () {
      this.timeout(60_000);
      const ns = await plane().namespace('release');
      await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
      await eventualRecords(ns, (s) => s.releases?.[0]?.revision !== undefined);
      await apply(ns, deployment(ns, 'shop/web:v2', { git: 'b' }));
      await eventualRecords(ns, (s) => s.currentRelease === 2 && s.releases?.[0]?.revision !== undefined);
      // managedFields count in whole seconds
      const second = Math.floor(Date.now() / 1000);
      await eventually(() => Math.floor(Date.now() / 1000) > second);
      plane().kubectl(['rollout', 'undo', 'deployment/web', '-n', ns]);
      const status = await eventualRecords(ns, (s) => s.currentRelease === 1);
      assert.equal(status.releases?.length, 2);
    });

    it('leaves alone what is not opted in', async () => {
      const ns = await plane().namespace('release');
      const quiet = deployment(ns, 'shop/web:v1');
      const template = (quiet.spec as { template: { metadata: { annotations?: object } } }).template;
      delete template.metadata.annotations;
      await client.apply(resources.deployments, quiet, { fieldManager: 'kubectl' });
      await podsOf(ns, 'shop/web:v1');
      const loud = deployment(ns, 'shop/web:v1');
      loud.metadata.name = 'loud';
      await client.apply(resources.deployments, loud, { fieldManager: 'kubectl' });
      await eventually(() => historyOf(ns, 'Deployment', 'loud'));
      assert.equal(await historyOf(ns), undefined);
      plane().kubectl(['label', 'namespace', ns, 'metricops.dev/inject=enabled']);
      await eventually(() => historyOf(ns));
    });

    it('counts the pods whose injection was missed', async () => {
      const ns = await plane().namespace('release');
      await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
      const count = async (): Promise<number> => (await metrics.missedInjections.get()).values[0]?.value ?? 0;
      const before = await count();
      await run(ns, 'shop/web:v1'); // no webhook here
      await eventually(async () => (await count()) >= before + 2);
    });

    it('takes the soak time from the policy of the workload, and names it as a guard', async () => {
      const ns = await plane().namespace('release');
      await client.create(resources.rollbackPolicies, {
        apiVersion: API_VERSION,
        kind: 'RollbackPolicy',
        metadata: { name: 'web-errors', namespace: ns },
        spec: { targetRef: { kind: 'Deployment', name: 'web' }, soak: '1s' },
      });
      await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
      await run(ns, 'shop/web:v1');
      const status = await eventualRecords(ns, (s) => s.lastGoodRelease === 1);
      assert.deepEqual(status.releases?.[0]?.alertRules, ['web-errors']);
    });

    it('takes an annotation that is no digest for nothing', async () => {
      const ns = await plane().namespace('release');
      const odd = deployment(ns, 'shop/web:v1', { git: 'a' });
      odd.metadata.annotations = { ...odd.metadata.annotations, [annotations.sourceDigest]: 'nonsense' };
      await apply(ns, odd);
      const status = await eventualRecords(ns, (s) => s.releases?.[0] !== undefined);
      assert.match(status.releases?.[0]?.sourceDigest ?? '', /^live1:/);
    });

    it('forgets the history and the Holds of a workload that is gone for a month, whatever else is held', async () => {
      const ns = await plane().namespace('release');
      for (const name of ['web', 'other']) {
        const hold: Hold = {
          apiVersion: API_VERSION,
          kind: 'Hold',
          metadata: { name, namespace: ns },
          spec: {
            workloadRef: { kind: 'Deployment', name },
            action: 'Rollback',
            rejectedDigests: [digest('f')],
            target: { release: 1, sourceDigest: digest('a'), snapshotRef: { name: 'snapshot-a' } },
            origin: 'Manual',
          },
        };
        await client.create(resources.holds, hold);
      }
      await apply(ns, deployment(ns, 'shop/web:v1', { git: 'a' }));
      await eventualRecords(ns, (s) => s.currentRelease === 1);
      await client.delete(resources.deployments, { namespace: ns, name: 'web' });
      await eventually(async () => (await historyOf(ns))?.status?.conditions?.[0]?.type === 'WorkloadMissing');
      clock.shift(31 * 24 * 3_600_000);
      await eventually(async () => (await historyOf(ns)) === undefined);
      const held = await client.list(resources.holds, { namespace: ns });
      assert.deepEqual(
        held.items.map(({ metadata }) => metadata.name),
        ['other'],
      );
      assert.equal(
        (await ensureHistory(client, { namespace: ns, kind: 'Deployment', name: 'web' })).spec.releases,
        undefined,
      );
    });
  });
});
