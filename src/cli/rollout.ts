import type { KubeObject } from '../api/meta.ts';

interface Counts {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  currentRevision?: string;
  updateRevision?: string;
  desiredNumberScheduled?: number;
  updatedNumberScheduled?: number;
  numberReady?: number;
}

/** How far a roll-out of a Deployment, StatefulSet or DaemonSet is, as `kubectl rollout status` judges it. */
export const rolledOut = (workload: KubeObject): { done: boolean; message: string } => {
  const status = (workload.status ?? {}) as Counts;
  const wanted =
    workload.kind === 'DaemonSet'
      ? (status.desiredNumberScheduled ?? 0)
      : ((workload.spec as { replicas?: number } | undefined)?.replicas ?? 1);
  const updated = (workload.kind === 'DaemonSet' ? status.updatedNumberScheduled : status.updatedReplicas) ?? 0;
  const ready = (workload.kind === 'DaemonSet' ? status.numberReady : status.readyReplicas) ?? 0;
  const old = workload.kind === 'DaemonSet' ? 0 : Math.max(0, (status.replicas ?? 0) - updated);
  const seen = (status.observedGeneration ?? 0) >= (workload.metadata.generation ?? 0);
  const done = seen && updated >= wanted && ready >= wanted && old === 0;
  if (!seen) return { done, message: 'waiting for the rollout to begin' };
  const leaving = old === 0 ? '' : `, ${old} old to go`;
  return { done, message: `${Math.min(updated, wanted)} of ${wanted} pods updated, ${ready} ready${leaving}` };
};
