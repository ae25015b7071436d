import type { Hold } from '../api/hold.ts';
import type { Occurred, Occurrence } from '../api/occurrence.ts';
import { type KubeClient, KubeError, workloadResource } from '../kube/index.ts';
import { workloadOf } from './rules.ts';

export interface ReportPorts {
  client: KubeClient;
  occurred: Occurred;
}

export type Said = Pick<Occurrence, 'severity' | 'reason' | 'message' | 'release'>;

/**
 * What became of a Hold, said on it and on its workload: `kubectl describe deploy` shows which Hold keeps a release
 * out. Costs one request, for the UID by which Events find the workload; where it fails, the Hold alone says it.
 */
export const reportHold = async (hold: Hold, said: Said, { client, occurred }: ReportPorts): Promise<void> => {
  const { kind, namespace, name } = workloadOf(hold);
  const workload = await client.get(workloadResource(kind), { namespace, name }).catch((error: unknown) => {
    if (error instanceof KubeError) return undefined;
    throw error;
  });
  const occurrence = {
    ...said,
    message: `Hold ${hold.metadata.name}: ${said.message}`,
    action: 'Hold',
    incident: hold.spec.incidentRef?.name,
  } as const;
  occurred({ ...occurrence, regarding: hold, ...(workload ? { related: workload } : {}) });
  if (workload) occurred({ ...occurrence, regarding: workload, related: hold });
};
