import type { Evidence, IncidentSpec } from '../api/incident.ts';
import type { Alert } from './alertmanager-webhook.ts';

const MAX_EVIDENCE = 64;

type Kept = Pick<IncidentSpec, 'evidence' | 'truncated'>;

/**
 * The evidence with what a delivery adds to it; undefined when it adds nothing that a decision depends on, so that there
 * is nothing to write.
 */
export const withAlerts = (
  kept: Kept,
  { alerts, truncated }: { alerts: readonly Alert[]; truncated: boolean },
  now: string,
): Kept | undefined => {
  const entries = new Map(kept.evidence.map((entry) => [entry.fingerprint, entry]));
  let isFull = truncated;
  let changed = false;
  for (const alert of alerts) {
    const known = entries.get(alert.fingerprint);
    const entry = known ? updated(known, alert, now) : entryOf(alert, now);
    if (entry === known) continue;
    if (!known && !makeRoom(entries, alert)) {
      isFull = true;
      continue;
    }
    entries.set(alert.fingerprint, entry);
    changed = true;
  }
  const hasChanged = isFull && kept.truncated !== true;
  if (!changed && !hasChanged) return undefined;
  return { evidence: [...entries.values()], ...(isFull || kept.truncated ? { truncated: true } : {}) };
};

/** What rings counts more than what is over. The first entry stays: it says when the incident was opened. */
const makeRoom = (entries: Map<string, Evidence>, { status }: Alert): boolean => {
  if (entries.size < MAX_EVIDENCE) return true;
  if (status === 'resolved') return false;
  const over = [...entries.values()].slice(1).find((entry) => entry.status === 'resolved');
  return over !== undefined && entries.delete(over.fingerprint);
};

const entryOf = (alert: Alert, now: string): Evidence => ({
  source: alert.source ?? 'Alertmanager',
  fingerprint: alert.fingerprint,
  alert: (alert.labels.alertname ?? '').slice(0, 256),
  status: alert.status,
  labels: alert.labels,
  ...(alert.links === undefined ? {} : { links: alert.links }),
  receivedTime: now,
  lastReceivedTime: now,
  ...(alert.startsAt === undefined ? {} : { startsAt: alert.startsAt }),
});

/** Since when it fires for certain, however its deliveries overtook each other: RFC 3339. */
export const lastBegan = ({
  latestStartTime,
  startsAt,
}: Pick<Evidence, 'latestStartTime' | 'startsAt'>): string | undefined => latestStartTime ?? startsAt;

/** Itself when the delivery says nothing new: that it rings on is none. */
const updated = (known: Evidence, alert: Alert, now: string): Evidence => {
  const began = lastBegan(known);
  // Deliveries overtake each other: what ended before this one began was another.
  if (alert.endsAt !== undefined && began !== undefined && alert.endsAt < began) return known;
  const { latestStartTime: _, ...rest } = known;
  const next = { ...rest, ...begunBy(known, alert), status: alert.status };
  const isNew = SAID.some((field) => next[field] !== known[field]);
  return isNew ? { ...next, lastReceivedTime: now } : known;
};

const SAID = ['status', 'startsAt', 'latestStartTime'] as const;

/** One alert may be said to fire since several times: the first and the last are kept. One that fires again began again. */
const begunBy = (known: Evidence, { status, startsAt }: Alert): Pick<Evidence, 'startsAt' | 'latestStartTime'> => {
  if (status === 'firing' && known.status === 'resolved' && startsAt !== undefined) return { startsAt };
  const times = [known.startsAt, known.latestStartTime, startsAt].filter((time) => time !== undefined).toSorted();
  const [earliest] = times;
  const latest = status === 'firing' ? times.at(-1) : (lastBegan(known) ?? startsAt);
  if (earliest === undefined || latest === undefined) return {};
  return latest === earliest ? { startsAt: earliest } : { startsAt: earliest, latestStartTime: latest };
};
