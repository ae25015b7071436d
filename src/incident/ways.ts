import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { move, type Next } from './move.ts';
import type { Observation } from './observation.ts';
import { lookAgainForPerson } from './timing.ts';

/** The ways on from the phase Judging. */
export interface Ways {
  now: number;
  /** Looks again after milliseconds. */
  wait: (reason: Reason, message: string, again: number) => Next;
  /** Stays open until a person did something, or until the alerts end. */
  askPerson: (reason: Reason, message: string) => Next;
  close: (phase: 'Dismissed' | 'Observed', reason: Reason, message: string) => Next;
}

/** @param more what each of them writes beside phase and reason */
export const waysOf = (
  incident: Incident,
  { firing, opened }: Observation,
  more: Partial<IncidentStatus>,
  now: number,
): Ways => {
  const close: Ways['close'] = (phase, reason, message) => move(incident, now, { phase, reason, message, more });
  return {
    now,
    close,
    wait: (reason, message, again) => move(incident, now, { phase: 'Judging', reason, message, more, again }),
    askPerson(reason, message) {
      if (!firing) return close('Dismissed', reason, `its alerts ended; ${message}`);
      const again = lookAgainForPerson(now - opened);
      return move(incident, now, { phase: 'Judging', reason, message, needsPerson: true, more, again });
    },
  };
};
