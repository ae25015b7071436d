import type { RollbackHold } from '../api/hold.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import { isReason, type Reason } from '../api/reasons.ts';
import { currentOf } from '../api/release-history.ts';
import { comesBefore } from './arbiter.ts';
import { decideRollback } from './decide-rollback.ts';
import { supersededBy } from './ends.ts';
import { lastBegan } from './evidence.ts';
import { following, stateOf } from './hold-state.ts';
import { ask, move, type Next } from './move.ts';
import type { Observation } from './observation.ts';
import { proposalOf } from './proposal.ts';
import { JUDGE_FOR_MS, LOOK_AGAIN_MS, lookAgain, PAUSE_FOR_MS, REQUEUE_MS } from './timing.ts';
import { type Ways, waysOf } from './ways.ts';

/** A verdict of innocence is believed when it holds for this long, or when the alert ends. */
const NOT_GUILTY_FOR_MS = 60_000;

/** From the first evidence to a verdict, and from there to a rollback or to a person. */
export const judging = (incident: Incident, observed: Observation, now: number): Next => {
  const { verdict, policy, hold } = observed;
  const proposal = verdict?.result === 'Guilty' ? proposalOf(incident, observed) : undefined;
  const more: Partial<IncidentStatus> = {
    mode: policy.mode,
    ...(verdict ? { verdict } : {}),
    proposal,
    dueTime: undefined,
  };
  const ways = waysOf(incident, observed, more, now);
  const { wait, askPerson, close } = ways;
  const age = now - observed.opened;
  const stop = guardrail(incident, observed, ways);
  if (stop) return stop;
  if (hold) return followHold(incident, hold, observed.opened, ways);
  if (!verdict) return ask('Verdict');
  const { waiting } = observed;
  if (waiting && observed.firing && comesBefore(waiting, verdict))
    return wait(waiting.reason, waiting.message, lookAgain(age));
  const reason = isReason(verdict.reason) ? verdict.reason : 'NoData';
  if (verdict.result === 'Inconclusive') {
    if (age < JUDGE_FOR_MS && observed.firing) return wait(reason, verdict.message, lookAgain(age));
    return askPerson(reason, verdict.message);
  }
  if (verdict.result === 'NotGuilty') {
    // A burn that pauses may come back as long as its alert fires.
    const believedAfter = reason === 'BurnEnded' ? PAUSE_FOR_MS : NOT_GUILTY_FOR_MS;
    if (age < believedAfter && observed.firing) return wait(reason, verdict.message, LOOK_AGAIN_MS);
    return close('Dismissed', reason, verdict.message);
  }
  return decideRollback(incident, observed, { ...ways, verdict, proposal });
};

/** What settles the matter before any evidence is weighed. */
const guardrail = (incident: Incident, observed: Observation, { now, askPerson, close }: Ways): Next | undefined => {
  const { suspect, evidence } = incident.spec;
  const current = currentOf(observed.history);
  if (!current) return askPerson('NoHistory', 'no release of this workload is recorded');
  const newer = supersededBy(incident, observed);
  if (newer !== undefined) {
    const what = suspect ? `release ${suspect.number} was superseded by` : 'the workload has a recorded release now:';
    return close('Dismissed', 'Superseded', `${what} release ${newer} before a verdict`);
  }
  if (current.outcome === 'Accepted')
    return close('Dismissed', 'ReleaseAccepted', `a person accepted release ${current.number}`);
  const { liftedTime } = current;
  if (liftedTime !== undefined && evidence.every((e) => isBefore(lastBegan(e) ?? e.receivedTime, liftedTime))) {
    const message = `a person lifted the Hold of release ${current.number} at ${liftedTime}; all evidence began before`;
    return close('Dismissed', 'HoldLifted', message);
  }
  if (observed.hold) return undefined;
  if (observed.isRollbackResult) {
    const message = `release ${current.number} is itself the result of a rollback; nothing is rolled back twice`;
    return askIfItBurns(incident, observed, { reason: 'RollbackOfRollback', message }, now);
  }
  if (observed.policy.mode === 'Off') return close('Observed', 'ModeOff', 'the mode is Off');
  if (observed.paused) {
    const message = 'metricops.dev/pause is set on the workload';
    return askIfItBurns(incident, observed, { reason: 'Paused', message }, now);
  }
  return undefined;
};

/**
 * A person, whatever the verdict says: of it counts only that nothing burns any more. An alert whose end nobody reported
 * is no reason to ask.
 */
const askIfItBurns = (
  incident: Incident,
  observed: Observation,
  { reason, message }: { reason: Reason; message: string },
  now: number,
): Next | undefined => {
  const { verdict, policy } = observed;
  if (!verdict) return ask('Verdict');
  if (verdict.result === 'NotGuilty' && NO_BURN.has(verdict.reason)) return undefined;
  return waysOf(incident, observed, { mode: policy.mode, dueTime: undefined }, now).askPerson(reason, message);
};

const NO_BURN: ReadonlySet<string> = new Set<Reason>(['NotBurning', 'BurnEnded']);

const isBefore = (time: string, other: string): boolean => Date.parse(time) <= Date.parse(other);

/** The release is kept out already: the incident goes on as if it had written that Hold. */
const followHold = (incident: Incident, hold: RollbackHold, opened: number, { now, wait, askPerson }: Ways): Next => {
  const { name } = hold.metadata;
  if (stateOf(hold).phase === 'Dormant') {
    // It is about to be obeyed again: what it rejects has just become current.
    const message = `Hold ${name} keeps the release out, and does not act yet`;
    return now - opened < JUDGE_FOR_MS ? wait('Progressing', message, REQUEUE_MS) : askPerson('HoldFailed', message);
  }
  return move(incident, now, {
    phase: 'RollingBack',
    reason: 'ReleaseHeld',
    message: `Hold ${name} takes release ${incident.spec.suspect?.number} back to ${hold.spec.target.release}`,
    more: { ...following(incident, hold), dueTime: undefined },
    again: REQUEUE_MS,
  });
};
