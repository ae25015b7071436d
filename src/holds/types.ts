import type { Hold, RollbackHold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Occurred } from '../api/occurrence.ts';
import type { WorkloadKey } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube/index.ts';
import type { Snapshot, SnapshotStore } from '../snapshot/index.ts';
import type { Metrics } from '../telemetry/index.ts';

export interface HoldWithTarget {
  hold: RollbackHold;
  /** undefined when it is gone or damaged: then the rejected release is not applied, and nothing instead of it. */
  target: Snapshot | undefined;
}

export interface HeldWorkload {
  workload: WorkloadKey;
  hold: RollbackHold;
  /** The rejected digest that Git asks for. */
  digest: string;
  /** What a person should know of it. */
  notes: string[];
}

/** What a plan found out about Holds: which keep something out, and which have nothing to keep out. */
export interface Matched {
  held: readonly HeldWorkload[];
  /** Holds whose workload is rendered with a digest that they do not reject. */
  passed: readonly { hold: RollbackHold; digest: string }[];
}

export interface EnforcePorts {
  client: KubeClient;
  snapshots: SnapshotStore;
  clock: Clock;
  occurred: Occurred;
  lock: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  metrics: Pick<Metrics, 'holdsApplied'>;
  /** Aborted when this process may no longer write. */
  signal: AbortSignal;
  /** With whose rights the objects of this field manager are written. */
  writerOf: (fieldManager: string) => KubeClient;
  /** Called with the objects that were applied and their field manager. */
  onApplied: (hold: Hold, fieldManager: string, objects: readonly KubeObject[]) => void;
}
