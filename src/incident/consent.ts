import { parseDuration } from '../api/common.ts';
import type { Incident } from '../api/incident.ts';
import { dueOf } from './due.ts';
import type { Next } from './move.ts';
import type { Observation } from './observation.ts';
import type { Ways } from './ways.ts';

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
  return caution === undefined
    ? countdown(incident, observed, ways, what)
    : ways.askPerson('AwaitingApproval', `${caution}; ${ask}`);
};

const approval = (
  incident: Incident,
  { policy, caution }: Observation,
  { now, close, askPerson }: Ways,
  { what, ask }: { what: string; ask: string },
): Next | undefined => {
  const { timeout, action } = policy.approval ?? {};
  const message = `the mode is Approve; ${ask}`;
  // What nobody vouches for is rolled back by a person or not at all.
  if (timeout === undefined || (action === 'RollBack' && caution !== undefined))
    return askPerson('AwaitingApproval', message);
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
