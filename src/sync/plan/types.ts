import type { RollbackHold } from '../../api/hold.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { HeldWorkload, HoldWithTarget } from '../../holds/index.ts';
import type { Digests, Snapshot } from '../../snapshot/index.ts';
import type { Kept } from './kept.ts';

/** By keyString of a workload: the release that it goes back to with another one, and its snapshot. */
export type Companions = ReadonlyMap<string, { snapshotRef: { name: string }; snapshot: Snapshot }>;

export interface PlanInput {
  /** With their namespaces set. */
  rendered: readonly KubeObject[];
  digestsOf: (workload: KubeObject) => Digests;
  /** Of an object's content. */
  hashOf: (object: KubeObject) => string;
  /** Of the namespaces of the rendered workloads; others do not matter. */
  holds: readonly HoldWithTarget[];
  /** By name of a Hold with scope GitSync: `namespace/name`. */
  companions: ReadonlyMap<string, Companions>;
  /** keyString → hash of what this process applied last. Empty after a restart. */
  applied: ReadonlyMap<string, string>;
  /** keyStrings that somebody else changed since. */
  drifted: ReadonlySet<string>;
  /** keyStrings of what an earlier revision applied. */
  inventory: readonly string[];
  /** keyStrings of the part of it that stays whatever Git says: it does not count as lost. */
  settled: ReadonlySet<string>;
  prune: boolean;
  allowEmpty: boolean;
  /** Percent of the inventory that one plan may delete without a person's word. */
  maxPrune: number;
  /** Of workloads that left Git and are still there: keyStrings of those that came with that commit. */
  departures: ReadonlyMap<string, readonly string[]>;
  /** What a person confirmed: the `confirm` of the plan that they saw. */
  confirmed: string | undefined;
}

export interface PlannedObject {
  key: string;
  object: KubeObject;
  hash: string;
  /** Only of workloads: what it will be. */
  digests?: Digests;
  /** Only of workloads: what the commit has to find their pods. */
  selectors?: readonly KubeObject[];
  /** It stands in for a rejected release. */
  hold?: RollbackHold;
}

export interface Plan {
  /** Everything that should be there, in no order: the next inventory. */
  desired: PlannedObject[];
  /** The part of it that has to be sent. */
  apply: PlannedObject[];
  /** Stays in the inventory as it is in the cluster. */
  keep: { key: string; reason: string }[];
  /** keyStrings to delete. */
  prune: string[];
  /** Workloads that left Git, each with those of its kind that came, in this plan or since: one may take its place. */
  departures: ReadonlyMap<string, readonly string[]>;
  /** What left Git and stays, each with the reason. */
  kept: Kept[];
  held: HeldWorkload[];
  /** Holds whose workload is rendered with a digest that they do not reject. */
  passed: { hold: RollbackHold; digest: string }[];
  /** Pruning everything was refused. */
  emptyRefused: boolean;
  /** More than maxPrune would go: what a person writes to let it go. */
  confirm?: string;
}
