import type { Condition } from '../api/common.ts';
import { conditionOf } from '../api/conditions.ts';
import { type Hold, isRollback, type RollbackHold } from '../api/hold.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { releasesOf } from '../api/release-history.ts';
import { rejects, workloadOf } from '../holds/index.ts';
import type { CommitsOf } from './commits.ts';
import { type CommitNote, type Notice, noticeOf } from './notice.ts';

/** That its target runs, that a fix does, and what keeps it from that, as far as it began after that time. Pure. */
export const noticesOfHold = (
  hold: Hold,
  since: number,
  { history, commitsOf }: { history: ReleaseHistory | undefined; commitsOf: CommitsOf },
): Notice[] => {
  if (!isRollback(hold)) return [];
  const { phase } = hold.status ?? {};
  const held = conditionOf(hold, 'Held');
  const found: Notice[] = [];
  const add = (condition: Condition | undefined, severity: Notice['severity'], commits: CommitNote[] = []): void => {
    if (condition && Date.parse(condition.lastTransitionTime) > since)
      found.push(ofCondition(hold, condition, severity, commits));
  };
  const { release } = hold.spec.target;
  if (phase === 'Held')
    add(
      held,
      'warning',
      commitsOf(
        workloadOf(hold),
        rejectedIn(hold, history),
        'failure',
        `release ${release} runs instead: ${held?.message}`,
      ),
    );
  if (phase === 'Dormant') {
    const current = history?.spec.currentRelease;
    add(
      held,
      'info',
      commitsOf(
        workloadOf(hold),
        current === undefined ? [] : [current],
        'success',
        `release ${current} runs: it is not rejected`,
      ),
    );
  }
  for (const type of ['Stalled', 'Overdue', 'Contested']) {
    const condition = conditionOf(hold, type);
    if (condition?.status === 'True') add(condition, 'warning');
  }
  return found;
};

const ofCondition = (
  hold: RollbackHold,
  { reason, message, lastTransitionTime }: Condition,
  severity: Notice['severity'],
  commits: CommitNote[],
): Notice =>
  noticeOf(hold, 'Hold', {
    time: lastTransitionTime,
    reason,
    severity,
    message,
    workload: hold.spec.workloadRef,
    incident: hold.spec.incidentRef?.name,
    targetRelease: hold.spec.target.release,
    commits,
  });

const rejectedIn = (hold: RollbackHold, history: ReleaseHistory | undefined): number[] =>
  releasesOf(history)
    .filter(({ sourceDigest }) => rejects(hold, sourceDigest))
    .map(({ number }) => number);
