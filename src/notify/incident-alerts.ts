import type { Alertmanager, PostableAlert } from '../alertmanager/index.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { Clock } from '../clock.ts';
import { createWorkQueue, type WatchCache } from '../kube/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { type AlertContext, alertOf } from './incident-alert.ts';
import { stateOf } from './incident-state.ts';

export interface IncidentAlertPorts {
  alertmanager: Pick<Alertmanager, 'postAlerts'>;
  caches: { incidents: WatchCache<Incident>; holds: WatchCache<Hold> };
  cluster?: AlertContext['cluster'];
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Pick<Metrics, 'notifications'>;
}

/** As Prometheus does it: sent again each minute, and resolved by itself four minutes after nobody sends it any more. */
const RESEND_MS = 60_000;
const KEPT_MS = 4 * RESEND_MS;
/** Incidents of one outage come together. */
const SETTLE_MS = 1_000;
const AT_ONCE = 200;

/**
 * Incidents that people have to know of, as alerts of our own. Alertmanager brings them where the team's other alerts go.
 * Nothing is remembered that a restart would lose: what lasts is sent again, what is over ends by itself. No rollback
 * waits for it. To be run by the leader only.
 */
export const startIncidentAlerts = (ports: IncidentAlertPorts) => {
  const { alertmanager, caches, clock, cluster, log, metrics } = ports;
  /** By their labels: those that Alertmanager may take for firing. */
  let sent = new Map<string, PostableAlert>();
  let sentAt = Number.NEGATIVE_INFINITY;
  let isTaken = true;

  const firing = (now: number): Map<string, PostableAlert> => {
    const alerts = caches.incidents.list().flatMap((incident) => {
      const { namespace = '' } = incident.metadata;
      const { holdRef } = incident.status ?? {};
      const state = stateOf(incident, holdRef && caches.holds.get({ namespace, name: holdRef.name }));
      return state ? [alertOf(incident, state, { cluster, endsAt: now + KEPT_MS })] : [];
    });
    return new Map(alerts.map((alert) => [identityOf(alert), alert]));
  };

  const send = async (): Promise<number | undefined> => {
    const now = clock.now();
    const wanted = firing(now);
    const endsAt = new Date(now).toISOString();
    const over = [...sent].filter(([labels]) => !wanted.has(labels)).map(([, alert]) => ({ ...alert, endsAt }));
    const isNews = over.length > 0 || [...wanted.keys()].some((labels) => !sent.has(labels));
    const left = sentAt + RESEND_MS - now;
    if (isTaken && !isNews && left > 0) return sent.size === 0 ? undefined : left;
    // What is under way may be taken, whatever comes of the request.
    sent = new Map([...sent, ...wanted]);
    isTaken = false;
    const alerts = [...over, ...wanted.values()];
    for (let i = 0; i < alerts.length; i += AT_ONCE) await alertmanager.postAlerts(alerts.slice(i, i + AT_ONCE));
    sent = wanted;
    sentAt = now;
    isTaken = true;
    if (alerts.length > 0) metrics.notifications.inc({ what: 'alertmanager', result: 'delivered' }, alerts.length);
    return wanted.size === 0 ? undefined : RESEND_MS;
  };

  const queue = createWorkQueue({
    concurrency: 1,
    clock,
    random: ports.random,
    maxBackoffMs: RESEND_MS,
    onError(_, err, retryInMs) {
      metrics.notifications.inc({ what: 'alertmanager', result: 'failed' });
      log.warn({ err, retryInMs }, 'incidents not sent to Alertmanager');
    },
    worker: send,
  });
  const later = (): void => queue.add(ALL, SETTLE_MS);
  const stops = [caches.incidents.onChange(later), caches.holds.onChange(later)];
  queue.add(ALL);
  return {
    async stop(): Promise<void> {
      for (const stop of stops) stop();
      await queue.stop();
    },
  };
};

/** The only key: they are sent together. */
const ALL = 'incidents';

/** Alertmanager knows an alert by its labels. */
const identityOf = ({ labels }: PostableAlert): string => JSON.stringify(Object.entries(labels).toSorted());
