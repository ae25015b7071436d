import type { Incident } from '../api/incident.ts';
import { needsPerson } from '../incident/index.ts';

/**
 * What a person would do next about an incident.
 * ApproveOrDeny: answer the proposal. Decide: roll back by hand, or deny. FindOtherCause: the rollback did not help.
 * FixInGit: another commit takes the place of the held release. SetMode: let metricops act next time.
 */
export type NextStep = 'ApproveOrDeny' | 'Decide' | 'FindOtherCause' | 'FixInGit' | 'SetMode';

/** undefined: metricops goes on by itself, or there is nothing to do. */
export const nextStepOf = ({ status }: Pick<Incident, 'status'>): NextStep | undefined => {
  if (needsPerson({ status })) {
    if (status?.reason === 'AwaitingApproval' || status?.reason === 'Irreversible') return 'ApproveOrDeny';
    return status?.phase === 'Verifying' ? 'FindOtherCause' : 'Decide';
  }
  if (status?.phase === 'Recovered') return 'FixInGit';
  if (status?.phase === 'Observed') return 'SetMode';
  return undefined;
};
