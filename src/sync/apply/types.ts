import type { DriftEntry, GitSync } from '../../api/gitsync.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import type { Clock } from '../../clock.ts';
import type { Discovery, KubeClient } from '../../kube/index.ts';
import type { SnapshotStore } from '../../snapshot/index.ts';
import type { Metrics } from '../../telemetry/index.ts';
import type { Handover } from '../inventory/handover.ts';
import type { InTurnPorts } from '../objects/in-turn.ts';
import type { OwnedObjects } from '../objects/owned-objects.ts';
import type { PlannedObject } from '../plan/types.ts';
import type { SyncState } from '../state/sync-state.ts';
import type { Autoscaled } from './autoscaled.ts';
import type { ForeignObjects } from './foreign-objects.ts';
import type { PreparePorts } from './prepare.ts';

export interface ApplyPorts extends PreparePorts, InTurnPorts {
  client: KubeClient;
  clock: Clock;
  discovery: Discovery;
  owned: OwnedObjects;
  foreign: ForeignObjects;
  /** The GitSync of this owner label, if it exists. */
  ownerOf: (label: string) => GitSync | undefined;
  handover: Pick<Handover, 'mayTake'>;
  scaled: Autoscaled;
  /** What the operator of the platform allows. */
  policy: () => PlatformPolicySpec;
  /** Whether a Hold that came since the plan rejects this digest of the workload. */
  isRejectedNow: (workload: KubeObject, digest: string) => boolean;
  metrics: Metrics;
  snapshots: SnapshotStore;
  /** Aborted when this process may no longer write: another one leads. */
  signal: AbortSignal;
}

export interface ApplyContext {
  commit: string;
  state: SyncState;
  /** Everything that the plan wants, not only what is sent. */
  all: readonly PlannedObject[];
  /** The same by keyString. */
  byKey: ReadonlyMap<string, PlannedObject>;
  /** What is run with it, and is not in the plan. */
  hooks: readonly KubeObject[];
  /** Called with what an apply reverted to Git. */
  onCorrected: (difference: DriftEntry) => void;
  /** Told of a difference that is only reported, when it is new. */
  onReported: (difference: DriftEntry) => void;
}
