import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import { unrestrictedPolicy } from '../../src/api/platform-policy.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import type { RollbackPolicy } from '../../src/api/rollback-policy.ts';
import { type Caches, createIntake, startIncidents, startRolloutWatch } from '../../src/incident/index.ts';
import { resources } from '../../src/kube/index.ts';
import { createQueryQueue } from '../../src/slo/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { type Alert, createAlerting } from './alerts.ts';
import { simulatedClock } from './clock.ts';
import { type Cluster, createCluster } from './cluster.ts';
import {
  deploymentOf,
  historyOf,
  NAMESPACE,
  podObjectOf,
  policyOf,
  recordingTimes,
  replicaSetOf,
  runningPodOf,
} from './manifests.ts';
import type { Database } from './promql.ts';
import type { Random } from './random.ts';
import type { Pod, Release, Service, World } from './world.ts';

export interface Rollback {
  service: string;
  /** Releases that are kept out, and the one that runs instead: their digests. */
  rejected: readonly string[];
  target: string;
  at: number;
}

export interface Run {
  /** The first that was decided; the story ends with it. */
  rollback: Rollback | undefined;
  /** The first alert of each service, in their order. */
  alerts: readonly { service: string; at: number }[];
  /** The first evidence of any kind. */
  evidenceAt: number | undefined;
  /** When nobody waits for a decision any more. */
  end: number;
  /** What the incidents say at the end. */
  words: readonly string[];
}

const log = silentLog();
const metrics = createMetrics();
const QUIET_MS = 600_000;
/** After the first alert: by then a person has taken over. */
const UNTIL_PERSON_MS = 2_700_000;

/**
 * The code of production from the alerts to the decision: intake, incidents, judge and rollout watch, on an API server in
 * memory. Only what surrounds it is made here.
 */
export const runShipped = async (world: World, database: Database, random: Random): Promise<Run> => {
  const start = Math.max(world.begin, world.faultAt - QUIET_MS);
  const { clock, at, run } = simulatedClock(start);
  const cluster = createCluster(NAMESPACE, clock);
  const caches = cachesOf(cluster);
  for (const service of world.services) record(cluster, service, { at, start, end: world.end });
  for (const pod of world.pods) schedule(cluster, pod, { at, start });
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

  const alerts = new Map<string, number>();
  const failures: unknown[] = [];
  for (const service of world.services) {
    const alerting = createAlerting(service, database, random);
    const send = (): void => {
      const taken = alerting.take();
      if (taken.length === 0) return;
      const body = { version: '4', alerts: [...taken, ...foreign(world.foreignAlerts, taken)] };
      // Two Alertmanagers send the same in a storm.
      const copies = world.foreignAlerts > 0 ? 2 : 1;
      for (let i = 0; i < copies; i += 1)
        intake.receive(body).then(
          ({ status, message }) => status !== 200 && failures.push(message),
          (error: unknown) => failures.push(error),
        );
    };
    const evaluate = (): void => {
      const now = clock.now();
      if (alerting.evaluate(now)) {
        if (!alerts.has(service.name)) alerts.set(service.name, now);
        at(now + alerting.groupingMs, send);
      }
      at(now + alerting.evaluationMs, evaluate);
    };
    at(start + alerting.phase, evaluate);
  }
  const decided = (): Hold | undefined => cluster.list<Hold>(resources.holds)[0];
  let end = world.end;
  await run(world.end, () => {
    if (end === world.end && cluster.list(resources.incidents).length > 0)
      end = Math.min(world.end, clock.now() + UNTIL_PERSON_MS);
    return failures.length === 0 && clock.now() < end && cluster.list(resources.holds).length === 0;
  });
  await rollouts.stop();
  await incidents.stop();
  if (failures.length > 0) throw new Error('the intake failed', { cause: failures[0] });
  const stored = cluster.list<Incident>(resources.incidents);
  return {
    rollback: rollbackOf(decided(), clock.now()),
    alerts: [...alerts].map(([service, time]) => ({ service, at: time })),
    evidenceAt: stored.length === 0 ? undefined : Math.min(...stored.map(evidenceAt)),
    end,
    words: stored.map(
      ({ spec, status }) => `${spec.workloadRef.name} ${status?.phase} ${status?.reason}: ${status?.message}`,
    ),
  };
};

const rollbackOf = (hold: Hold | undefined, at: number): Rollback | undefined => {
  if (!hold) return undefined;
  const { workloadRef, rejectedDigests = [], target } = hold.spec;
  return { service: workloadRef?.name ?? '', rejected: rejectedDigests, target: target?.sourceDigest ?? '', at };
};

/** Alerts of others that are in the same group. */
const foreign = (count: number, [first]: readonly Alert[]): Alert[] =>
  Array.from({ length: count }, (_, i) => ({
    status: 'firing',
    labels: { alertname: `Other${i}`, namespace: NAMESPACE, deployment: `other${i}`, severity: 'page' },
    startsAt: first?.startsAt ?? '',
  }));

const cachesOf = (cluster: Cluster): Caches => ({
  incidents: cluster.cache<Incident>(resources.incidents),
  holds: cluster.cache<Hold>(resources.holds),
  histories: cluster.cache<ReleaseHistory>(resources.releaseHistories),
  rollbackPolicies: cluster.cache<RollbackPolicy>(resources.rollbackPolicies),
  namespaces: cluster.cache(resources.namespaces),
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

interface Times {
  at: (time: number, task: () => void) => void;
  start: number;
  end: number;
}

/** A pod from its start to its end. */
const schedule = (cluster: Cluster, pod: Pod, { at, start }: Pick<Times, 'at' | 'start'>): void => {
  if (pod.to <= start) return;
  const object = runningPodOf(pod);
  at(Math.max(pod.from, start), () => cluster.put(resources.pods, object));
  if (Number.isFinite(pod.to)) at(pod.to, () => cluster.remove(resources.pods, object));
};

/** What the recorder, the kubelet and the controllers of Kubernetes write about a service. */
const record = (cluster: Cluster, service: Service, { at, start, end }: Times): void => {
  cluster.put(resources.rollbackPolicies, policyOf(service));
  const write = (now: number): void => {
    cluster.put(resources.releaseHistories, historyOf(service, now));
    cluster.put(resources.deployments, deploymentOf(service, now));
  };
  write(start);
  const times = recordingTimes(service).filter((time) => time > start && time < end);
  for (const time of times) at(time, () => write(time));
  const crashing = service.releases.find(({ crashes }) => crashes);
  if (!crashing) return;
  const uid = cluster.put(resources.deployments, deploymentOf(service, start)).metadata.uid ?? '';
  const replicaSets = new Map(
    service.releases.map((one) => [
      one,
      cluster.put(resources.replicaSets, replicaSetOf(service, one, uid)).metadata.uid,
    ]),
  );
  const podOf = (release: Release, pod: string, restarts: number, endedAt?: number): void =>
    void cluster.put(
      resources.pods,
      podObjectOf(service, release, { pod, uid: replicaSets.get(release) ?? '', restarts, endedAt }),
    );
  const before = service.releases.at(-2);
  for (let i = 0; before && i < service.size; i += 1) podOf(before, `${service.name}-old-${i}`, 0);
  // The kubelet waits twice as long after each end, up to five minutes.
  for (let restarts = 0, time = crashing.at + 12_000, wait = 10_000; time < end; restarts += 1) {
    const [count, endedAt] = [restarts, time];
    at(time, () => podOf(crashing, `${service.name}-new`, count, endedAt));
    time += wait + 2_000;
    wait = Math.min(2 * wait, 300_000);
  }
  at(crashing.at + 601_000, () => write(crashing.at + 601_000));
};

const evidenceAt = ({ spec }: Incident): number => Date.parse(spec.evidence[0]?.receivedTime ?? '');
