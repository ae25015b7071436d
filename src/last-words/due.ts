import { type Hold, isRollback } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import { isClosed, needsPerson } from '../incident/index.ts';

/**
 * Whether the logs of the suspect are to be read now: when the Hold that rolls it back is there, never before it, or when a
 * person is asked whether to roll back. Once for an incident.
 *
 * @param holds of its namespace
 */
export const isDue = (incident: Incident, holds: readonly Hold[]): boolean => {
  const { spec, status } = incident;
  if (isClosed(incident) || !spec.suspect || status?.verdict?.result !== 'Guilty' || status.logs) return false;
  const isProposed = status.phase === 'Judging' && status.proposal !== undefined && needsPerson(incident);
  return isProposed || holds.some((hold) => rollsBack(hold, incident));
};

const rollsBack = (hold: Hold, { metadata, status }: Incident): boolean =>
  isRollback(hold) && (hold.spec.incidentRef?.name === metadata.name || hold.metadata.name === status?.holdRef?.name);
