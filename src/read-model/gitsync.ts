import type { Condition } from '../api/common.ts';
import { conditionOf, messageWhileTrue } from '../api/conditions.ts';
import type { GitSync, HookState } from '../api/gitsync.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import type { HookPhase } from '../api/hooks.ts';
import { describeKey } from '../api/meta.ts';
import type { WorkloadKey } from '../api/workload.ts';

export interface SyncView {
  namespace: string;
  name: string;
  isSuspended: boolean;
  /** undefined where the source is of a kind that this version does not know. */
  source: { url: string; ref: string | undefined } | undefined;
  path: string;
  ready: Condition | undefined;
  /** ref@commit. */
  appliedRevision: string | undefined;
  /** ref@commit of the last attempt, where it did not become the applied one. */
  failedRevision: string | undefined;
  /** Objects that are applied. */
  objectCount: number | undefined;
  lastSyncTime: string | undefined;
  /** Workloads that run an earlier release, each with the name of the Hold that wants it so. */
  held: readonly { workload: WorkloadKey; hold: string }[];
  /** Objects that left Git and are not deleted yet: how many, and why. */
  toDelete: { count: number; message: string | undefined };
  /** What differs in the cluster from what was applied. */
  drift: string | undefined;
  /** Of the revision for which hooks were last run, in the order in which they run. */
  hooks: readonly { object: string; phase: HookPhase; state: HookState; message: string | undefined }[];
  /** ref@commit of that. */
  hookRevision: string | undefined;
}

export const syncView = (sync: GitSync): SyncView => {
  const { metadata, spec, status = {} } = sync;
  const { git } = spec.source;
  const isBehind = status.lastAttemptedRevision !== status.lastAppliedRevision;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    isSuspended: spec.suspend === true,
    source: git && { url: git.url, ref: git.ref.tag ?? git.ref.semver ?? git.ref.commit ?? git.ref.branch },
    path: spec.path,
    ready: conditionOf(sync, 'Ready'),
    appliedRevision: status.lastAppliedRevision,
    failedRevision: isBehind ? status.lastAttemptedRevision : undefined,
    objectCount: status.objectCount,
    lastSyncTime: status.lastSyncTime,
    held: (status.held ?? []).map(({ workloadRef, holdRef }) => ({ workload: workloadRef, hold: holdRef.name })),
    toDelete: { count: status.prunePending?.length ?? 0, message: messageWhileTrue(sync, 'PrunePending') },
    drift: messageWhileTrue(sync, 'Drifted'),
    hooks: (status.hooks ?? []).map(({ kind, namespace = '', name, phase, state, message }) => ({
      object: describeKey({ kind, namespace, name }),
      phase,
      state,
      message,
    })),
    hookRevision: status.hookRun?.revision,
  };
};

export interface SyncSetView {
  namespace: string;
  name: string;
  ready: Condition | undefined;
  /** GitSyncs that it generates. */
  count: number | undefined;
  /** ref@commit of each repository that it reads folders of. */
  revisions: readonly string[];
}

export const syncSetView = (set: GitSyncSet): SyncSetView => ({
  namespace: set.metadata.namespace ?? '',
  name: set.metadata.name,
  ready: conditionOf(set, 'Ready'),
  count: set.status?.generatedCount,
  revisions: set.status?.revisions ?? [],
});
