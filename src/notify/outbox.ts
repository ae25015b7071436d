import type { Notification, NotificationStatus } from '../api/notification.ts';
import type { Notice } from './notice.ts';

/**
 * How late an event may come to be seen: its time is taken before it is written, and the watch shows it after that. Until
 * then each event that is delivered is listed.
 */
const SETTLE_MS = 10 * 60_000;
const MAX_LISTED = 256;

/** Milliseconds since the epoch: no event until then is sent. */
export const settledUntil = ({ metadata, status }: Notification): number =>
  Date.parse(status?.settledTime ?? metadata.creationTimestamp ?? '') || 0;

/**
 * What is to be sent, oldest first. The objects are the outbox: what happened is read from them again after a restart,
 * and the Notification says what of it is done. Pure.
 */
export const dueOf = (notification: Notification, notices: readonly Notice[]): Notice[] => {
  const since = settledUntil(notification);
  const done = new Set(notification.status?.delivered?.map(({ id }) => id));
  const isWanted = ({ kind, reason }: Notice): boolean =>
    notification.spec.events.some(
      (event) => event.kind === kind && (event.reasons.length === 0 || event.reasons.includes(reason)),
    );
  return notices
    .filter((notice) => Date.parse(notice.time) > since && !done.has(notice.id) && isWanted(notice))
    .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
};

type Settled = Pick<NotificationStatus, 'settledTime' | 'delivered'>;

/**
 * The status after this event was delivered or given up. Of what is older than ten minutes only the time is kept. Pure.
 *
 * @param left those that are still to be sent
 */
export const withDone = (
  notification: Notification,
  { id, time }: Notice,
  left: readonly Notice[],
  now: number,
): Settled => {
  const { delivered = [] } = notification.status ?? {};
  const listed = [...delivered, { id, time }].toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  const tooMany = listed.slice(0, -MAX_LISTED).at(-1);
  const settled = Math.min(now - SETTLE_MS, ...left.map((notice) => Date.parse(notice.time) - 1));
  const until = Math.max(settledUntil(notification), settled, Date.parse(tooMany?.time ?? '') || 0);
  return {
    settledTime: new Date(until).toISOString(),
    delivered: listed.filter((entry) => Date.parse(entry.time) > until),
  };
};
