import { parseDuration } from '../api/common.ts';
import type { Incident } from '../api/incident.ts';
import { frozenAt } from '../policy/freeze.ts';
import { dueOf } from './due.ts';
import type { Next } from './move.ts';
import type { Observation } from './observation.ts';
import type { Ways } from './ways.ts';

/** Nobody has to agree, now or when the time for an answer is over. */
export const actsByItself = ({ policy: { mode, approval }, caution }: Observation): boolean =>
  caution === undefined && (mode === 'Auto' || (mode === 'Approve' && approval?.action === 'RollBack'));

/**
 * Waits for a person who agrees, or for the time to pass in which a person may object. undefined: there is nothing to wait
 * for, and the rollback begins.
 *
 * @param what is rolled back, in words
 * @param hold name of the proposed Hold
 */
export const waitForAnswer = (
  incident: Incident,
  observed: Observation,
  ways: Ways,
  { what, hold }: { what: string; hold: string },
): Next | undefined => {
  const { policy, caution } = observed;
  const ask = `to roll ${what}, create Hold ${hold} as status.proposal has it`;
  if (policy.mode === 'Approve') return approval(incident, observed, ways, { what, ask });
  if (caution !== undefined) return ways.askPerson('AwaitingApproval', `${caution}; ${ask}`);
  return freeze(observed, ways, ask) ?? countdown(incident, observed, ways, what);
};

/** What metricops would do by itself is a person's decision in a change freeze. */
const freeze = ({ policy }: Observation, { now, askPerson }: Ways, ask: string): Next | undefined => {
  const frozen = frozenAt(policy.freeze, now);
  if (!frozen) return undefined;
  const { what, until } = frozen;
  const end = until === undefined ? 'has no end in sight' : `ends at ${iso(until)}, then it is decided again`;
  return askPerson(frozen.isRead ? 'ChangeFreeze' : 'InvalidFreeze', `${what} ${end}; ${ask}`, until);
};

const approval = (
  incident: Incident,
  observed: Observation,
  ways: Ways,
  { what, ask }: { what: string; ask: string },
): Next | undefined => {
  const { policy, caution } = observed;
  const { now, close, askPerson } = ways;
  const { timeout, action } = policy.approval ?? {};
  const message = `the mode is Approve; ${ask}`;
  // What nobody vouches for is rolled back by a person or not at all.
  if (timeout === undefined || (action === 'RollBack' && caution !== undefined))
    return askPerson('AwaitingApproval', message);
  const frozen = action === 'RollBack' ? freeze(observed, ways, ask) : undefined;
  if (frozen) return frozen;
  const due = dueOf(incident, 'AwaitingApproval', now, parseDuration(timeout));
  const then = action === 'RollBack' ? 'it is rolled back' : 'the incident is closed';
  if (now < due) return askPerson('AwaitingApproval', `${message}; without an answer until ${iso(due)} ${then}`, due);
  if (action === 'RollBack') return undefined;
  return close('Dismissed', 'ApprovalTimedOut', `nobody answered within ${timeout}; would have rolled ${what}`);
};

const countdown = (
  incident: Incident,
  { policy }: Observation,
  { now, wait }: Ways,
  what: string,
): Next | undefined => {
  const due = dueOf(incident, 'Countdown', now, parseDuration(policy.countdown));
  if (now >= due) return undefined;
  const cancel = `metricops deny ${incident.metadata.name} -n ${incident.metadata.namespace}`;
  return wait('Countdown', `rolling ${what} at ${iso(due)}; to cancel: ${cancel}`, Math.min(due - now, 15_000), due);
};

const iso = (time: number): string => new Date(time).toISOString();
