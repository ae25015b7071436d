import type { KubeObject } from '../api/meta.ts';

/** Whether every pod that the workload asks for is of its current template and available. Scaled to zero: no. */
export const isRolledOut = (workload: KubeObject): boolean => {
  const spec = (workload.spec ?? {}) as { replicas?: number };
  const status = (workload.status ?? {}) as Record<string, number | string | undefined>;
  if (Number(status.observedGeneration ?? 0) < (workload.metadata.generation ?? 0)) return false;
  const count = (field: string): number => Number(status[field] ?? 0);
  if (workload.kind === 'DaemonSet') {
    const wanted = count('desiredNumberScheduled');
    return wanted > 0 && count('updatedNumberScheduled') === wanted && count('numberAvailable') === wanted;
  }
  const wanted = spec.replicas ?? 1;
  const all = ['replicas', 'updatedReplicas', 'availableReplicas'].every((field) => count(field) === wanted);
  if (workload.kind === 'StatefulSet') return wanted > 0 && all && status.currentRevision === status.updateRevision;
  return wanted > 0 && all;
};
