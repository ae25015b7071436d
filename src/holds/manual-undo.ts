import { annotations } from '../api/annotations.ts';
import { type Hold, isRollback, type RollbackHold } from '../api/hold.ts';
import type { ObjectKey } from '../api/meta.ts';
import { type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import { type KubeClient, resources } from '../kube/index.ts';
import { historyName, type SnapshotStore } from '../snapshot/index.ts';
import { templateWriters } from '../ssa/template-writers.ts';
import { createHold } from './create-hold.ts';
import { withFinalizer } from './finalizer.ts';
import { newRollback } from './new-hold.ts';
import { isDigestAccepted } from './rules.ts';
import { readTarget, TargetError } from './target.ts';

/**
 * `kubectl rollout undo` copies the annotations of the old ReplicaSet to the Deployment, which then names a recorded
 * release other than the one that was applied. A person said no to that one: it becomes a Hold, instead of drift.
 * Anybody may write annotations: what to go back to is asked of the history, and of the snapshot itself.
 *
 * @param rejected digest that was applied last
 * @returns the Hold, made here or there already; undefined when the drift is of another kind, or a person accepted the
 *   release that was undone
 */
export const holdForManualUndo = async (
  key: ObjectKey,
  rejected: string,
  { client, snapshots }: { client: KubeClient; snapshots: Pick<SnapshotStore, 'read' | 'recall'> },
): Promise<RollbackHold | undefined> => {
  if (key.kind !== 'Deployment') return undefined;
  const live = await client.get(resources.deployments, key);
  const digest = live?.metadata.annotations?.[annotations.sourceDigest];
  if (!live || digest === undefined || digest === rejected) return undefined;
  // What the GitSync itself applied, and a process that ended did not say, nobody undid.
  if (!templateWriters(live).some(({ stamps }) => stamps)) return undefined;
  const workload = { kind: key.kind, namespace: key.namespace, name: key.name } as const;
  const name = { namespace: key.namespace, name: historyName(workload) };
  const history = await client.get<ReleaseHistory>(resources.releaseHistories, name);
  const release = releasesOf(history).find((r) => r.sourceDigest === digest);
  if (release?.snapshotRef === undefined) return undefined;
  const hold = newRollback({
    workload,
    digest: rejected,
    target: { number: release.number, sourceDigest: digest, snapshotRef: release.snapshotRef },
    origin: 'Manual',
    message: 'rolled back by hand (kubectl rollout undo)',
  });
  const { items: holds } = await client.list<Hold>(resources.holds, { namespace: key.namespace });
  if (isDigestAccepted(holds, workload, rejected)) return undefined;
  if (!(await isTarget(hold, snapshots))) return undefined;
  const { hold: stored } = await createHold(withFinalizer(hold), client);
  return isRollback(stored) ? stored : undefined;
};

const isTarget = async (hold: RollbackHold, snapshots: Pick<SnapshotStore, 'read' | 'recall'>): Promise<boolean> => {
  try {
    await readTarget(hold, snapshots);
    return true;
  } catch (error) {
    if (error instanceof TargetError) return false;
    throw error;
  }
};
