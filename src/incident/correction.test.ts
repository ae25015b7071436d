import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type ApiServer, createApiServer } from '../../test/support/api-server.ts';
import { at, digest, incident, NOON, release } from '../../test/support/incident.ts';
import { eventually } from '../../test/support/poll.ts';
import { API_VERSION, annotations, labels } from '../api/annotations.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { platformPolicySpec } from '../api/platform-policy.ts';
import { type Guardrails, rollbackPolicySpec } from '../api/rollback-policy.ts';
import { createCaches } from '../caches.ts';
import { newRollback } from '../holds/index.ts';
import { resources } from '../kube/index.ts';
import { createMetrics, silentLog } from '../telemetry/index.ts';
import { startIncidents } from './controller.ts';

const proposedFor = (name: string) =>
  newRollback({
    workload: { kind: 'Deployment', namespace: 'shop', name },
    digest: digest(2),
    target: release(1),
    origin: 'Incident',
    incident: `${name}-i`,
    message: '',
  });
const running = (name: string, isReady: boolean) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name,
    namespace: 'shop',
    generation: 1,
    labels: { [labels.sync]: 'shop.all' },
    annotations: { [annotations.sourceDigest]: digest(1) },
    managedFields: [
      { manager: 'metricops/shop/all', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': {} } } } },
    ],
  },
  spec: { replicas: 1 },
  status: {
    observedGeneration: 1,
    replicas: 1,
    updatedReplicas: 1,
    ...(isReady ? { availableReplicas: 1, readyReplicas: 1, conditions: [{ type: 'Available', status: 'True' }] } : {}),
  },
});
const owned = (kind: string, name: string, owner: KubeObject, rest: object) => ({
  apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1',
  kind,
  metadata: {
    name,
    namespace: 'shop',
    annotations: { [annotations.sourceDigest]: digest(1) },
    ownerReferences: [
      { apiVersion: 'apps/v1', controller: true, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid },
    ],
  },
  ...rest,
});
/** Release 2 was rolled back to release 1 two minutes ago. */
const verifying = ({ metadata, spec }: Hold): IncidentStatus => ({
  phase: 'Verifying',
  reason: 'RolledBack',
  message: '',
  target: { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } },
  holdRef: { name: metadata.name },
  proposal: { name: metadata.name, spec },
  rolledBackTime: at(-120),
  timeline: [{ phase: 'Verifying', time: at(-120), message: '' }],
});

describe('a rollback that did not help', () => {
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  /** Release 2 of the workload was rolled back to release 1. */
  const seed = (server: ApiServer, name: string, { policy, hasImage }: Given): void => {
    const ratio = { errors: 'e[$window]', total: 't[$window]', podLabel: '' };
    server.seed(resources.rollbackPolicies, {
      apiVersion: API_VERSION,
      kind: 'RollbackPolicy',
      metadata: { namespace: 'shop', name },
      spec: rollbackPolicySpec.parse({
        targetRef: { name },
        mode: 'Auto',
        verifyTimeout: '1m',
        objectives: [{ name: 'a', target: '99', indicator: { ratio } }],
        ...policy,
      }),
    });
    server.seed(resources.releaseHistories, {
      apiVersion: API_VERSION,
      kind: 'ReleaseHistory',
      metadata: { namespace: 'shop', name: `deployment-${name}` },
      spec: {
        workloadRef: { kind: 'Deployment', name },
        currentRelease: 1,
        releases: [
          release(2, { firstSeenTime: at(-900), supersededTime: at(-120), outcome: 'Rejected' }),
          release(1, { firstSeenTime: at(-9000), goodTime: at(-8000), restoredTime: at(-120) }),
          release(3, { firstSeenTime: at(-20_000), goodTime: at(-18_000), outcome: 'Good' }),
        ],
      },
    });
    const deployment = server.seed(resources.deployments, running(name, hasImage));
    if (!hasImage) {
      const waiting = { name: 'web', state: { waiting: { reason: 'ErrImagePull' } } };
      const replicaSet = server.seed(resources.replicaSets, owned('ReplicaSet', `${name}-1`, deployment, {}));
      const status = { containerStatuses: [waiting] };
      server.seed(resources.pods, owned('Pod', `${name}-1-a`, replicaSet, { status }));
    }
    const hold = proposedFor(name);
    const status = { phase: 'Held', observedGeneration: 1, appliedTime: at(-120) };
    server.seed(resources.holds, { ...hold, status });
    const made = incident(verifying(hold), { workloadRef: { kind: 'Deployment', name } });
    server.seed(resources.incidents, { ...made, metadata: { ...made.metadata, name: `${name}-i` } });
  };

  interface Given {
    policy: Partial<Guardrails>;
    /** Without one, no pod of release 1 starts. */
    hasImage: boolean;
    names: readonly string[];
    platform?: object;
    obstacleTo?: () => Promise<undefined>;
  }
  /** Every release fails a fifth of its requests. */
  const start = async (policy: Partial<Guardrails>, rest: Partial<Given> = {}) => {
    const given: Given = { policy, hasImage: true, names: ['web'], ...rest };
    const server = createApiServer({ namespaces: ['shop'], now: () => NOON });
    if (given.platform)
      server.seed(resources.platformPolicies, {
        apiVersion: API_VERSION,
        kind: 'PlatformPolicy',
        metadata: { name: 'default' },
        spec: platformPolicySpec.parse({ rollback: given.platform }),
      });
    for (const name of given.names) seed(server, name, given);
    const clock = {
      now: () => NOON,
      sleep: (ms: number) => new Promise<void>((resolve) => void (ms === 0 && resolve())),
    };
    const { caches, ready, stop } = createCaches(server.client, { clock, random: () => 0.5 });
    await ready();
    const metrics = createMetrics();
    const told: Hold[] = [];
    const controller = await startIncidents({
      client: server.client,
      caches,
      queries: () => ({
        query: async (expression) => [{ labels: {}, value: expression.startsWith('t') ? 100 : 20 }],
        queryRange: async () => [],
        alertingRules: async () => [],
      }),
      clock,
      random: () => 0.5,
      log: silentLog(),
      metrics,
      occurred: () => {},
      onHold: (hold) => void told.push(hold),
      refusalOf: async () => undefined,
      obstacleTo: given.obstacleTo ?? (async () => undefined),
    });
    stops.push(controller.stop, stop);
    const status = () => (server.list(resources.incidents)[0] as Incident).status;
    const holds = () => server.list(resources.holds) as Hold[];
    const reaches = (reason: string) =>
      eventually(() => status()?.reason === reason, { what: reason, timeoutMs: 5_000, everyMs: 5 });
    const counted = async (result: string): Promise<number | undefined> =>
      (await metrics.rollbacks.get()).values.find((one) => one.labels.result === result)?.value;
    const messages = () => (server.list(resources.incidents) as Incident[]).map((one) => one.status?.message ?? '');
    return { status, holds, told, reaches, counted, messages };
  };

  it('is said to be misjudged, counted, and left to a person', async () => {
    const { status, holds, reaches, counted } = await start({});
    await reaches('Misjudged');
    assert.equal(status()?.phase, 'Verifying');
    assert.match(status()?.message ?? '', /a: 20 % of 12000 requests fail, the error budget burns above/);
    assert.equal(holds().length, 1);
    assert.equal(await counted('misjudged'), 1);
  });

  it('ends with the deletion of its own Hold, where the policy lets the newer release run again', async () => {
    const { status, holds, reaches, counted } = await start({ onMisjudged: 'PutBack' });
    await reaches('Misjudged');
    await eventually(() => holds().length === 0, { what: 'the end of the Hold', timeoutMs: 5_000, everyMs: 5 });
    await eventually(() => status()?.phase === 'Dismissed', { what: 'the end', timeoutMs: 5_000, everyMs: 5 });
    assert.deepEqual([status()?.reason, status()?.correction?.action], ['Misjudged', 'PutBack']);
    assert.deepEqual([await counted('misjudged'), await counted('corrected')], [1, 1]);
  });

  it('goes one release further back where no pod gets its image: the Hold is changed, and obeyed at once', async () => {
    const { status, holds, told, reaches } = await start({ onImagePullError: 'OlderRelease' }, { hasImage: false });
    await eventually(() => holds()[0]?.spec.target?.release === 3, {
      what: 'the target',
      timeoutMs: 5_000,
      everyMs: 5,
    });
    assert.deepEqual(holds()[0]?.spec.rejectedDigests, [digest(2), digest(1)]);
    await reaches('ReleaseHeld');
    assert.deepEqual([status()?.phase, status()?.target?.number], ['RollingBack', 3]);
    assert.equal(told.at(-1)?.spec.target?.release, 3);
  });

  it('is corrected for one of two workloads, where both were decided before the last place was taken', async () => {
    let asked = 0;
    const both = Promise.withResolvers<undefined>();
    const obstacleTo = (): Promise<undefined> => {
      asked += 1;
      if (asked === 2) both.resolve(undefined);
      return both.promise;
    };
    const { holds, messages } = await start(
      { onImagePullError: 'OlderRelease' },
      { hasImage: false, names: ['web', 'api'], platform: { maxPerHourInCluster: 3 }, obstacleTo },
    );
    const refused = () =>
      messages().filter((message) => message.includes('not by itself, for 3 rollbacks in the cluster'));
    await eventually(() => refused().length === 1, { what: 'a person is asked', timeoutMs: 5_000, everyMs: 5 });
    const targets = () => holds().map(({ spec }) => spec.target?.release);
    await eventually(() => targets().includes(3), { what: 'the target', timeoutMs: 5_000, everyMs: 5 });
    assert.deepEqual(targets().toSorted(), [1, 3]);
  });

  it('names the release before it, and the newest, where no pod gets its image', async () => {
    const { status, holds, reaches } = await start({}, { hasImage: false });
    await reaches('ImagePullFailed');
    assert.match(status()?.message ?? '', /rollback deployment\/web -n shop --to 3; .*metricops lift deployment\/web/);
    assert.equal(holds()[0]?.spec.target?.release, 1);
  });
});
