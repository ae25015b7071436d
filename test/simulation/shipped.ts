import type { GitSync } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import { unrestrictedPolicy } from '../../src/api/platform-policy.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import type { RollbackPolicy } from '../../src/api/rollback-policy.ts';
import { type Caches, createIntake, startIncidents, startRolloutWatch } from '../../src/incident/index.ts';
import { resources } from '../../src/kube/index.ts';
import { createQueryQueue } from '../../src/slo/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { aftermathOf } from './aftermath.ts';
import { runAlerting } from './alerts.ts';
import { simulatedClock } from './clock.ts';
import { type Cluster, createCluster } from './cluster.ts';
import type { Counter } from './counters.ts';
import { runKubernetes } from './kubernetes.ts';
import { NAMESPACE } from './manifests.ts';
import { createDatabase, createParse, type Parse } from './promql.ts';
import type { Random } from './random.ts';
import type { Recovery, Rollback } from './rollback.ts';
import type { Noise } from './series.ts';
import type { World } from './world.ts';

export interface Run {
  /** The first that was decided. */
  rollback: Rollback | undefined;
  /** What came of it; undefined where it was not followed. */
  recovery: Recovery | undefined;
  /** The first alert of each service, in their order. */
  alerts: readonly { service: string; at: number }[];
  /** The first evidence of any kind. */
  evidenceAt: number | undefined;
  /** When nobody waits for a decision any more. */
  end: number;
  /** What the incidents said when it was decided, or at the end. */
  words: readonly string[];
}

const log = silentLog();
const metrics = createMetrics();
const QUIET_MS = 600_000;
/** After the first alert: by then a person has taken over. */
const UNTIL_PERSON_MS = 2_700_000;

/**
 * The code of production from the alerts to the decision, and on until the incident says what came of it: intake,
 * incidents, judge and rollout watch, on an API server in memory. Only what surrounds it is made here.
 *
 * @param noise of what is counted after a rollback; undefined: the story ends with it
 * @param parse of the expressions that are asked
 */
export const runShipped = async (
  world: World,
  counters: readonly Counter[],
  random: Random,
  { noise, parse = createParse() }: { noise?: Noise; parse?: Parse } = {},
): Promise<Run> => {
  const start = Math.max(world.begin, world.faultAt - QUIET_MS);
  const { clock, at, run } = simulatedClock(start);
  const cluster = createCluster(NAMESPACE, clock);
  const caches = cachesOf(cluster);
  const kubernetes = runKubernetes(cluster, world, { at, start });
  let database = createDatabase(counters, parse);
  const ports = { client: cluster.client, caches, clock, random: random.next, log, metrics, occurred: () => {} };
  const incidents = await startIncidents({
    ...ports,
    queries: createQueryQueue(
      {
        query: async (expression, time = clock.now()) => database.query(expression, time),
        queryRange: async (expression, range) => database.queryRange(expression, range),
        alertingRules: async () => [],
      },
      clock,
    ),
    refusalOf: async () => undefined,
    obstacleTo: async () => undefined,
    onHold: () => {},
  });
  const intake = createIntake({ ...ports, onIncident: incidents.notify });
  const rollouts = startRolloutWatch({ ...ports, intake });

  const failures: unknown[] = [];
  const alerts = runAlerting(
    world,
    { start, clock, at, random, query: (expression, time) => database.query(expression, time) },
    (body) =>
      void intake.receive(body).then(
        ({ status, message }) => status !== 200 && failures.push(message),
        (error: unknown) => failures.push(error),
      ),
  );
  let end = world.end;
  await run(world.end, () => {
    if (end === world.end && cluster.list(resources.incidents).length > 0)
      end = Math.min(world.end, clock.now() + UNTIL_PERSON_MS);
    return failures.length === 0 && clock.now() < end && cluster.list(resources.holds).length === 0;
  });
  const stored = cluster.list<Incident>(resources.incidents);
  const [hold] = cluster.list<Hold>(resources.holds);
  const rollback = hold && rollbackOf(hold, clock.now());
  const alerted = [...alerts].map(([service, time]) => ({ service, at: time }));

  const follow = async (hold: Hold, rollback: Rollback, noise: Noise): Promise<Recovery | undefined> => {
    const after = aftermathOf({ world, counters }, rollback, { random: random.fork(), noise });
    if (!after) return undefined;
    database = createDatabase(after.counters, parse);
    kubernetes.rollBack(hold, after.restored, after.world.pods);
    const found = (): Recovery['found'] =>
      foundBy(
        cluster
          .list<Incident>(resources.incidents)
          .find(({ metadata }) => metadata.name === hold.spec.incidentRef?.name),
      );
    await run(after.world.end, () => failures.length === 0 && found() === 'Open');
    const others = cluster.list(resources.holds).length - 1;
    return { found: found(), ms: clock.now() - rollback.at, others };
  };
  const recovery = hold && rollback && noise && (await follow(hold, rollback, noise));
  await rollouts.stop();
  await incidents.stop();
  if (failures.length > 0) throw new Error('the intake failed', { cause: failures[0] });
  return {
    rollback,
    recovery,
    alerts: alerted,
    evidenceAt: stored.length === 0 ? undefined : Math.min(...stored.map(evidenceAt)),
    end,
    words: stored.map(
      ({ spec, status }) => `${spec.workloadRef.name} ${status?.phase} ${status?.reason}: ${status?.message}`,
    ),
  };
};

const foundBy = (incident: Incident | undefined): Recovery['found'] => {
  if (incident?.status?.misjudgedTime !== undefined) return 'Misjudged';
  return incident?.status?.phase === 'Recovered' ? 'Recovered' : 'Open';
};

const rollbackOf = ({ spec: { workloadRef, rejectedDigests = [], target } }: Hold, at: number): Rollback => ({
  service: workloadRef.name,
  rejected: rejectedDigests,
  target: target?.sourceDigest ?? '',
  at,
});

const cachesOf = (cluster: Cluster): Caches => ({
  incidents: cluster.cache<Incident>(resources.incidents),
  holds: cluster.cache<Hold>(resources.holds),
  histories: cluster.cache<ReleaseHistory>(resources.releaseHistories),
  rollbackPolicies: cluster.cache<RollbackPolicy>(resources.rollbackPolicies),
  namespaces: cluster.cache(resources.namespaces),
  syncs: cluster.cache<GitSync>(resources.gitSyncs),
  pods: cluster.cache(resources.pods),
  replicaSets: cluster.cache(resources.replicaSets),
  workloads: {
    Deployment: cluster.cache(resources.deployments),
    StatefulSet: cluster.cache(resources.statefulSets),
    DaemonSet: cluster.cache(resources.daemonSets),
  },
  platform: {
    current: () => unrestrictedPolicy,
    ready: async () => {},
    onChange: () => () => {},
    stop: async () => {},
  },
});

const evidenceAt = ({ spec }: Incident): number => Date.parse(spec.evidence[0]?.receivedTime ?? '');
