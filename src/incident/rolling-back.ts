import { parseDuration } from '../api/common.ts';
import type { Incident } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { supersededBy } from './ends.ts';
import { enteredPhase, move, type Step, stay } from './move.ts';
import type { Observation } from './observation.ts';
import { JUDGE_FOR_MS, lookAgain, lookAgainForPerson, REQUEUE_MS } from './timing.ts';

/** From the stored intent until the target is applied. */
export const rollingBack = (incident: Incident, observed: Observation, now: number): Step => {
  const { hold } = observed;
  const status = incident.status ?? {};
  const dismiss = (reason: Reason, message: string): Step =>
    move(incident, now, { phase: 'Dismissed', reason, message });
  const newer = supersededBy(incident, observed);
  if (newer !== undefined) return dismiss('Superseded', `release ${newer} came before the rollback`);
  if (!hold && status.holdRef) return dismiss('HoldLifted', `a person lifted Hold ${status.holdRef.name}`);
  if (!hold) return { status, writeHold: true, again: REQUEUE_MS };
  const more = { holdRef: { name: hold.metadata.name } };
  const said = hold.status?.conditions?.find((c) => c.type === 'Held')?.message ?? '';
  if (hold.status?.phase === 'Held') {
    const rolledBackTime = hold.status.appliedTime ?? new Date(now).toISOString();
    return move(incident, now, {
      phase: 'Verifying',
      reason: 'RolledBack',
      message: said,
      more: { ...more, rolledBackTime },
      again: REQUEUE_MS,
    });
  }
  if (hold.status?.phase === 'Dormant')
    return dismiss('Superseded', 'a release that is not rejected came before the rollback');
  const age = now - (enteredPhase(status) ?? now);
  if (hold.status?.phase !== 'Failed' && age < JUDGE_FOR_MS)
    return { status: { ...status, ...more }, writeHold: false, again: REQUEUE_MS };
  if (!observed.firing) return dismiss('HoldFailed', `its alerts ended; ${said}`);
  const message = said === '' ? `Hold ${hold.metadata.name} is not obeyed yet` : said;
  const again = lookAgainForPerson(age);
  return move(incident, now, { phase: 'RollingBack', reason: 'HoldFailed', message, needsPerson: true, more, again });
};

/** From the applied target until its pods are ready and the burn ended. */
export const verifying = (incident: Incident, observed: Observation, now: number): Step => {
  const status = incident.status ?? {};
  const close = (phase: 'Recovered' | 'Dismissed', reason: Reason, message: string): Step =>
    move(incident, now, { phase, reason, message });
  const newer = supersededBy(incident, observed);
  if (newer !== undefined) return close('Dismissed', 'Superseded', `release ${newer} came after the rollback`);
  if (!observed.hold)
    return close('Dismissed', 'HoldLifted', `a person lifted Hold ${status.holdRef?.name} after the rollback`);
  if (observed.restored && observed.burning === false)
    return close('Recovered', 'Recovered', 'the pods are back and the budget no longer burns');
  const since = Math.max(Date.parse(status.rolledBackTime ?? '') || now, enteredPhase(status) ?? 0);
  const age = now - since;
  if (age < parseDuration(observed.policy.verifyTimeout)) return stay(incident, lookAgain(age));
  return move(incident, now, {
    phase: 'Verifying',
    needsPerson: true,
    again: lookAgainForPerson(age),
    ...whyNotRecovered(observed),
  });
};

const whyNotRecovered = ({ restored, burning }: Observation): { reason: Reason; message: string } => {
  if (!restored) return { reason: 'RolloutFailed', message: 'the pods of the restored release are not ready' };
  const message = burning
    ? 'the error budget is still burning'
    : 'Prometheus could not say whether the error budget still burns';
  return { reason: 'NotRecovered', message };
};
