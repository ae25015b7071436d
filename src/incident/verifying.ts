import { parseDuration } from '../api/common.ts';
import type { Incident } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { supersededBy } from './ends.ts';
import { following, stateOf } from './hold-state.ts';
import { ask, enteredPhase, move, type Next, stay } from './move.ts';
import type { Observation } from './observation.ts';
import { lookAgain, lookAgainForPerson, REQUEUE_MS } from './timing.ts';

/** From the applied target until its pods are ready and the burn ended. */
export const verifying = (incident: Incident, observed: Observation, now: number): Next => {
  const status = incident.status ?? {};
  const { hold, restored } = observed;
  const close = (phase: 'Recovered' | 'Dismissed', reason: Reason, message: string): Next =>
    move(incident, now, { phase, reason, message });
  const newer = supersededBy(incident, observed);
  if (newer !== undefined) return close('Dismissed', 'Superseded', `release ${newer} came after the rollback`);
  if (!hold) return close('Dismissed', 'HoldLifted', `a person lifted Hold ${status.holdRef?.name} after the rollback`);
  const { phase, message, contested } = stateOf(hold);
  const { release, sourceDigest } = hold.spec.target;
  const isElsewhere = sourceDigest !== status.target?.sourceDigest;
  if (isElsewhere || phase === 'Failed') {
    const why = isElsewhere
      ? ({ reason: 'ReleaseHeld', message: `Hold ${hold.metadata.name} goes to release ${release} now` } as const)
      : (contestedBy(contested) ?? ({ reason: 'HoldFailed', message } as const));
    const more = following(incident, hold);
    return move(incident, now, { phase: 'RollingBack', ...why, needsPerson: !isElsewhere, more, again: REQUEUE_MS });
  }
  if (restored && observed.burning === undefined) return ask('Burning');
  const burning = isBurning(observed);
  if (restored && burning === false)
    return close('Recovered', 'Recovered', 'the pods are back and the budget no longer burns');
  const since = Math.max(Date.parse(status.rolledBackTime ?? '') || now, enteredPhase(status) ?? 0);
  const age = now - since;
  const isOverdue = age >= parseDuration(observed.policy.verifyTimeout);
  if (contested === undefined && !isOverdue) return stay(incident, lookAgain(age));
  const why = contestedBy(contested) ?? whyNotRecovered(restored, burning);
  return move(incident, now, { phase: 'Verifying', needsPerson: true, again: lookAgainForPerson(age), ...why });
};

/** Where nobody can say, the end of the alerts does. */
const isBurning = ({ burning, firing }: Observation): boolean | undefined =>
  typeof burning === 'boolean' ? burning : firing ? undefined : false;

interface Why {
  reason: Reason;
  message: string;
}

const contestedBy = (message: string | undefined): Why | undefined =>
  message === undefined ? undefined : { reason: 'Contested', message };

const whyNotRecovered = (restored: boolean, burning: boolean | undefined): Why => {
  if (!restored) return { reason: 'RolloutFailed', message: 'the pods of the restored release are not ready' };
  const message = burning
    ? 'the error budget is still burning'
    : 'Prometheus could not say whether the error budget still burns';
  return { reason: 'NotRecovered', message };
};
