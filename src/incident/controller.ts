import type { Silences } from '../alertmanager/index.ts';
import { parseDuration } from '../api/common.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Occurred, Occurrence } from '../api/occurrence.ts';
import type { WorkloadRef } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { createHold } from '../holds/index.ts';
import { createJudge } from '../judge/index.ts';
import {
  createOwnWrites,
  createWorkQueue,
  isConflict,
  isNotFound,
  isRejected,
  type KubeClient,
  KubeError,
  resources,
} from '../kube/index.ts';
import { createKeyedLock } from '../lock.ts';
import type { QueriesOf } from '../slo/index.ts';
import { historyName } from '../snapshot/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import type { Vitals } from '../vitals.ts';
import type { Action } from './action.ts';
import { type Caches, guardFrom } from './caches.ts';
import { createCalls } from './calls.ts';
import { isHeldBack } from './event.ts';
import { expiredOf } from './expiry.ts';
import { reachedLimit, sharedLimits } from './limits.ts';
import { look, type NewestHistory, type ObstacleTo } from './look.ts';
import type { Refusal, RefusalOfTarget } from './observation.ts';
import { once } from './once.ts';
import { isClosed, needsPerson, startsCorrection, startsRollback } from './phases.ts';
import { errorId, withStall } from './stall.ts';

export interface IncidentPorts {
  client: KubeClient;
  caches: Caches;
  /** undefined: no Prometheus is configured. */
  queries: QueriesOf | undefined;
  /** Absent where no Alertmanager is configured. */
  silences?: Silences | undefined;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Metrics;
  occurred: Occurred;
  vitals?: Vitals;
  /** Whether what the pods of a target need is there. */
  obstacleTo: ObstacleTo;
  /** By a dry run. */
  refusalOf: RefusalOfTarget;
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
  const own = createOwnWrites(caches.incidents);
  const { newest } = own;
  const calls = createCalls({ ...caches, queries: ports.queries, clock, log: ports.log });
  /** With what this process wrote last: a rollback counts from the moment in which it is decided. */
  const known: Caches = {
    ...caches,
    calls,
    incidents: {
      ...caches.incidents,
      list: (namespace) => caches.incidents.list(namespace).map((incident) => newest(keyOf(incident)) ?? incident),
    },
  };
  const inTurn = createKeyedLock();
  const refusalOf = once(ports.refusalOf, clock);
  /** Why the API server did not take the Hold of an incident. */
  const refusals = new Map<string, Refusal>();
  const keyOf = ({ metadata }: Incident): string => `${metadata.namespace}/${metadata.name}`;

  const newestHistory: NewestHistory = (workload) =>
    client.get(resources.releaseHistories, { namespace: workload.namespace, name: historyName(workload) });

  const work = async (key: string): Promise<number | undefined> => {
    const incident = newest(key);
    if (!incident || isClosed(incident)) return undefined;
    const refusal = refusals.get(key);
    const next = await look(incident, {
      ...ports,
      caches: known,
      calls,
      judge,
      newestHistory,
      refusalOf,
      refusal,
      now: clock.now(),
    });
    for (const action of next.actions) if (!(await carryOut(action, key))) return 0;
    return next.again;
  };

  /** False: something else was found than the step knew. Look again. */
  const carryOut = async (action: Action, key: string): Promise<boolean> => {
    switch (action.kind) {
      case 'WriteStatus':
        return takesPlace(newest(key) ?? {}, action.incident.status ?? {})
          ? inTurn('rollback', () => takePlace(action.incident, key))
          : write(action.incident);
      case 'CreateIncident':
        return open(action.incident);
      case 'CreateHold':
        return create(action.hold, key);
      case 'LiftHold':
        await client.delete(resources.holds, action.hold.metadata, uidOf(action.hold));
        return true;
      case 'ChangeHold':
        await change(action.hold);
        return true;
      case 'Report':
        report(action.occurrence, key);
        return true;
      case 'Count':
        metrics[action.counter].inc({ result: action.result });
        return true;
    }
  };

  /** One decision after the other: of two incidents that found one place left, or nobody before them, one is first. */
  const takePlace = async (incident: Incident, key: string): Promise<boolean> => {
    const { correction, verdict } = incident.status ?? {};
    const isHeld = !correction && isHeldBack(newest(key) ?? incident, verdict, known);
    const reached = reachedLimit(sharedLimits(incident, known, clock.now()), correction ? 1 : 0);
    return reached === undefined && !isHeld && write(incident);
  };

  const open = async (incident: Incident): Promise<boolean> => {
    try {
      const created = await client.create<Incident>(resources.incidents, incident);
      own.note(created);
      queue.add(keyOf(created));
    } catch (error) {
      if (!isConflict(error)) throw error; // an alert that came meanwhile opened it
    }
    return true;
  };

  /** False when it was refused for the first time: the next step says why. */
  const create = async (proposed: Hold, key: string): Promise<boolean> => {
    try {
      // Between a Hold and its apply every request counts: it needs none for its finalizer.
      const { hold, created } = await createHold(proposed, client);
      refusals.delete(key);
      if (created) ports.onHold(hold);
      return true; // there already: a crash took the answer, or a person was faster
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      const isNews = !refusals.has(key);
      refusals.set(key, { message: error.message, isFinal: isRejected(error) });
      if (!isRejected(error)) throw error;
      return !isNews;
    }
  };

  const change = async (hold: Hold): Promise<void> => {
    try {
      ports.onHold(await client.replace<Hold>(resources.holds, hold));
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  };

  /** What nobody foresaw is said on the incident that it happened to; the queue tries again. Always rejects. */
  const stall = async (key: string, error: unknown): Promise<never> => {
    const incident = newest(key);
    const isOurs = !(error instanceof KubeError) || isRejected(error);
    if (incident && isOurs) {
      const status = withStall(incident.status ?? {}, errorId(key, error), new Date(clock.now()).toISOString());
      // A status that can't be written either is in the log.
      if (status) await write({ ...incident, status }).catch(() => {});
    }
    throw error;
  };

  /** False when somebody wrote in between. */
  const write = async (incident: Incident): Promise<boolean> => {
    try {
      const key = keyOf(incident);
      const written = await own.send(key, () =>
        client.replace<Incident>(resources.incidents, incident, { subresource: 'status' }),
      );
      // Somebody wrote it after that, and the watch was faster than the answer.
      if (newest(key)?.metadata.resourceVersion !== written.metadata.resourceVersion) queue.add(key);
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      const now = await client.get<Incident>(resources.incidents, incident.metadata);
      if (now) own.note(now);
      return false;
    }
  };

  const report = (occurrence: Occurrence, key: string): void => {
    ports.occurred(occurrence);
    const { reason, message } = occurrence;
    ports.log.info({ incident: key, reason, message }, 'incident moved');
  };

  const queue = createWorkQueue({
    concurrency: 16,
    vitals: { name: 'the queue of incidents', of: ports.vitals },
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
      if (!incident || isClosed(incident)) refusals.delete(keyOf(incident ?? (previous as Incident)));
      if (!incident) own.forget(previous as Incident);
      else if (isClosed(incident)) void expire(incident).catch((err) => ports.log.warn({ err }, 'expiry failed'));
      // What this process wrote, it wrote after a look: another one would send the same queries again.
      else if (own.isNews(incident)) queue.add(keyOf(incident));
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
      await client.delete(resources.incidents, metadata, uidOf({ metadata }));
  };

  for (const incident of caches.incidents.list().filter((i) => !isClosed(i))) queue.add(keyOf(incident));
  countOpen();

  return {
    notify(incident) {
      own.note(incident);
      queue.add(keyOf(incident));
    },
    async stop() {
      for (const stop of stops) stop();
      await queue.stop();
    },
  };
};

/** It is counted by the limits of the namespace and the cluster. */
const takesPlace = (before: Pick<Incident, 'status'>, status: IncidentStatus): boolean =>
  startsRollback(before, status) || startsCorrection(before, status);

const uidOf = ({ metadata: { uid } }: Pick<Incident, 'metadata'>): { uid?: string } =>
  uid === undefined ? {} : { uid };
