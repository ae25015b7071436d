import { setImmediate } from 'node:timers/promises';
import { type DeliveryLog, TEST_LABEL } from '../alertmanager/index.ts';
import { INCIDENT_ALERT_LABEL } from '../api/annotations.ts';
import type { Occurred } from '../api/occurrence.ts';
import { WORKLOAD_KINDS, workloadString } from '../api/workload.ts';
import { type AlertMatch, createMatcher } from '../slo/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { ALERTS_A_TURN, type Alert, parseDelivery } from './alertmanager-webhook.ts';
import { MAX_OPEN_PER_NAMESPACE, type Place } from './place.ts';
import { createStore, type StorePorts } from './store.ts';

export interface IntakePorts extends StorePorts {
  log: Log;
  metrics: Metrics;
  occurred: Occurred;
  cluster?: { label: string; value: string } | undefined;
  /** Where people see what became of the deliveries. */
  deliveries?: DeliveryLog;
}

export interface IntakeAnswer {
  /** 200: stored. 400: not an alert. 503: send it again. */
  status: 200 | 400 | 503;
  message: string;
}

export interface Intake {
  receive(body: unknown): Promise<IntakeAnswer>;
  /** What was observed of a workload without any alert. Rejects where it can't be stored. */
  observed(match: AlertMatch, alert: Alert): Promise<void>;
  /** Alerts of late that matched nothing: for people who wonder. */
  unmatched(): { time: string; labels: Record<string, string> }[];
}

const REMEMBERED = 100;
/** What the metric says of an alert. */
const RESULTS = { create: 'opened', update: 'updated', known: 'known', ignored: 'ignored', full: 'refused' } as const;

type Outcome = Place['do'] | 'failed';
type Result = (typeof RESULTS)[Place['do']] | 'failed' | 'invalid' | 'own' | 'truncated' | 'unmatched' | 'test';

/** Takes alerts as evidence. It decides nothing, and runs on every replica. */
export const createIntake = (ports: IntakePorts): Intake => {
  const { caches, clock, metrics, log } = ports;
  const store = createStore(ports);
  const unmatched: { time: string; labels: Record<string, string> }[] = [];

  const receive = async (body: unknown): Promise<IntakeAnswer> => {
    const delivery = await parseDelivery(body, clock.now());
    if (typeof delivery === 'string') {
      count('invalid', 1);
      return { status: 400, message: delivery };
    }
    const { alerts, invalid, truncated } = delivery;
    count('invalid', invalid);
    count('truncated', truncated);
    if (truncated > 0)
      log.warn({ truncated }, 'alerts were left out of a delivery; max_alerts is too small for its group');
    // An incident that came of the alert about an incident would never end.
    const others = alerts.filter((alert) => !isOwn(alert));
    count('own', alerts.length - others.length);
    const groups = await groupsOf(others);
    const outcomes = await Promise.all(groups.map((group) => storeOf(group.match, group.alerts, truncated > 0)));
    for (const [i, outcome] of outcomes.entries())
      count(outcome === 'failed' ? outcome : RESULTS[outcome], groups[i]?.alerts.length ?? 0);
    const lost = outcomes.filter((outcome) => outcome === 'failed' || outcome === 'full').length;
    if (lost === 0) ports.deliveries?.accepted();
    return lost === 0
      ? { status: 200, message: `${alerts.length} alerts received` }
      : {
          status: 503,
          message: `the alerts of ${lost} of ${groups.length} workloads could not be stored; send them again`,
        };
  };
  const count = (result: Result, alerts: number): void => {
    if (alerts > 0) metrics.alerts.inc({ result }, alerts);
  };

  /** By workload. */
  const groupsOf = async (alerts: readonly Alert[]): Promise<{ match: AlertMatch; alerts: Alert[] }[]> => {
    const matchesOf = createMatcher({
      policies: caches.rollbackPolicies.list(),
      workloads: WORKLOAD_KINDS.flatMap((kind) => caches.workloads[kind].list()),
      namespaceOf: (name) => caches.namespaces.get({ name }),
      cluster: ports.cluster,
      withoutNamespace: caches.platform.current().rollback.alertsWithoutNamespace,
    });
    const groups = new Map<string, { match: AlertMatch; alerts: Alert[] }>();
    for (const [i, alert] of alerts.entries()) {
      if (i % ALERTS_A_TURN === ALERTS_A_TURN - 1) await setImmediate();
      const matches = matchesOf(alert.labels);
      const test = alert.labels[TEST_LABEL];
      if (test !== undefined) {
        noteTest(test, alert, matches);
        continue;
      }
      if (matches.length === 0) remember(alert);
      for (const match of matches) {
        const key = workloadString(match.workload);
        const group = groups.get(key);
        if (group) group.alerts.push(alert);
        else groups.set(key, { match, alerts: [alert] });
      }
    }
    return [...groups.values()];
  };
  /** Nothing comes of it: neither an incident nor evidence. */
  const noteTest = (id: string, { labels, status }: Alert, matches: readonly AlertMatch[]): void => {
    count('test', 1);
    const workloads = matches.map(({ workload }) => workload);
    if (status === 'firing') ports.deliveries?.test({ id, labels, workloads });
  };
  const remember = ({ labels }: Alert): void => {
    count('unmatched', 1);
    ports.deliveries?.unmatched(labels);
    unmatched.push({ time: new Date(clock.now()).toISOString(), labels });
    if (unmatched.length > REMEMBERED) unmatched.shift();
  };

  /** What is thrown costs this workload's alerts, and no other's. */
  const storeOf = async (match: AlertMatch, alerts: Alert[], truncated: boolean): Promise<Outcome> => {
    try {
      const outcome = await store({ match, alerts, truncated });
      if (outcome === 'full') tellFull(match);
      return outcome;
    } catch (err) {
      log.error({ err, workload: workloadString(match.workload), alerts: alerts.length }, 'alerts not stored');
      return 'failed';
    }
  };

  /** Alertmanager repeats them; until then a person may want to know why nothing is judged. */
  const tellFull = ({ workload, policy }: AlertMatch): void => {
    const message = `${MAX_OPEN_PER_NAMESPACE} incidents of the namespace are open; alerts of ${workload.name} wait until one is closed`;
    log.warn({ workload: workloadString(workload) }, message);
    ports.deliveries?.refused('TooManyIncidents');
    const regarding = policy ?? caches.workloads[workload.kind].get(workload);
    if (regarding)
      ports.occurred({ regarding, severity: 'warning', reason: 'TooManyIncidents', action: 'Judge', message });
  };

  const observed = async (match: AlertMatch, alert: Alert): Promise<void> => {
    const outcome = await store({ match, alerts: [alert], truncated: false });
    count(RESULTS[outcome], 1);
    if (outcome === 'full') tellFull(match);
  };

  return { receive, observed, unmatched: () => unmatched.toReversed() };
};

/** It was sent by metricops itself, and comes back by a route of Alertmanager. */
const isOwn = ({ labels }: Alert): boolean => labels[INCIDENT_ALERT_LABEL] !== undefined;
