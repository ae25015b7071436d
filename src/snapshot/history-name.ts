import { API_VERSION } from '../api/annotations.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { isConflict, type KubeClient, resources } from '../kube/index.ts';
import { hashOf } from './canonical.ts';

/** `deployment-web`; at most 63 characters, so that it also serves as a label value. */
export const historyName = (workload: Pick<WorkloadKey, 'kind' | 'name'>): string => {
  const name = `${workload.kind.toLowerCase()}-${workload.name}`;
  return name.length <= 63 ? name : `${name.slice(0, 52).replace(/[-.]+$/, '')}-${hashOf(name).slice(0, 10)}`;
};

/** The workload's ReleaseHistory, made empty where there is none. Safe to call from several replicas at once. */
export const ensureHistory = async (client: KubeClient, workload: WorkloadKey): Promise<ReleaseHistory> => {
  const name = { namespace: workload.namespace, name: historyName(workload) };
  const found = await client.get<ReleaseHistory>(resources.releaseHistories, name);
  if (found) return found;
  const fresh: ReleaseHistory = {
    apiVersion: API_VERSION,
    kind: 'ReleaseHistory',
    metadata: name,
    spec: { workloadRef: { kind: workload.kind, name: workload.name } },
  };
  try {
    return await client.create(resources.releaseHistories, fresh);
  } catch (error) {
    const other = isConflict(error) ? await client.get<ReleaseHistory>(resources.releaseHistories, name) : undefined;
    if (!other) throw error;
    return other;
  }
};

/** One Hold for each workload and first rejected digest: whoever writes it, and however often, it is the same one. */
export const holdName = (workload: Pick<WorkloadKey, 'kind' | 'name'>, firstRejected: string): string => {
  const hash = hashOf([workload.kind, workload.name, firstRejected]).slice(0, 10);
  return `${workload.name.slice(0, 50).replace(/[-.]+$/, '')}-${hash}`;
};
