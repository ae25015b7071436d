import { conditionOf } from '../api/conditions.ts';
import { type Hold, isRollback, type RollbackHold, requestedBy } from '../api/hold.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { isUnapplied, workloadOf } from '../holds/index.ts';

export interface HoldView {
  namespace: string;
  name: string;
  workload: WorkloadKey;
  action: Hold['spec']['action'];
  /** undefined for Accept and Deny: nothing is applied on their account. */
  phase: NonNullable<NonNullable<Hold['status']>['phase']> | undefined;
  /** Number of the release that runs instead. */
  target: number | undefined;
  /** sourceDigests that it rejects or accepts. */
  digests: readonly string[];
  requestedBy: string;
  createdTime: string | undefined;
  message: string | undefined;
  /** Why its target is not applied, in words; undefined where it is, or nothing is to be applied. */
  obstacle: string | undefined;
  /** When that is tried again. */
  nextAttemptTime: string | undefined;
}

export const holdView = (hold: Hold): HoldView => {
  const { metadata, spec, status } = hold;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    workload: workloadOf(hold),
    action: spec.action,
    phase: isRollback(hold) ? (status?.phase ?? 'Pending') : undefined,
    target: spec.target?.release,
    digests: [...(spec.rejectedDigests ?? []), ...(spec.acceptedDigests ?? [])],
    requestedBy: requestedBy(hold),
    createdTime: metadata.creationTimestamp,
    message: spec.message,
    obstacle: isUnapplied(status?.phase) ? conditionOf(hold, 'Held')?.message : undefined,
    nextAttemptTime: status?.nextAttemptTime,
  };
};

/** Whether it keeps a release out now, or is about to: a dormant one only would. */
export const isActive = (hold: Hold): hold is RollbackHold => isRollback(hold) && hold.status?.phase !== 'Dormant';
