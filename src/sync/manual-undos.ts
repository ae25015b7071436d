import type { GitSync } from '../api/gitsync.ts';
import { parseKey } from '../api/meta.ts';
import type { Occurred } from '../api/occurrence.ts';
import type { HoldController } from '../holds/index.ts';
import { holdForManualUndo } from '../holds/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { SnapshotStore } from '../snapshot/index.ts';
import type { SyncState } from './state/sync-state.ts';

export interface ManualUndoPorts {
  client: KubeClient;
  occurred: Occurred;
  holdController: Pick<HoldController, 'seen'>;
  snapshots: SnapshotStore;
}

/**
 * What people rolled back by hand becomes a Hold, which is in force before the plan is made.
 * @returns whether there is one: a plan that was made before is another one now
 */
export const holdManualUndos = async (
  sync: GitSync,
  state: SyncState,
  { client, occurred, holdController, snapshots }: ManualUndoPorts,
): Promise<boolean> => {
  let any = false;
  for (const id of state.drifted) {
    const rejected = state.applied.get(id)?.sourceDigest;
    const hold =
      rejected === undefined ? undefined : await holdForManualUndo(parseKey(id), rejected, { client, snapshots });
    if (!hold) continue;
    const message = `Deployment ${hold.metadata.namespace}/${hold.spec.workloadRef.name} was rolled back by hand: held at release ${hold.spec.target.release}`;
    occurred({ regarding: sync, severity: 'warning', reason: 'ReleaseHeld', action: 'Hold', message });
    await holdController.seen(hold);
    any = true;
  }
  return any;
};
