import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { move, type Next } from './move.ts';
import type { Observation } from './observation.ts';
import { lookAgainForPerson } from './timing.ts';

/** The ways on from the phase Judging. */
export interface Ways {
  now: number;
  /** Looks again after milliseconds. With when it goes on by itself, where a person may answer before. */
  wait: (reason: Reason, message: string, again: number, due?: number) => Next;
  /** Stays open until a person did something, until the alerts end, or until it goes on by itself. */
  askPerson: (reason: Reason, message: string, due?: number) => Next;
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
    wait: (reason, message, again, due) =>
      move(incident, now, { phase: 'Judging', reason, message, more: { ...more, ...dueAt(due) }, again }),
    askPerson(reason, message, due) {
      if (!firing) return close('Dismissed', reason, `its alerts ended; ${message}`);
      const again = Math.min(lookAgainForPerson(now - opened), (due ?? Number.POSITIVE_INFINITY) - now);
      const status = { ...more, ...dueAt(due) };
      return move(incident, now, { phase: 'Judging', reason, message, needsPerson: true, more: status, again });
    },
  };
};

const dueAt = (due: number | undefined): Partial<IncidentStatus> =>
  due === undefined ? {} : { dueTime: new Date(due).toISOString() };
