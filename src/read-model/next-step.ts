import type { Incident } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { needsPerson } from '../incident/index.ts';

/**
 * What a person would do next about an incident.
 * ApproveOrDeny: answer the proposal. Resume: the workload is paused. Decide: roll back by hand, or deny. FindOtherCause:
 * the rollback did not help. RunNewerAgain: the verdict was wrong. ChooseRelease: the target can not start. FixInGit:
 * another commit takes the place of the held release. SetMode: let metricops act next time.
 */
export type NextStep =
  | 'ApproveOrDeny'
  | 'Resume'
  | 'Decide'
  | 'FindOtherCause'
  | 'RunNewerAgain'
  | 'ChooseRelease'
  | 'FixInGit'
  | 'SetMode';

/** For these a person answers what the incident proposes. */
const APPROVABLE: readonly (string | undefined)[] = [
  'AwaitingApproval',
  'Irreversible',
  'ChangeFreeze',
  'InvalidFreeze',
  'AlertmanagerUnreachable',
  'TooManyRollbacks',
] satisfies Reason[];

/** undefined: metricops goes on by itself, or there is nothing to do. */
export const nextStepOf = ({ status }: Pick<Incident, 'status'>): NextStep | undefined => {
  if (needsPerson({ status })) {
    if (APPROVABLE.includes(status?.reason)) return 'ApproveOrDeny';
    if (status?.reason === 'Paused') return 'Resume';
    if (status?.reason === 'Misjudged') return 'RunNewerAgain';
    if (status?.reason === 'ImagePullFailed') return 'ChooseRelease';
    return status?.phase === 'Verifying' ? 'FindOtherCause' : 'Decide';
  }
  if (status?.phase === 'Recovered') return 'FixInGit';
  if (status?.phase === 'Observed') return 'SetMode';
  return undefined;
};
