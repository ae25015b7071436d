import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import { isClosed } from './phases.ts';

const KEEP_CLOSED = 50;
const HOUR_MS = 3_600_000;

/**
 * Closed incidents of one namespace that may go, for there are many newer ones. One that rolled back stays for as long
 * as limits are counted from it (an hour, and its cool-down), and one that a Hold names stays as the Hold's reason.
 *
 * @param coolDownOf milliseconds
 */
export const expiredOf = (
  incidents: readonly Incident[],
  holds: readonly Hold[],
  coolDownOf: (incident: Incident) => number,
  now: number,
): Incident[] => {
  const named = new Set(holds.map(({ spec }) => spec.incidentRef?.name));
  const isNeeded = (incident: Incident): boolean => {
    if (named.has(incident.metadata.name)) return true;
    const { rolledBackTime = '', correction } = incident.status ?? {};
    const rolledBack = Date.parse(correction?.time ?? rolledBackTime);
    return now - rolledBack < Math.max(HOUR_MS, coolDownOf(incident));
  };
  return incidents
    .filter(isClosed)
    .toSorted((a, b) => Date.parse(b.status?.closedTime ?? '') - Date.parse(a.status?.closedTime ?? ''))
    .slice(KEEP_CLOSED)
    .filter((incident) => !isNeeded(incident));
};
