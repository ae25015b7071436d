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
 *
 * @param excused pods that may be missing, for they lack a node (see lacksNode); never more than half of all
 */
export const rolloutOf = (workload: KubeObject, excused = 0): Rollout => {
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
  const needed = wanted - Math.min(excused, Math.floor(wanted / 2));
  // A Deployment makes its pods before they have a node; a DaemonSet can't replace one on a node that is lost.
  const isUpdated = updated >= (isDaemonSet ? needed : wanted);
  const done = isObserved && isUpdated && available >= needed && old === 0 && isOneRevision;
  const leaving = old === 0 ? '' : `, ${old} old to go`;
  const message = isObserved
    ? `${Math.min(updated, wanted)} of ${wanted} pods updated, ${Math.min(available, wanted)} available${leaving}`
    : 'waiting for the rollout to begin';
  return { wanted, updated, available, old, done, message };
};

/** Whether every pod that the workload asks for is of its newest template and available. Scaled to zero: no. */
export const isRolledOut = (workload: KubeObject, excused = 0): boolean => {
  const { wanted, done } = rolloutOf(workload, excused);
  return done && wanted > 0;
};

/**
 * The pod is missing for its node's sake, not its release's: no node takes it, or its node is lost. Of a lost node the
 * containers still read ready, as its kubelet reported them last, and the node controller, which gives no reason, says
 * that the pod is not.
 */
export const lacksNode = ({ status }: KubeObject): boolean => {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string; reason?: string }[] };
  const find = (type: string): { status: string; reason?: string } | undefined =>
    conditions.find((condition) => condition.type === type);
  if (find('PodScheduled')?.reason === 'Unschedulable') return true;
  const ready = find('Ready');
  return find('ContainersReady')?.status === 'True' && ready?.status === 'False' && !ready.reason;
};
