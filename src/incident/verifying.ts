import { parseDuration } from '../api/common.ts';
import type { RollbackHold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { putBack, putBackCommand } from './correction.ts';
import { supersededBy } from './ends.ts';
import { following, stateOf } from './hold-state.ts';
import { imageNotPulled } from './image-not-pulled.ts';
import { misjudged } from './misjudged.ts';
import { ask, enteredPhase, move, type Next, stay } from './move.ts';
import type { Observation } from './observation.ts';
import { lookAgain, lookAgainForPerson, REQUEUE_MS } from './timing.ts';

/** From the applied target until its pods are ready and the burn ended. */
export const verifying = (incident: Incident, observed: Observation, now: number): Next => {
  const status = incident.status ?? {};
  const { hold, restored } = observed;
  const dismiss = (reason: Reason, message: string): Next =>
    move(incident, now, { phase: 'Dismissed', reason, message });
  const newer = supersededBy(incident, observed);
  if (newer !== undefined) return dismiss('Superseded', `release ${newer} came after the rollback`);
  if (status.correction?.action === 'PutBack') return putBack(incident, observed, now);
  if (!hold) return dismiss('HoldLifted', `a person lifted Hold ${status.holdRef?.name} after the rollback`);
  const elsewhere = followElsewhere(incident, hold, now);
  if (elsewhere) return elsewhere;
  if (restored && observed.burning === undefined) return ask('Burning');
  const burning = isBurning(observed);
  if (restored && burning === false) return recovered(incident, observed, now);
  const since = Math.max(Date.parse(status.rolledBackTime ?? '') || now, enteredPhase(status) ?? 0);
  const age = now - since;
  const { contested } = stateOf(hold);
  const unpulled = restored ? undefined : imageNotPulled(incident, observed, { hold, age, now });
  if (unpulled) return unpulled;
  const isOverdue = age >= parseDuration(observed.policy.verifyTimeout);
  if (contested === undefined && !isOverdue) return waiting(incident, age, now);
  const wrong = contested === undefined ? misjudged(incident, observed, { hold, age, now }) : undefined;
  if (wrong) return wrong;
  const why = contestedBy(contested) ?? whyNotRecovered(restored, burning);
  return move(incident, now, { phase: 'Verifying', needsPerson: true, again: lookAgainForPerson(age), ...why });
};

/** The Hold goes to another release now, or could not be obeyed. */
const followElsewhere = (incident: Incident, hold: RollbackHold, now: number): Next | undefined => {
  const { phase, message, contested } = stateOf(hold);
  const { release, sourceDigest } = hold.spec.target;
  const isElsewhere = sourceDigest !== incident.status?.target?.sourceDigest;
  if (!isElsewhere && phase !== 'Failed') return undefined;
  const why = isElsewhere
    ? ({ reason: 'ReleaseHeld', message: `Hold ${hold.metadata.name} goes to release ${release} now` } as const)
    : (contestedBy(contested) ?? ({ reason: 'HoldFailed', message } as const));
  const more = { ...following(incident, hold), misjudgedTime: undefined };
  return move(incident, now, { phase: 'RollingBack', ...why, needsPerson: !isElsewhere, more, again: REQUEUE_MS });
};

/** For as long as it has time. */
const waiting = (incident: Incident, age: number, now: number): Next => {
  const { reason, target } = incident.status ?? {};
  const again = lookAgain(age);
  if (reason !== 'ImagePullFailed') return stay(incident, again);
  const message = `the pods of release ${target?.number} get their image now`;
  return move(incident, now, { phase: 'Verifying', reason: 'RolledBack', message, again });
};

const recovered = (incident: Incident, observed: Observation, now: number): Next => {
  const { status, spec } = incident;
  if (status?.misjudgedTime === undefined) {
    const message = 'the pods are back and the budget no longer burns';
    return move(incident, now, { phase: 'Recovered', reason: 'Recovered', message });
  }
  const message = `the budget no longer burns, but release ${status.target?.number} burned as well; release ${spec.suspect?.number} is still held; to run it again: ${putBackCommand(incident, observed)}`;
  return move(incident, now, { phase: 'Dismissed', reason: 'Misjudged', message });
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
