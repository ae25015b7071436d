import type { Hold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Occurred, Occurrence } from '../api/occurrence.ts';
import { type KubeClient, KubeError, type ResourceType, resources, workloadResource } from '../kube/index.ts';
import { workloadOf } from './rules.ts';

export interface ReportPorts {
  client: KubeClient;
  occurred: Occurred;
}

export type Said = Pick<Occurrence, 'severity' | 'reason' | 'message' | 'release'>;

/**
 * What became of a Hold, said on it, on its workload and on its incident: `kubectl describe deploy` shows which Hold
 * keeps a release out. Costs a request each, for the UIDs by which Events find them; where it fails, the Hold alone
 * says it.
 */
export const reportHold = async (hold: Hold, said: Said, { client, occurred }: ReportPorts): Promise<void> => {
  const { kind, namespace, name } = workloadOf(hold);
  const read = (type: ResourceType, of: string): Promise<KubeObject | undefined> =>
    client.get(type, { namespace, name: of }).catch((error: unknown) => {
      if (error instanceof KubeError) return undefined;
      throw error;
    });
  const { incidentRef } = hold.spec;
  const [workload, incident] = await Promise.all([
    read(workloadResource(kind), name),
    incidentRef && read(resources.incidents, incidentRef.name),
  ]);
  const occurrence = {
    ...said,
    message: `Hold ${hold.metadata.name}: ${said.message}`,
    action: 'Hold',
    incident: incidentRef?.name,
  } as const;
  occurred({ ...occurrence, regarding: hold, ...(workload ? { related: workload } : {}) });
  for (const regarding of [workload, incident]) if (regarding) occurred({ ...occurrence, regarding, related: hold });
};
