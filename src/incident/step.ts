import type { Incident } from '../api/incident.ts';
import { endOf } from './ends.ts';
import { judging } from './judging.ts';
import { move, type Step, stay } from './move.ts';
import type { Observation } from './observation.ts';
import { isClosed } from './phases.ts';
import { rollingBack, verifying } from './rolling-back.ts';

/**
 * One step of an incident. Pure: it says what the status should be and whether the Hold has to be written; doing it
 * twice, or again after a crash, comes to the same end. The intent (phase RollingBack with its proposal) is in the
 * status before the Hold is written, and the Hold before anything is changed.
 */
export const step = (incident: Incident, observed: Observation, now: number): Step => {
  if (isClosed(incident)) return stay(incident, undefined);
  const end = endOf(incident, observed);
  if (end) return move(incident, now, { phase: 'Dismissed', ...end });
  const phase = incident.status?.phase ?? 'Open';
  if (phase === 'RollingBack') return rollingBack(incident, observed, now);
  if (phase === 'Verifying') return verifying(incident, observed, now);
  return judging(incident, observed, now);
};
