import type { GitSync } from '../../api/gitsync.ts';
import type { Occurred } from '../../api/occurrence.ts';
import type { Clock } from '../../clock.ts';
import { type KubeClient, resources } from '../../kube/index.ts';
import { hashOf } from '../../snapshot/index.ts';
import type { SyncState } from '../state/sync-state.ts';
import type { SyncOutcome } from './outcome.ts';
import { statusOf } from './status.ts';

export type Report = (sync: GitSync, state: SyncState, outcome: SyncOutcome) => Promise<void>;

/** Writes what a sync came to into its status, where that is news, and tells it in an event. */
export const createReport =
  ({ client, clock, occurred }: { client: KubeClient; clock: Clock; occurred: Occurred }): Report =>
  async (sync, state, outcome) => {
    if (outcome.kind === 'waiting' && outcome.quiet) return;
    const status = statusOf(sync, state, outcome, clock.now());
    const { lastSyncTime: _, ...before } = sync.status ?? {};
    const { lastSyncTime: __, ...after } = withoutNulls(status);
    if (hashOf(before) === hashOf(after)) return;
    const patch = { type: 'merge', body: { status } } as const;
    await client.patch<GitSync>(resources.gitSyncs, sync.metadata, patch, { subresource: 'status' });
    const ready = status.conditions?.find((c) => c.type === 'Ready');
    const was = sync.status?.conditions?.find((c) => c.type === 'Ready');
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

/** In a merge patch null takes a field off. */
const withoutNulls = <T extends object>(status: T): T =>
  Object.fromEntries(Object.entries(status).filter(([, value]) => value !== null)) as T;
