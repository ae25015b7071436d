import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';

/** That a Date can say: a duration of the schema may go beyond it. */
export const LAST_TIME = 8.64e15;

/**
 * When metricops goes on without an answer, in milliseconds since the epoch: as it was stored for the same reason; so long
 * from now, where the incident comes to it.
 */
export const dueOf = ({ status }: Incident, reason: Reason, now: number, afterMs: number): number => {
  const stored = status?.reason === reason ? Date.parse(status.dueTime ?? '') : Number.NaN;
  return Number.isNaN(stored) ? Math.min(now + afterMs, LAST_TIME) : stored;
};

/** It says for the first time that it goes on by itself: people may want to answer. */
export const comesToBeDue = (before: IncidentStatus | undefined, status: IncidentStatus): boolean =>
  status.dueTime !== undefined && before?.dueTime === undefined;
