import type { Hold } from '../api/hold.ts';
import type { WorkloadKey } from '../api/workload.ts';
import type { Snapshot } from '../snapshot/seal.ts';

export interface HoldWithTarget {
  hold: Hold;
  /** undefined when it is gone or damaged: then the rejected release is not applied, and nothing instead of it. */
  target: Snapshot | undefined;
}

export interface HeldWorkload {
  workload: WorkloadKey;
  hold: Hold;
  /** The rejected digest that Git asks for. */
  digest: string;
  /** What a person should know of it. */
  notes: string[];
}

/** What a plan made of the Holds. */
export interface HoldsOfPlan {
  held: readonly HeldWorkload[];
  /** Holds whose workload is rendered with a digest that they do not reject. */
  passed: readonly { hold: Hold; digest: string }[];
}
