import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { at, digest, evidence, incident, NOON, release } from '../../test/support/incident.ts';
import { eventually } from '../../test/support/poll.ts';
import { API_VERSION } from '../api/annotations.ts';
import type { Incident } from '../api/incident.ts';
import { platformPolicySpec } from '../api/platform-policy.ts';
import type { Release, ReleaseHistory } from '../api/release-history.ts';
import { rollbackPolicySpec } from '../api/rollback-policy.ts';
import { createCaches } from '../caches.ts';
import { type KubeClient, resources } from '../kube/index.ts';
import { historyName } from '../snapshot/index.ts';
import { createMetrics, silentLog } from '../telemetry/index.ts';
import { startIncidents } from './controller.ts';
import { sharedLimits } from './limits.ts';

const HOUR = 3_600;
const of = (namespace: string, name: string, status: Incident['status'], workload = name): Incident => ({
  ...incident(status, { workloadRef: { kind: 'Deployment', name: workload } }),
  metadata: { namespace, name, creationTimestamp: at(-1) },
});
const rolledBack = (namespace: string, name: string, seconds: number): Incident =>
  of(namespace, name, { phase: 'Recovered', rolledBackTime: at(seconds), closedTime: at(seconds) });
const history = (namespace: string, name: string, releases: Release[]): ReleaseHistory => ({
  apiVersion: API_VERSION,
  kind: 'ReleaseHistory',
  metadata: { namespace, name: historyName({ kind: 'Deployment', name }) },
  spec: { workloadRef: { kind: 'Deployment', name }, currentRelease: 2, releases },
});
const list = <T extends Incident | ReleaseHistory>(objects: T[]) => ({
  list: (namespace?: string) => objects.filter(({ metadata }) => !namespace || metadata.namespace === namespace),
});
/** Rollbacks in the namespace of incident i, and in the cluster. */
const counted = (incidents: Incident[], histories: ReleaseHistory[] = []): number[] => {
  const platform = { current: () => platformPolicySpec.parse({}) };
  const caches = { incidents: list(incidents), histories: list(histories), platform };
  return sharedLimits(incident(), caches, NOON).map(({ rollbacks }) => rollbacks);
};

describe('rollbacks of the last hour', () => {
  it('are those of its namespace and of the cluster, without the one that is decided', () => {
    const others = [rolledBack('shop', 'a', -60), rolledBack('bank', 'b', -60), rolledBack('bank', 'c', -HOUR)];
    assert.deepEqual(counted([...others, rolledBack('shop', 'i', -60)]), [1, 2]);
  });

  it('count twice where the newer release runs again by itself, and that not for its own incident', () => {
    const correction = { action: 'PutBack' as const, time: at(-30) };
    const corrected = of('bank', 'b', { phase: 'Dismissed', rolledBackTime: at(-60), correction, closedTime: at(-30) });
    assert.deepEqual(counted([corrected]), [0, 2]);
    assert.deepEqual(counted([of('shop', 'i', { ...corrected.status })]), [0, 0]);
  });

  it('count from the decision on, before anything is applied', () => {
    const timeline = [{ time: at(-5), phase: 'RollingBack' as const, message: '' }];
    assert.deepEqual(counted([of('shop', 'a', { phase: 'RollingBack', timeline })]), [1, 1]);
    assert.deepEqual(counted([of('shop', 'a', { phase: 'Judging', timeline: [] })]), [0, 0]);
  });

  it('count although somebody deleted their incidents: the histories have what was rejected', () => {
    const rejected = release(1, { rejectedTime: at(-60), incidentRef: { name: 'gone' } });
    const byPerson = release(3, { rejectedTime: at(-60) });
    assert.deepEqual(counted([], [history('shop', 'web', [rejected, byPerson])]), [1, 1]);
  });

  it('count once, where incident and history both have them', () => {
    const rejected = release(1, { rejectedTime: at(-90), incidentRef: { name: 'a' } });
    assert.deepEqual(counted([rolledBack('shop', 'a', -60)], [history('shop', 'web', [rejected])]), [1, 1]);
  });
});

describe('two incidents that are decided at the same moment', () => {
  const indicator = { ratio: { errors: 'e[$window]', total: 't[$window]', podLabel: '' } };
  const BY = {
    indicator: { name: 'a', target: '99', indicator },
    rule: { name: 'a', alerts: { matchLabels: { severity: 'page' } } },
  };
  const guilty = (
    name: string,
    began: number,
    by: keyof typeof BY,
  ): { incident: object; history: ReleaseHistory; policy: object } => ({
    incident: {
      ...of('shop', `${name}-1`, undefined, name),
      spec: {
        workloadRef: { kind: 'Deployment', name },
        suspect: { number: 2, sourceDigest: digest(2) },
        evidence: [evidence({ startsAt: at(began), labels: { severity: 'page' } })],
      },
    },
    history: history('shop', name, [
      release(2, { firstSeenTime: at(-1800), readyTime: at(-1770) }),
      release(1, { goodTime: at(-1900) }),
    ]),
    policy: {
      apiVersion: API_VERSION,
      kind: 'RollbackPolicy',
      metadata: { namespace: 'shop', name },
      spec: rollbackPolicySpec.parse({
        targetRef: { name },
        mode: 'Auto',
        objectives: [BY[by]],
      }),
    },
  });
  /** What fails began to with release 2. */
  const queries = () => ({
    // Each for itself: to the other one it does not seem to burn.
    query: async (expression: string, time: number) =>
      expression === 'burn' && time === NOON ? [{ labels: {}, value: 1 }] : [],
    async queryRange(expression: string, { start, end, step }: { start: number; end: number; step: number }) {
      const times = Array.from({ length: Math.round((end - start) / step) + 1 }, (_, i) => start + i * step);
      if (expression === 'burn') {
        const firing = times.filter((time) => time > NOON - 1_700_000);
        return [{ labels: {}, points: firing.map((time) => ({ at: time, value: 1 })) }];
      }
      const valueAt = (time: number): number =>
        expression.startsWith('sum(t') ? 100 : time > NOON - 1_800_000 ? 20 : 0;
      return [{ labels: {}, points: times.map((time) => ({ at: time, value: valueAt(time) })) }];
    },
    alertingRules: async () => [
      { name: 'Burn', expression: 'burn', labels: { severity: 'page' }, file: '/rules/shop.yaml' },
    ],
  });

  interface How {
    web?: keyof typeof BY;
    api?: keyof typeof BY;
    /** Seconds from noon to the first alerts. */
    began?: readonly [web: number, api: number];
    /** The intent to roll api back is being stored while web is decided. */
    isApiFirst?: boolean;
  }
  /** The reasons of both incidents, after both found their releases guilty, and the Holds. */
  const decided = async (
    maxPerHourInNamespace: number,
    { web = 'indicator', api = 'indicator', began = [-1, -1], isApiFirst = false }: How = {},
  ) => {
    const server = createApiServer({ namespaces: ['shop'], now: () => NOON });
    server.seed(resources.platformPolicies, {
      apiVersion: API_VERSION,
      kind: 'PlatformPolicy',
      metadata: { name: 'default' },
      spec: platformPolicySpec.parse({ rollback: { maxPerHourInNamespace } }),
    });
    for (const one of [guilty('web', began[0], web), guilty('api', began[1], api)]) {
      server.seed(resources.releaseHistories, one.history);
      server.seed(resources.rollbackPolicies, one.policy);
      server.seed(resources.incidents, one.incident);
    }
    // No decision is stored before both are made.
    let found = 0;
    const both = Promise.withResolvers<void>();
    const clock = {
      now: () => NOON,
      sleep: (ms: number) => new Promise<void>((resolve) => void (ms === 0 && resolve())),
    };
    const { caches, ready, stop } = createCaches(server.client, { clock, random: () => 0.5 });
    await ready();
    const apiStores = Promise.withResolvers<void>();
    const client: KubeClient = {
      ...server.client,
      async replace(type, object, how) {
        apiStores.resolve();
        // Meanwhile web is decided, by what is stored until then.
        for (let turn = 0; turn < 50; turn += 1) await setImmediate();
        return server.client.replace(type, object, how);
      },
    };
    const controller = await startIncidents({
      client,
      caches,
      queries,
      clock,
      random: () => 0.5,
      log: silentLog(),
      metrics: createMetrics(),
      occurred: () => {},
      onHold: () => {},
      refusalOf: async () => undefined,
      async obstacleTo({ name }) {
        found += 1;
        if (found === 2) both.resolve();
        await both.promise;
        if (isApiFirst && name === 'web') await apiStores.promise;
        return undefined;
      },
    });
    const reasons = () =>
      server
        .list(resources.incidents)
        .map((one) => (one as Incident).status?.reason)
        .toSorted();
    await eventually(() => reasons().every((reason) => reason !== undefined), { timeoutMs: 5_000, everyMs: 5 });
    await controller.stop();
    await stop();
    return { reasons: reasons(), holds: server.list(resources.holds).length };
  };

  it('do not both take the last place of the namespace', async () =>
    assert.deepEqual(await decided(1), { reasons: ['ErrorRateIncreased', 'TooManyRollbacks'], holds: 1 }));

  it('do not both roll back by a rule, where nobody measured the other one: it is measured again after the first', async () =>
    assert.deepEqual(await decided(2, { web: 'rule', api: 'rule' }), {
      reasons: ['ErrorRateIncreased', 'WaitsForIncident'],
      holds: 1,
    }));

  it('do not both roll back where the other rollback begins in the last moment', async () =>
    assert.deepEqual(await decided(2, { web: 'rule', began: [-60, -1], isApiFirst: true }), {
      reasons: ['ErrorRateIncreased', 'WaitsForIncident'],
      holds: 1,
    }));

  for (const [what, how] of [
    ['each was measured alone', {}],
    ['they began to burn more than ten minutes apart', { web: 'rule', api: 'rule', began: [-1, -700] }],
  ] as const)
    it(`both roll back where ${what}, and there is a place for each`, async () =>
      assert.deepEqual(await decided(2, how), { reasons: ['ErrorRateIncreased', 'ErrorRateIncreased'], holds: 2 }));
});
