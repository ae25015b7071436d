import type { RollbackHold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Reason } from '../api/reasons.ts';
import {
  canonical,
  foreignPin,
  namesContent,
  type Snapshot,
  SnapshotDamaged,
  type SnapshotStore,
} from '../snapshot/index.ts';

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
  snapshots: Pick<SnapshotStore, 'read'>,
): Promise<Snapshot> => {
  const { snapshotRef, sourceDigest, images = [] } = spec.target;
  const { name } = snapshotRef;
  const workload = { ...spec.workloadRef, namespace: metadata.namespace ?? '' };
  const snapshot = await snapshots.read(workload, name).catch((error: unknown) => {
    throw error instanceof SnapshotDamaged ? new TargetError('SnapshotDamaged', error.message) : error;
  });
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

export interface Targets {
  /** undefined where there is nothing to go back to: the Hold's own status says why. */
  of(hold: RollbackHold): Promise<Snapshot | undefined>;
  /** The Hold is gone, changed, or has nothing to keep out. */
  forget(hold: RollbackHold): void;
}

/** Of all together: they hold the contents of Secrets. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Decoded snapshots of the Holds that keep something out: read once, not for each plan. The oldest go first. */
export const createTargets = (snapshots: Pick<SnapshotStore, 'read'>, maxBytes: number = MAX_BYTES): Targets => {
  const known = new Map<string, { snapshot: Snapshot; bytes: number; generation: number | undefined }>();
  const keyFor = ({ metadata }: RollbackHold): string => `${metadata.namespace}/${metadata.name}/${metadata.uid}`;
  let total = 0;
  const forget = (key: string): void => {
    total -= known.get(key)?.bytes ?? 0;
    known.delete(key);
  };
  return {
    async of(hold) {
      const key = keyFor(hold);
      const { generation } = hold.metadata;
      const found = known.get(key);
      if (found && found.generation === generation) return found.snapshot;
      const snapshot = await readTarget(hold, snapshots).catch((error: unknown) => {
        if (error instanceof TargetError) return undefined;
        throw error;
      });
      forget(key);
      if (!snapshot) return undefined;
      const bytes = sizeOf([snapshot.workload, ...snapshot.config]);
      if (bytes > maxBytes) return snapshot;
      for (const oldest of known.keys()) {
        if (total + bytes <= maxBytes) break;
        forget(oldest);
      }
      known.set(key, { snapshot, bytes, generation });
      total += bytes;
      return snapshot;
    },
    forget: (hold) => forget(keyFor(hold)),
  };
};

const sizeOf = (objects: readonly KubeObject[]): number => Buffer.byteLength(canonical(objects));
