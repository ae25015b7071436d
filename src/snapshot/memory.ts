import type { WorkloadKey } from '../api/workload.ts';
import { canonical } from './canonical.ts';
import type { Snapshot } from './seal.ts';

/** Snapshots that were read and checked. */
export interface SnapshotMemory {
  recall(workload: WorkloadKey, name: string): Snapshot | undefined;
  note(workload: WorkloadKey, name: string, snapshot: Snapshot): void;
  forget(workload: WorkloadKey, name: string): void;
}

/** Of all together: they hold the contents of Secrets. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * The API server lets nobody change the data of a ControllerRevision, and its name is of its contents: what was read
 * once is as good as what would be read now. The oldest go first; one that is larger than all room is not kept.
 */
export const createSnapshotMemory = (maxBytes: number = MAX_BYTES): SnapshotMemory => {
  const known = new Map<string, { snapshot: Snapshot; bytes: number }>();
  let total = 0;
  const drop = (key: string): void => {
    total -= known.get(key)?.bytes ?? 0;
    known.delete(key);
  };
  return {
    recall: (workload, name) => known.get(keyOf(workload, name))?.snapshot,
    note(workload, name, snapshot) {
      const key = keyOf(workload, name);
      drop(key);
      const bytes = Buffer.byteLength(canonical([snapshot.workload, ...snapshot.config]));
      if (bytes > maxBytes) return;
      for (const oldest of known.keys()) {
        if (total + bytes <= maxBytes) break;
        drop(oldest);
      }
      known.set(key, { snapshot, bytes });
      total += bytes;
    },
    forget: (workload, name) => drop(keyOf(workload, name)),
  };
};

/** Of the workload, too: a snapshot is good for no other. */
const keyOf = ({ kind, namespace, name }: WorkloadKey, snapshot: string): string =>
  `${kind}/${namespace}/${name}/${snapshot}`;
