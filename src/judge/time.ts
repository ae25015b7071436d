import type { Evidence } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { currentSince } from '../release/index.ts';

/** How far back the release before is measured. */
export const BEFORE_MS = 300_000;
/** A fault of a release shows with its first requests, or when the traffic reaches what is broken; what begins later is late. */
export const NEAR_MS = 1_800_000;
/** What begins later than this after a release is as likely something else: another comparison has to show it. */
export const SOON_MS = 900_000;
const HOUR_MS = 3_600_000;
/** How far back the release before is measured where few requests come. */
export const LONG_BEFORE_MS = HOUR_MS;

/** Since when a release counts, in milliseconds since the epoch: what it did before it was lifted is no evidence any more. */
export const releaseTimes = (release: Release): { releasedAt: number; readyAt: number } => {
  const releasedAt = currentSince(release);
  return { releasedAt, readyAt: Math.max(releasedAt, Date.parse(release.readyTime ?? release.firstSeenTime)) };
};

/** When the first of some alerts began, in milliseconds since the epoch; at the latest `now`, also where there is none. */
export const alertedAt = (evidence: readonly Evidence[], now = Number.POSITIVE_INFINITY): number =>
  Math.min(now, ...evidence.map(({ startsAt, receivedTime }) => Date.parse(startsAt ?? receivedTime)));

/** From when on a course is measured: before the release, or, for one that ran for long, an hour before its alerts. */
export const courseFrom = (releasedAt: number, alertAt: number): number =>
  alertAt - releasedAt <= HOUR_MS ? releasedAt - BEFORE_MS : alertAt - HOUR_MS;
