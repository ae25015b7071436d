import type { Incident, IncidentStatus, Verdict } from '../api/incident.ts';
import type { RestorableRelease } from '../api/release-history.ts';
import { irreversibleSince } from '../release/index.ts';
import { actsByItself, waitForAnswer } from './consent.ts';
import { cooldownOf } from './cooldown.ts';
import { decideTogether } from './decide-together.ts';
import { HOUR_MS, reachedLimit } from './limits.ts';
import { ask, move, type Next } from './move.ts';
import type { Observation } from './observation.ts';
import type { Proposal } from './proposal.ts';
import { waitForSilence } from './silenced.ts';
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
  const what = whatOf(incident, verdict, to);
  if (observed.otherTool !== undefined)
    return close('Observed', 'OwnedByOtherTool', `${observed.otherTool} would undo it; would have rolled ${what}`);
  if (policy.mode === 'DryRun') return close('Observed', 'ModeDryRun', `would have rolled ${what}: ${verdict.message}`);
  const irreversible = irreversibleSince(to, incident.spec.suspect?.number, observed.history.releases ?? []);
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
  if (actsByItself(observed)) {
    if (observed.silence === undefined) return ask('Silence');
    const silenced = waitForSilence(observed.silence, ways, { what, hold: proposal.name });
    if (silenced) return silenced;
  }
  const waiting =
    waitForAnswer(incident, observed, ways, { what, hold: proposal.name }) ?? decideTogether(observed, ways);
  if (waiting) return waiting;
  return move(incident, now, {
    phase: 'RollingBack',
    reason: 'ErrorRateIncreased',
    message: `rolling ${what}: ${verdict.message}`,
    more: {
      mode: policy.mode,
      verdict,
      proposal,
      dueTime: undefined,
      target: targetOf(to),
    },
    createHold: true,
    again: REQUEUE_MS,
  });
};

/** `release 3 back to release 2`; of several releases `releases 2 to 3 back to release 1`. */
const whatOf = ({ spec }: Incident, { sinceRelease }: Verdict, to: RestorableRelease): string => {
  const from = spec.suspect?.number;
  const which = sinceRelease === undefined ? `release ${from}` : `releases ${sinceRelease} to ${from}`;
  return `${which} back to release ${to.number}`;
};

const targetOf = (to: RestorableRelease): IncidentStatus['target'] => ({
  number: to.number,
  sourceDigest: to.sourceDigest,
  snapshotRef: to.snapshotRef,
  ...(to.revision === undefined ? {} : { revision: to.revision }),
  ...(to.commit === undefined ? {} : { commit: to.commit }),
});
