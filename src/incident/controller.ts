import { API_VERSION } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Occurred } from '../api/occurrence.ts';
import { isMeasured } from '../api/rollback-policy.ts';
import type { WorkloadRef } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { createHold } from '../holds/index.ts';
import { createWorkQueue, isConflict, isRejected, type KubeClient, KubeError, resources } from '../kube/index.ts';
import { budgetSpentPercent, periodOf, type QueriesOf } from '../slo/index.ts';
import { hashOf } from '../snapshot/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { createJudge } from './analysis.ts';
import { type Caches, guardFrom } from './caches.ts';
import { expiredOf } from './expiry.ts';
import { observe } from './observe.ts';
import { occurrenceOf } from './occurrence.ts';
import { isClosed, needsPerson } from './phases.ts';
import { errorId, withoutStall, withStall } from './stall.ts';
import { step } from './step.ts';

export interface IncidentPorts {
  client: KubeClient;
  caches: Caches;
  /** undefined: no Prometheus is configured. */
  queries: QueriesOf | undefined;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Metrics;
  occurred: Occurred;
  /** Told of a new Hold, so that it is obeyed without waiting for its watch. */
  onHold: (hold: Hold) => void;
}

export interface IncidentController {
  /** This incident was written: look at it now. */
  notify(incident: Incident): void;
  stop(): Promise<void>;
}

/** Of one namespace at a time, so that its outage leaves room for others. */
const PER_NAMESPACE = 8;

/** Drives incidents to their end. To be run by the leader only. */
export const startIncidents = async (ports: IncidentPorts): Promise<IncidentController> => {
  const { caches, client, clock, metrics } = ports;
  const judge = createJudge(ports.queries);
  /** Newer than the cache, for as long as the cache has not seen it. */
  const fresh = new Map<string, Incident>();
  const keyOf = ({ metadata }: Incident): string => `${metadata.namespace}/${metadata.name}`;

  const newest = (key: string): Incident | undefined => {
    const [namespace = '', name = ''] = key.split('/');
    const cached = caches.incidents.get({ namespace, name });
    const own = fresh.get(key);
    if (own && cached && Number(cached.metadata.resourceVersion) >= Number(own.metadata.resourceVersion))
      fresh.delete(key);
    return fresh.get(key) ?? cached;
  };

  const work = async (key: string): Promise<number | undefined> => {
    for (;;) {
      const incident = newest(key);
      if (!incident || isClosed(incident)) return undefined;
      const next = step(incident, await observe(incident, { caches, clock, judge }), clock.now());
      const status = withoutStall(withBudget(incident, next.status, caches));
      if (isNews(incident, status) && !(await write(incident, status))) return 0;
      if (next.writeHold) await writeHold(incident, status);
      const moved = status.phase !== incident.status?.phase;
      report(incident, status);
      // A new phase is looked at once more at once; the Hold needs its time.
      if (!moved || status.phase === 'RollingBack') return next.again;
    }
  };

  /** What nobody foresaw is said on the incident that it happened to; the queue tries again. Always rejects. */
  const stall = async (key: string, error: unknown): Promise<never> => {
    const incident = newest(key);
    const isOurs = !(error instanceof KubeError) || isRejected(error);
    if (incident && isOurs) {
      const status = withStall(incident.status ?? {}, errorId(key, error), new Date(clock.now()).toISOString());
      // A status that can't be written either is in the log.
      if (status) await write(incident, status).catch(() => {});
    }
    throw error;
  };

  /** False when somebody wrote in between: look again. */
  const write = async (incident: Incident, status: IncidentStatus): Promise<boolean> => {
    try {
      const next = { ...incident, status };
      const written = await client.replace<Incident>(resources.incidents, next, { subresource: 'status' });
      fresh.set(keyOf(written), written);
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      const now = await client.get<Incident>(resources.incidents, incident.metadata);
      if (now) fresh.set(keyOf(now), now);
      return false;
    }
  };

  const writeHold = async (incident: Incident, { proposal }: IncidentStatus): Promise<void> => {
    if (!proposal) return;
    const { namespace = '' } = incident.metadata;
    const { name, spec } = proposal;
    const proposed: Hold = { apiVersion: API_VERSION, kind: 'Hold', metadata: { namespace, name }, spec };
    const { hold, created } = await createHold(proposed, client);
    if (!created) return; // there already: a crash took the answer, or a person was faster
    ports.onHold(hold);
    metrics.rollbacks.inc({ result: 'started' });
  };

  /** What moved, for people and for dashboards. */
  const report = (incident: Incident, status: IncidentStatus): void => {
    if (status.phase === incident.status?.phase && !comesToNeedPerson(incident, status)) return;
    ports.occurred(occurrenceOf(incident, status));
    if (status.verdict && status.verdict.result !== incident.status?.verdict?.result)
      metrics.verdicts.inc({ result: status.verdict.result.toLowerCase() });
    if (status.phase === 'Recovered') metrics.rollbacks.inc({ result: 'recovered' });
    if (status.phase === 'Verifying' && needsPerson({ status })) metrics.rollbacks.inc({ result: 'notrecovered' });
    const { phase, reason, message } = status;
    ports.log.info({ incident: keyOf(incident), phase, reason, message }, 'incident phase changed');
  };

  const queue = createWorkQueue({
    concurrency: 16,
    perGroup: PER_NAMESPACE,
    clock,
    random: ports.random,
    maxBackoffMs: 10_000,
    onError: (key, err, retryInMs) =>
      ports.log.error({ err, incident: key, id: errorId(key, err), retryInMs }, 'incident step failed'),
    worker: (key) => work(key).catch((error: unknown) => stall(key, error)),
  });
  const countOpen = (): void => {
    const open = caches.incidents.list().filter((incident) => !isClosed(incident));
    metrics.openIncidents.set(open.length);
    metrics.incidentsNeedingPerson.set(open.filter(needsPerson).length);
  };
  const addOpenOf = (namespace: string | undefined, { kind, name }: WorkloadRef): void => {
    for (const incident of caches.incidents.list(namespace)) {
      const { workloadRef } = incident.spec;
      if (!isClosed(incident) && workloadRef.kind === kind && workloadRef.name === name) queue.add(keyOf(incident));
    }
  };
  const stops = [
    caches.incidents.onChange((incident, previous) => {
      countOpen();
      if (!incident) fresh.delete(keyOf(previous as Incident));
      else if (!isClosed(incident)) queue.add(keyOf(incident));
      else void expire(incident).catch((err) => ports.log.warn({ err }, 'expiry failed'));
    }),
    caches.holds.onChange((hold, previous) => {
      const changed = hold ?? previous;
      if (changed) addOpenOf(changed.metadata.namespace, changed.spec.workloadRef);
    }),
    // Whatever moves a history or a workload may be what an incident of it waits for.
    caches.histories.onChange((history) => {
      if (history) addOpenOf(history.metadata.namespace, history.spec.workloadRef);
    }),
  ];

  const coolDownOf = ({ metadata: { namespace = '' }, spec }: Incident): number =>
    parseDuration(guardFrom(caches, { ...spec.workloadRef, namespace }).guardrails.cooldown);
  const expire = async ({ metadata: { namespace = '' } }: Incident): Promise<void> => {
    const [incidents, holds] = [caches.incidents.list(namespace), caches.holds.list(namespace)];
    for (const { metadata } of expiredOf(incidents, holds, coolDownOf, clock.now()))
      await client.delete(resources.incidents, metadata, metadata.uid === undefined ? {} : { uid: metadata.uid });
  };

  for (const incident of caches.incidents.list().filter((i) => !isClosed(i))) queue.add(keyOf(incident));
  countOpen();

  return {
    notify(incident) {
      fresh.set(keyOf(incident), incident);
      queue.add(keyOf(incident));
    },
    async stop() {
      for (const stop of stops) stop();
      await queue.stop();
    },
  };
};

const isNews = (incident: Incident, status: IncidentStatus): boolean =>
  hashOf(comparable(status)) !== hashOf(comparable(incident.status ?? {}));

/** What is measured anew at every look does not make a status new. */
const comparable = ({ verdict, conditions, proposal, ...rest }: IncidentStatus): unknown => ({
  ...rest,
  proposal: proposal && { ...proposal, spec: { ...proposal.spec, message: undefined } },
  verdict: verdict && [verdict, ...(verdict.objectives ?? [])].map(({ result, reason }) => [result, reason]),
  conditions: conditions?.map(({ type, status, reason }) => [type, status, reason]),
});

const comesToNeedPerson = (incident: Incident, status: IncidentStatus): boolean =>
  needsPerson({ status }) && !(needsPerson(incident) && incident.status?.reason === status.reason);

/** What the worst objective lost from the first alert to the rollback, at the error ratio that the verdict found. */
const withBudget = (incident: Incident, status: IncidentStatus, caches: Caches): IncidentStatus => {
  const { closedTime, rolledBackTime, verdict } = status;
  if (closedTime === undefined || rolledBackTime === undefined) return status;
  const began = Math.min(...incident.spec.evidence.map((e) => Date.parse(e.startsAt ?? e.receivedTime)));
  const durationMs = Math.max(0, Date.parse(rolledBackTime) - began);
  const { policy } = guardFrom(caches, { ...incident.spec.workloadRef, namespace: incident.metadata.namespace ?? '' });
  const spent = (policy?.spec.objectives ?? []).filter(isMeasured).flatMap((objective) => {
    const ratio = verdict?.objectives?.find(({ name }) => name === objective.name)?.newErrorRatio;
    const errorRatio = Number(ratio);
    const target = Number(objective.target);
    return ratio === undefined
      ? []
      : [budgetSpentPercent({ errorRatio, durationMs, target, periodMs: periodOf(objective) })];
  });
  return spent.length === 0
    ? status
    : { ...status, budgetSpentPercent: String(Number(Math.max(...spent).toPrecision(3))) };
};
