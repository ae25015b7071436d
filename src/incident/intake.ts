import { API_VERSION } from '../api/annotations.ts';
import type { Evidence, Incident } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { WORKLOAD_KINDS } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { isConflict, type KubeClient, resources } from '../kube/index.ts';
import { type AlertMatch, matchAlert } from '../slo/index.ts';
import { hashOf, historyName } from '../snapshot/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import type { Caches } from './caches.ts';
import { type Alert, parseDelivery, withAlert } from './delivery.ts';
import { isClosed } from './step.ts';

export interface IntakePorts {
  client: KubeClient;
  caches: Caches;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Metrics;
  cluster?: { label: string; value: string } | undefined;
  /** Told of every incident that was written, so that the leader need not wait for its watch. */
  onIncident: (incident: Incident) => void;
}

export interface IntakeAnswer {
  /** 200: stored. 400: not an alert. 503: send it again. */
  status: 200 | 400 | 503;
  message: string;
}

export interface Intake {
  receive(body: unknown): Promise<IntakeAnswer>;
  /** Alerts of late that matched nothing: for people who wonder. */
  unmatched(): { time: string; labels: Record<string, string> }[];
}

const MAX_OPEN_PER_NAMESPACE = 50;
const REMEMBERED = 100;
const TRIES = 20;

/** Stores alerts as evidence. It decides nothing, and runs on every replica. */
export const createIntake = (ports: IntakePorts): Intake => {
  const { caches, client, clock, metrics, log } = ports;
  const unmatched: { time: string; labels: Record<string, string> }[] = [];

  const receive = async (body: unknown): Promise<IntakeAnswer> => {
    const alerts = parseDelivery(body);
    if (typeof alerts === 'string') {
      metrics.alerts.inc({ result: 'invalid' });
      return { status: 400, message: alerts };
    }
    const results = await Promise.all(
      alerts.map((alert) => receiveOne(alert).catch((error: unknown) => failed(alert, error))),
    );
    for (const result of results) metrics.alerts.inc({ result });
    const lost = results.filter((r) => r === 'failed').length;
    return lost > 0
      ? { status: 503, message: `${lost} of ${results.length} alerts could not be stored; send them again` }
      : { status: 200, message: `${results.length} alerts received` };
  };
  const failed = (alert: Alert, err: unknown): string => {
    log.error({ err, alert: alert.labels.alertname }, 'alert could not be stored');
    return 'failed';
  };

  const receiveOne = async (alert: Alert): Promise<string> => {
    const matches = matchAlert(alert.labels, {
      objectives: caches.slos.list(),
      workloads: WORKLOAD_KINDS.flatMap((kind) => caches.workloads[kind].list()),
      namespaceOf: (name) => caches.namespaces.get({ name }),
      cluster: ports.cluster,
    });
    if (matches.length === 0) {
      unmatched.push({ time: new Date(clock.now()).toISOString(), labels: alert.labels });
      if (unmatched.length > REMEMBERED) unmatched.shift();
      return 'unmatched';
    }
    const results = await Promise.all(matches.map((match) => store(match, alert)));
    return results.find((r) => r !== 'ignored') ?? 'ignored';
  };

  const incidentsOf = ({ workload }: AlertMatch): Incident[] =>
    caches.incidents
      .list(workload.namespace)
      .filter((i) => i.spec.workload.kind === workload.kind && i.spec.workload.name === workload.name);

  const store = async (match: AlertMatch, alert: Alert): Promise<string> => {
    const { namespace } = match.workload;
    const history = caches.histories.get({ namespace, name: historyName(match.workload) });
    const current = history?.status?.releases?.find((r) => r.number === history.status?.current);
    const mine = incidentsOf(match);
    // While a rollback is under way, every alert of the workload belongs to it: it rings on for a while.
    const open = mine.find(
      (i) => !isClosed(i) && (i.spec.suspect?.sourceDigest === current?.sourceDigest || isRollingBack(i)),
    );
    if (open) return update(open, alert);
    if (alert.status === 'resolved') return 'ignored';
    if (rangBefore(mine, alert)) return 'ignored';
    const ofSuspect = mine.filter((i) => i.spec.suspect?.sourceDigest === current?.sourceDigest);
    if (caches.incidents.list(namespace).filter((i) => !isClosed(i)).length >= MAX_OPEN_PER_NAMESPACE) {
      log.warn({ namespace, limit: MAX_OPEN_PER_NAMESPACE }, 'too many open incidents');
      return 'ignored';
    }
    const fresh = newIncident(
      match,
      current,
      ofSuspect.length,
      withAlert([], alert, new Date(clock.now()).toISOString()),
    );
    try {
      ports.onIncident(await client.create<Incident>(resources.incidents, fresh));
      return 'opened';
    } catch (error) {
      if (!isConflict(error)) throw error;
      const other = await client.get<Incident>(resources.incidents, fresh.metadata);
      return other ? update(other, alert) : store(match, alert);
    }
  };

  /** Compare-and-set: deliveries of several replicas all count. */
  const update = async (incident: Incident, alert: Alert): Promise<string> => {
    let current: Incident | undefined = incident;
    for (let i = 0; i < TRIES && current; i += 1) {
      const evidence = withAlert(current.spec.evidence, alert, new Date(clock.now()).toISOString());
      try {
        const { resourceVersion } = current.metadata;
        const body = { metadata: { resourceVersion }, spec: { evidence } };
        ports.onIncident(await client.patch<Incident>(resources.incidents, current.metadata, { type: 'merge', body }));
        return 'updated';
      } catch (error) {
        if (!isConflict(error)) throw error;
        await clock.sleep(ports.random() * Math.min(5 * 2 ** i, 100)); // replicas that all come at once
        current = await client.get<Incident>(resources.incidents, current.metadata);
      }
    }
    throw new Error(`evidence of ${incident.metadata.name} could not be stored after ${TRIES} tries`);
  };

  return { receive, unmatched: () => unmatched.toReversed() };
};

/** Deterministic: replicas that get the same alert at once make the same object, and one of them learns so. */
const newIncident = (
  match: AlertMatch,
  current: Release | undefined,
  episode: number,
  evidence: Evidence[],
): Incident => {
  const { kind, name, namespace } = match.workload;
  const id = hashOf([match.workload, current?.sourceDigest ?? '', episode]).slice(0, 10);
  const suspect = current && {
    number: current.number,
    sourceDigest: current.sourceDigest,
    ...(current.revision === undefined ? {} : { revision: current.revision }),
    ...(current.commit === undefined ? {} : { commit: current.commit }),
  };
  return {
    apiVersion: API_VERSION,
    kind: 'Incident',
    metadata: { namespace, name: `${name.slice(0, 50).replace(/[-.]+$/, '')}-${id}` },
    spec: {
      workload: { kind, name },
      evidence,
      ...(suspect ? { suspect } : {}),
      ...(match.objective ? { objective: match.objective.metadata.name } : {}),
    },
  };
};

const isRollingBack = ({ status }: Incident): boolean =>
  status?.phase === 'RollingBack' || status?.phase === 'Verifying';

/** The alert began before a matter was closed: it is the same one, still ringing, and starts nothing. */
const rangBefore = (incidents: readonly Incident[], { startsAt, fingerprint }: Alert): boolean =>
  incidents.some(({ spec, status }) => {
    if (status?.closedTime === undefined) return false;
    const known = spec.evidence.find((e) => e.fingerprint === fingerprint);
    return startsAt === undefined ? known !== undefined : Date.parse(startsAt) <= Date.parse(status.closedTime);
  });
