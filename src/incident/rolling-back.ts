import type { RollbackHold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { isLiftedSince, supersededBy } from './ends.ts';
import { following, stateOf } from './hold-state.ts';
import { ask, enteredPhase, move, type Next } from './move.ts';
import type { Observation } from './observation.ts';
import { lookAgainForPerson, REQUEUE_MS, ROLL_BACK_FOR_MS } from './timing.ts';

/**
 * From the stored intent until the target is applied. What takes too long, or is refused, needs a person, and goes on
 * by itself when it succeeds after all.
 */
export const rollingBack = (incident: Incident, observed: Observation, now: number): Next => {
  const { hold } = observed;
  const { holdRef } = incident.status ?? {};
  const newer = supersededBy(incident, observed);
  if (newer !== undefined) return dismiss(incident, now, 'Superseded', `release ${newer} came before the rollback`);
  if (hold) return follow(incident, hold, observed, now);
  if (holdRef) return dismiss(incident, now, 'HoldLifted', `a person lifted Hold ${holdRef.name}`);
  if (isLiftedSince(observed, enteredPhase(incident.status ?? {})))
    return dismiss(incident, now, 'HoldLifted', 'a person lifted the Hold of the release');
  return create(incident, observed, now);
};

/** Until the Hold is there: a crash or a refusal may have come between. */
const create = (incident: Incident, observed: Observation, now: number): Next => {
  const { refusal } = observed;
  const { proposal, ...status } = incident.status ?? {};
  if (!proposal) {
    const message = 'the Hold that it proposed is gone from its status; to roll back: metricops rollback';
    return askPerson(incident, observed, { now, reason: 'HoldFailed', message });
  }
  // A person may have lifted the release since: what the watch shows may be older than that.
  if (!observed.isTargetFit) return ask('Target');
  if (!refusal?.isFinal && ageOf(incident, now) < ROLL_BACK_FOR_MS)
    return { status: { proposal, ...status }, createHold: true, again: REQUEUE_MS };
  const message = `Hold ${proposal.name} is not created: ${refusal?.message ?? 'the API server does not show it'}`;
  return askPerson(incident, observed, { now, reason: 'HoldFailed', message, createHold: true });
};

const follow = (incident: Incident, hold: RollbackHold, observed: Observation, now: number): Next => {
  const more = following(incident, hold);
  const { phase, message: said, contested } = stateOf(hold);
  const { name } = hold.metadata;
  if (phase === 'Held') {
    const rolledBackTime = hold.status?.appliedTime ?? new Date(now).toISOString();
    return move(incident, now, {
      phase: 'Verifying',
      reason: 'RolledBack',
      message: said,
      more: { ...more, rolledBackTime },
      again: REQUEUE_MS,
    });
  }
  if (phase === 'Dormant')
    return dismiss(incident, now, 'Superseded', 'a release that is not rejected came before the rollback');
  if (contested !== undefined)
    return askPerson(incident, observed, { now, reason: 'Contested', message: contested, more });
  if (phase === 'Failed')
    return askPerson(incident, observed, { now, reason: 'HoldFailed', message: said || `Hold ${name} failed`, more });
  if (ageOf(incident, now) < ROLL_BACK_FOR_MS)
    return { status: { ...incident.status, ...more }, createHold: false, again: REQUEUE_MS };
  const message = `Hold ${name} is not applied after ${ROLL_BACK_FOR_MS / 60_000} minutes${said ? `: ${said}` : ''}`;
  return askPerson(incident, observed, { now, reason: 'HoldFailed', message, more });
};

/** Stays open for as long as its alerts fire: what succeeds late is still verified. */
const askPerson = (
  incident: Incident,
  { firing }: Observation,
  { now, ...why }: Pick<Parameters<typeof move>[2], 'reason' | 'message' | 'more' | 'createHold'> & { now: number },
): Next => {
  if (!firing) return dismiss(incident, now, why.reason, `its alerts ended; ${why.message}`);
  const again = lookAgainForPerson(ageOf(incident, now));
  return move(incident, now, { phase: 'RollingBack', needsPerson: true, again, ...why });
};

const dismiss = (incident: Incident, now: number, reason: Reason, message: string): Next =>
  move(incident, now, { phase: 'Dismissed', reason, message });

const ageOf = ({ status }: Incident, now: number): number => now - (enteredPhase(status ?? {}) ?? now);
