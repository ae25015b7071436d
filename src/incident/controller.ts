import { API_VERSION } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import { isMeasured } from '../api/rollback-policy.ts';
import type { Clock } from '../clock.ts';
import {
  createWorkQueue,
  type EventRecorder,
  isConflict,
  isRejected,
  type KubeClient,
  KubeError,
  resources,
} from '../kube/index.ts';
import { budgetSpentPercent, periodOf, type QueriesOf } from '../slo/index.ts';
import { hashOf, historyName, holdName, pinsFor } from '../snapshot/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { createJudge } from './analysis.ts';
import { type Caches, guardFrom } from './caches.ts';
import { eventOf } from './event.ts';
import { expiredOf } from './expiry.ts';
import { observe } from './observe.ts';
import { errorId, withoutStall, withStall } from './stall.ts';
import { isClosed, step } from './step.ts';

export interface IncidentPorts {
  client: KubeClient;
  caches: Caches;
  /** undefined: no Prometheus is configured. */
  queries: QueriesOf | undefined;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Metrics;
  events: EventRecorder;
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
      if (moved) tell(incident, status);
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
      const body = { metadata: { resourceVersion: incident.metadata.resourceVersion }, status };
      const written = await client.patch<Incident>(
        resources.incidents,
        incident.metadata,
        { type: 'merge', body },
        { subresource: 'status' },
      );
      fresh.set(keyOf(written), written);
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      const now = await client.get<Incident>(resources.incidents, incident.metadata);
      if (now) fresh.set(keyOf(now), now);
      return false;
    }
  };

  const writeHold = async (incident: Incident, status: IncidentStatus): Promise<void> => {
    const { suspect, workloadRef } = incident.spec;
    const { target } = status;
    if (!suspect || !target) return;
    const namespace = incident.metadata.namespace ?? '';
    const { guardrails } = guardFrom(caches, { ...workloadRef, namespace });
    const { releases = [] } = caches.histories.get({ namespace, name: historyName(workloadRef) })?.status ?? {};
    const images = releases.filter((r) => r.number === target.number).flatMap((r) => pinsFor(r, releases));
    const hold: Hold = {
      apiVersion: API_VERSION,
      kind: 'Hold',
      metadata: { namespace, name: holdName(workloadRef, suspect.sourceDigest) },
      spec: {
        workloadRef,
        scope: guardrails.scope === 'GitSync' ? 'Sync' : 'Workload',
        rejectedDigests: [suspect.sourceDigest],
        target: {
          release: target.number,
          sourceDigest: target.sourceDigest,
          snapshot: target.snapshot,
          ...(images.length > 0 ? { images } : {}),
        },
        reason: 'Incident',
        incident: incident.metadata.name,
        message: (status.verdict?.message ?? '').slice(0, 1024),
      },
    };
    try {
      ports.onHold(await client.create<Hold>(resources.holds, hold));
      metrics.rollbacks.inc({ result: 'started' });
    } catch (error) {
      if (!isConflict(error)) throw error; // there already: a crash took the answer
    }
  };

  const tell = (incident: Incident, status: IncidentStatus): void => {
    ports.events.record(incident, eventOf(status));
    if (status.verdict && status.verdict.result !== incident.status?.verdict?.result)
      metrics.verdicts.inc({ result: status.verdict.result.toLowerCase() });
    if (status.phase === 'Recovered' || status.phase === 'NotRecovered')
      metrics.rollbacks.inc({ result: status.phase.toLowerCase() });
    ports.log.info({ incident: keyOf(incident), phase: status.phase, reason: status.message }, 'incident moved');
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
  const countOpen = (): void => metrics.openIncidents.set(caches.incidents.list().filter((i) => !isClosed(i)).length);
  const stops = [
    caches.incidents.onChange((incident, previous) => {
      countOpen();
      if (!incident) fresh.delete(keyOf(previous as Incident));
      else if (!isClosed(incident)) queue.add(keyOf(incident));
      else void expire(incident).catch((err) => ports.log.warn({ err }, 'expiry failed'));
    }),
    caches.holds.onChange((hold, previous) => {
      const { incident } = (hold ?? previous)?.spec ?? {};
      if (incident !== undefined) queue.add(`${(hold ?? previous)?.metadata.namespace}/${incident}`);
    }),
    // Whatever moves a history or a workload may be what an incident of it waits for.
    caches.histories.onChange((history) => {
      if (!history) return;
      for (const incident of caches.incidents.list(history.metadata.namespace)) {
        if (!isClosed(incident) && incident.spec.workloadRef.name === history.spec.workloadRef.name)
          queue.add(keyOf(incident));
      }
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
const comparable = ({ verdict, ...rest }: IncidentStatus): unknown => ({
  ...rest,
  verdict: verdict && [verdict, ...(verdict.objectives ?? [])].map(({ result, reason }) => [result, reason]),
});

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
  return spent.length === 0 ? status : { ...status, budgetSpentPercent: Number(Math.max(...spent).toPrecision(3)) };
};
