import { annotations } from '../../api/annotations.ts';
import type { GitSync, GitSyncStatus } from '../../api/gitsync.ts';
import type { Occurred } from '../../api/occurrence.ts';
import type { Clock } from '../../clock.ts';
import { type KubeClient, resources } from '../../kube/index.ts';
import { hashOf } from '../../snapshot/index.ts';
import { isOlder, type SyncState } from '../state/sync-state.ts';
import type { AppliedOutcome, SyncOutcome } from './outcome.ts';
import { statusOf } from './status.ts';

export type Report = (sync: GitSync, state: SyncState, outcome: SyncOutcome) => Promise<void>;

/** Writes what a sync came to into its status, where that is news, and tells it in an event. */
export const createReport = ({
  client,
  clock,
  occurred,
  isAwaited,
}: {
  client: KubeClient;
  clock: Clock;
  occurred: Occurred;
  /** Whether its source was asked, and has not answered yet. */
  isAwaited: (sync: GitSync) => boolean;
}): Report => {
  /** What was applied and not said yet, for its health was waited for. */
  const unsaid = new WeakMap<SyncState, AppliedOutcome>();
  return async (sync, state, ended) => {
    const outcome = withUnsaid(ended, unsaid.get(state));
    if (outcome.kind === 'waiting' && outcome.quiet) {
      if (outcome.of.kind === 'applied') unsaid.set(state, outcome.of);
      return;
    }
    const last = lastStatusOf(sync, state, clock.now());
    // What a person asked for is done with the answer of the source, whatever else is said before.
    const said = isAwaited(sync) ? withoutRequest(sync) : sync;
    const status = statusOf({ ...said, status: last }, state, outcome, clock.now());
    const { lastSyncTime: _, ...before } = last;
    const { lastSyncTime: __, ...after } = withoutNulls({ ...last, ...status });
    if (hashOf(before) === hashOf(after)) return void unsaid.delete(state);
    const patch = { type: 'merge', body: { status } } as const;
    const written = await client.patch<GitSync>(resources.gitSyncs, sync.metadata, patch, { subresource: 'status' });
    unsaid.delete(state);
    const { uid = '', resourceVersion = '' } = written.metadata;
    state.written = { uid, resourceVersion, at: clock.now(), status: written.status ?? {} };
    const ready = status.conditions?.find((c) => c.type === 'Ready');
    const was = last.conditions?.find((c) => c.type === 'Ready');
    if (ready && (ready.status !== was?.status || ready.message !== was?.message) && outcome.kind !== 'waiting') {
      occurred({
        regarding: sync,
        severity: ready.status === 'True' ? 'info' : 'warning',
        reason: ready.reason,
        action: 'Sync',
        message: ready.message,
        revision: status.lastAttemptedRevision ?? undefined,
      });
    }
  };
};

/** Nothing new came since that was applied: its end is the end of both. */
const withUnsaid = (outcome: SyncOutcome, unsaid: AppliedOutcome | undefined): SyncOutcome => {
  if (outcome.kind === 'unchanged') return unsaid ? { ...unsaid, ...outcome, kind: 'applied' } : outcome;
  if ((outcome.kind === 'waiting' || outcome.kind === 'failed') && outcome.of)
    return { ...outcome, of: withUnsaid(outcome.of, unsaid) };
  return outcome;
};

const withoutRequest = (sync: GitSync): GitSync => {
  const { [annotations.requestedAt]: _, ...rest } = sync.metadata.annotations ?? {};
  return { ...sync, metadata: { ...sync.metadata, annotations: rest } };
};

/** As it was written last, also while the watch shows an older copy: what that one says would be written once again. */
const lastStatusOf = ({ metadata, status = {} }: GitSync, { written }: SyncState, now: number): GitSyncStatus =>
  written && written.uid === metadata.uid && isOlder(metadata, written, now) ? written.status : status;

/** In a merge patch null takes a field off. */
const withoutNulls = <T extends object>(status: T): T =>
  Object.fromEntries(Object.entries(status).filter(([, value]) => value !== null)) as T;
