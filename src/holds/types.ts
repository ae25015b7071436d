import type { Hold, RollbackHold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Occurred } from '../api/occurrence.ts';
import type { WorkloadKey, WorkloadKind } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import type { KubeClient, KubeError, WatchCache } from '../kube/index.ts';
import type { Snapshot, SnapshotStore } from '../snapshot/index.ts';
import type { Metrics } from '../telemetry/index.ts';

export interface HoldWithTarget {
  hold: RollbackHold;
  /** undefined when it is gone or damaged: then the rejected release is not applied, and nothing instead of it. */
  target: Snapshot | undefined;
  /** The target is not applied (any more), or the Hold was changed: its objects belong to the queue of the Holds. */
  left?: boolean;
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

/** With whose rights, and in whose name, the objects of a GitSync are written. */
export interface Account {
  writer: KubeClient;
  fieldManager: string;
  /** Why the platform does not let it write this object, in words. */
  refusalOf: (object: KubeObject) => string | undefined;
  /** Field managers whose fields of this object the GitSync leaves to them. */
  leavesTo: (object: KubeObject) => readonly string[];
  /** What the API server refused, with the right that is missing. */
  wordsOf: (error: KubeError) => string;
}

/** Who applies the objects of this field manager now; undefined: no GitSync (any more). */
export type AccountOf = (fieldManager: string) => Account | undefined;

export interface EnforcePorts {
  client: KubeClient;
  snapshots: SnapshotStore;
  /** Of the whole cluster; undefined: a rejected release that comes back is noticed by the plans of its GitSync only. */
  workloads: Record<WorkloadKind, WatchCache> | undefined;
  clock: Clock;
  random: () => number;
  occurred: Occurred;
  lock: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  metrics: Pick<Metrics, 'holdsApplied'>;
  /** Aborted when this process may no longer write. */
  signal: AbortSignal;
  accountOf: AccountOf;
  /** Whether the last plan of a GitSync rendered a release that the Hold rejects. */
  isAsked: (hold: Hold) => boolean;
  /** Called with a Hold whose status was written. */
  onWritten: (hold: Hold) => void;
  /** Called with an object that was applied, or of whose apply the answer is lost; not where it was refused. */
  onSent: (fieldManager: string, object: KubeObject) => void;
  /** Called once the target is applied. */
  onApplied: (hold: Hold) => void;
}
