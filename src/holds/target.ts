import type { RollbackHold } from '../api/hold.ts';
import type { Reason } from '../api/reasons.ts';
import { foreignPin, namesContent, type Snapshot, SnapshotDamaged, type SnapshotStore } from '../snapshot/index.ts';

/** A Hold names something that can't be gone back to. */
export class TargetError extends Error {
  override name = 'TargetError';
  readonly reason: Extract<Reason, 'SnapshotMissing' | 'SnapshotDamaged' | 'SnapshotMismatch'>;

  constructor(reason: TargetError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * What a Hold goes back to, and the only place where that is decided: the snapshot that it names, if it was recorded
 * for this very workload and holds the release that the Hold says. Rejects with TargetError.
 */
export const readTarget = async (
  { metadata, spec }: Pick<RollbackHold, 'metadata' | 'spec'>,
  snapshots: Pick<SnapshotStore, 'read' | 'recall'>,
): Promise<Snapshot> => {
  const { snapshotRef, sourceDigest, images = [] } = spec.target;
  const { name } = snapshotRef;
  const workload = { ...spec.workloadRef, namespace: metadata.namespace ?? '' };
  const read = (): Promise<Snapshot | undefined> =>
    snapshots.read(workload, name).catch((error: unknown) => {
      throw error instanceof SnapshotDamaged ? new TargetError('SnapshotDamaged', error.message) : error;
    });
  const snapshot = snapshots.recall(workload, name) ?? (await read());
  if (!snapshot) throw new TargetError('SnapshotMissing', `ControllerRevision ${name} is gone`);
  if (snapshot.sourceDigest !== sourceDigest) {
    const message = `ControllerRevision ${name} holds release ${snapshot.sourceDigest}, and the Hold asks for ${sourceDigest}`;
    throw new TargetError('SnapshotMismatch', message);
  }
  const unpinned = images.find(({ image }) => !namesContent(image));
  if (unpinned) {
    const message = `target.images: ${unpinned.image} of container ${unpinned.container} has no @sha256: digest`;
    throw new TargetError('SnapshotMismatch', message);
  }
  const foreign = foreignPin(snapshot.workload, images);
  if (foreign) {
    const message = `target.images: ${foreign.image} is not of the repository of container ${foreign.container} in release ${spec.target.release}`;
    throw new TargetError('SnapshotMismatch', message);
  }
  return snapshot;
};
