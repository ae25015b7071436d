import { conditionOf } from '../api/conditions.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Reason } from '../api/reasons.ts';
import { addressOf } from '../api/source.ts';
import { type Notice, noticeOf } from './notice.ts';

/** That it came to be ready, or not, and that a part of a revision is held, as far as it began after that time. Pure. */
export const noticesOfGitSync = (sync: GitSync, since: number): Notice[] => [
  ...readiness(sync, since),
  ...held(sync, since),
];

const readiness = (sync: GitSync, since: number): Notice[] => {
  const ready = conditionOf(sync, 'Ready');
  const isWaiting = ready?.reason === ('Progressing' satisfies Reason);
  if (!ready || ready.status === 'Unknown' || isWaiting || Date.parse(ready.lastTransitionTime) <= since) return [];
  const { reason, message, lastTransitionTime: time } = ready;
  const severity = ready.status === 'True' ? 'info' : 'warning';
  return [noticeOf(sync, 'GitSync', { time, reason, severity, message, revision: sync.status?.lastAttemptedRevision })];
};

/** A later commit that leaves the rejected part as it is does not run either, and says so. */
const held = (sync: GitSync, since: number): Notice[] => {
  const { heldRevision: revision, heldRevisionTime: time, held: entries = [] } = sync.status ?? {};
  if (revision === undefined || time === undefined || Date.parse(time) <= since) return [];
  const sha = revision.slice(revision.lastIndexOf('@') + 1);
  const { namespace: syncNamespace = '' } = sync.metadata;
  const repository = addressOf(sync.spec.source);
  const commits = entries.map(({ workloadRef: { kind, name }, holdRef, targetRelease }) => ({
    sha,
    repository,
    syncNamespace,
    workload: { kind, name },
    state: 'failure' as const,
    description: `held out by Hold ${holdRef.name}: release ${targetRelease} of ${kind} ${name} runs instead`,
  }));
  const message = conditionOf(sync, 'Held')?.message ?? 'a part of the revision is held back';
  return [noticeOf(sync, 'GitSync', { time, reason: 'ReleaseHeld', severity: 'warning', message, revision, commits })];
};
