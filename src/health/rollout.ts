import type { KubeObject } from '../api/meta.ts';

interface Counts {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  availableReplicas?: number;
  currentRevision?: string;
  updateRevision?: string;
  desiredNumberScheduled?: number;
  updatedNumberScheduled?: number;
  numberAvailable?: number;
}

/** How far the rollout of a workload is, in pods. */
export interface Rollout {
  wanted: number;
  /** Made from the newest template. */
  updated: number;
  available: number;
  /** Of older templates, still there. */
  old: number;
  /** Nothing is left to do. A workload that is scaled to zero has nothing to do. */
  done: boolean;
  message: string;
}

/**
 * Of a Deployment, StatefulSet or DaemonSet, as `kubectl rollout status` judges it; a StatefulSet with a partition is
 * not done, for not every pod runs the newest template.
 */
export const rolloutOf = (workload: KubeObject): Rollout => {
  const status = (workload.status ?? {}) as Counts;
  const isDaemonSet = workload.kind === 'DaemonSet';
  const wanted = isDaemonSet
    ? (status.desiredNumberScheduled ?? 0)
    : ((workload.spec as { replicas?: number } | undefined)?.replicas ?? 1);
  const updated = (isDaemonSet ? status.updatedNumberScheduled : status.updatedReplicas) ?? 0;
  const available = (isDaemonSet ? status.numberAvailable : status.availableReplicas) ?? 0;
  const old = isDaemonSet ? 0 : Math.max(0, (status.replicas ?? 0) - updated);
  const isObserved = (status.observedGeneration ?? 0) >= (workload.metadata.generation ?? 0);
  const isOneRevision = workload.kind !== 'StatefulSet' || status.currentRevision === status.updateRevision;
  const done = isObserved && updated >= wanted && available >= wanted && old === 0 && isOneRevision;
  const leaving = old === 0 ? '' : `, ${old} old to go`;
  const message = isObserved
    ? `${Math.min(updated, wanted)} of ${wanted} pods updated, ${Math.min(available, wanted)} available${leaving}`
    : 'waiting for the rollout to begin';
  return { wanted, updated, available, old, done, message };
};

/** Whether every pod that the workload asks for is of its newest template and available. Scaled to zero: no. */
export const isRolledOut = (workload: KubeObject): boolean => {
  const { wanted, done } = rolloutOf(workload);
  return done && wanted > 0;
};
