import type { Incident, Verdict } from '../api/incident.ts';
import { irreversibleSince } from '../release/index.ts';
import { waitForAnswer } from './consent.ts';
import { cooldownOf } from './cooldown.ts';
import { decideTogether } from './decide-together.ts';
import { HOUR_MS, reachedLimit } from './limits.ts';
import { ask, move, type Next } from './move.ts';
import type { Observation } from './observation.ts';
import type { Proposal } from './proposal.ts';
import { REQUEUE_MS } from './timing.ts';
import type { Ways } from './ways.ts';

/** The release is guilty: whether it is rolled back, by whom, and when. */
export const decideRollback = (
  incident: Incident,
  observed: Observation,
  { verdict, proposal, ...ways }: Ways & { verdict: Verdict; proposal: Proposal | undefined },
): Next => {
  const { now, close, wait, askPerson } = ways;
  const { policy, target } = observed;
  if (!target.release) return askPerson(target.reason, target.message);
  if (!proposal) return askPerson('NoHistory', 'the incident names no release under suspicion');
  if (!observed.isTargetFit) return ask('Target');
  const to = target.release;
  const from = incident.spec.suspect?.number;
  const which = verdict.sinceRelease === undefined ? `release ${from}` : `releases ${verdict.sinceRelease} to ${from}`;
  const what = `${which} back to release ${to.number}`;
  if (observed.otherTool !== undefined)
    return close('Observed', 'OwnedByOtherTool', `${observed.otherTool} would undo it; would have rolled ${what}`);
  if (policy.mode === 'DryRun') return close('Observed', 'ModeDryRun', `would have rolled ${what}: ${verdict.message}`);
  const irreversible = irreversibleSince(to, from, observed.history.releases ?? []);
  if (irreversible) {
    const why = `release ${irreversible.number} is irreversible (${irreversible.irreversible})`;
    return askPerson('Irreversible', `${why}; to roll ${what} all the same, create Hold ${proposal.name}`);
  }
  const lastHour = observed.rollbacks.filter((at) => now - at < HOUR_MS);
  if (lastHour.length >= policy.maxPerHour) {
    const message = `${lastHour.length} rollbacks in the last hour; maxPerHour is ${policy.maxPerHour}`;
    return askPerson('TooManyRollbacks', message);
  }
  if (observed.sharedLimits === undefined) return ask('Limits');
  const reached = reachedLimit(observed.sharedLimits);
  if (reached !== undefined) return askPerson('TooManyRollbacks', reached);
  const cooldown = cooldownOf(incident, observed);
  if (cooldown && now < cooldown.until)
    return wait('Cooldown', cooldown.message, Math.min(cooldown.until - now, 30_000));
  const waiting = waitForAnswer(incident, observed, ways, { what, hold: proposal.name });
  if (waiting) return waiting;
  const together = decideTogether(observed, ways);
  if (together) return together;
  return move(incident, now, {
    phase: 'RollingBack',
    reason: 'ErrorRateIncreased',
    message: `rolling ${what}: ${verdict.message}`,
    more: {
      mode: policy.mode,
      verdict,
      proposal,
      dueTime: undefined,
      target: {
        number: to.number,
        sourceDigest: to.sourceDigest,
        snapshotRef: to.snapshotRef,
        ...(to.revision === undefined ? {} : { revision: to.revision }),
        ...(to.commit === undefined ? {} : { commit: to.commit }),
      },
    },
    createHold: true,
    again: REQUEUE_MS,
  });
};
