import type { Incident } from '../api/incident.ts';
import { type Applied, obstacleToPutBack, putBackCommand } from './correction.ts';
import { ask, move, type Next, stay } from './move.ts';
import type { Observation } from './observation.ts';
import { lookAgainForPerson, REQUEUE_MS } from './timing.ts';

/**
 * The restored release burns the error budget as well: the verdict was wrong. The newer release is offered, or runs again
 * where the policy says so. undefined: that was not found.
 */
export const misjudged = (incident: Incident, observed: Observation, { hold, age, now }: Applied): Next | undefined => {
  const { status = {}, spec } = incident;
  const { restored, burning, restoredRatio, policy } = observed;
  const isBurning = restored && burning === true;
  const isKnown = status.misjudgedTime !== undefined;
  if (!isKnown) {
    if (!isBurning) return undefined;
    if (restoredRatio === undefined) return ask('Restored');
    if (restoredRatio === 'Unknown' || !restoredRatio.burns) return undefined;
  }
  const isPutBack = policy.onMisjudged === 'PutBack' && isBurning;
  if (isPutBack && observed.sharedLimits === undefined) return ask('Limits');
  const obstacle = isPutBack ? obstacleToPutBack(incident, observed, now) : undefined;
  const newer = `release ${spec.suspect?.number}`;
  const time = new Date(now).toISOString();
  const misjudgedTime = status.misjudgedTime ?? time;
  const figures = typeof restoredRatio === 'object' ? ` (${restoredRatio.message})` : '';
  const what = `release ${status.target?.number} burns the error budget as well${figures}: the verdict on ${newer} was wrong`;
  const known = { phase: 'Verifying', reason: 'Misjudged' } as const;
  if (isPutBack && obstacle === undefined) {
    const more = { misjudgedTime, correction: { action: 'PutBack', time } as const };
    const message = `${what}; ${newer} runs again, on probation`;
    return move(incident, now, { ...known, message, more, liftHold: hold, again: REQUEUE_MS });
  }
  const again = lookAgainForPerson(age);
  if (isKnown && status.reason === 'Misjudged') return stay(incident, again);
  const byItself = obstacle === undefined ? '' : `; not by itself, for ${obstacle}`;
  const message = `${what}; to run ${newer} again: ${putBackCommand(incident, observed)}${byItself}`;
  return move(incident, now, { ...known, message, needsPerson: true, more: { misjudgedTime }, again });
};
