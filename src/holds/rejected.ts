import type { Hold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import type { WatchCache } from '../kube/types.ts';

/** Whether some Hold rejects this digest of the workload now. */
export const createRejectionCheck =
  (holds: WatchCache<Hold>) =>
  (workload: KubeObject, digest: string): boolean =>
    holds
      .list(workload.metadata.namespace ?? '')
      .some(
        ({ spec }) =>
          spec.workloadRef.kind === workload.kind &&
          spec.workloadRef.name === workload.metadata.name &&
          spec.rejectedDigests.includes(digest),
      );
