import type { KubeObject } from '../api/meta.ts';
import { WORKLOAD_KINDS } from '../api/workload.ts';
import { type KubeClient, resources, workloadResource } from '../kube/index.ts';
import { type Coverage, coverageOf } from '../read-model/index.ts';

/** Opted-in workloads of the namespace, or of all. Pods are read as metadata only. */
export const coverage = async (client: KubeClient, scope: { namespace?: string }): Promise<Coverage[]> => {
  const [namespaces, pods, ...lists] = await Promise.all([
    namespacesOf(client, scope),
    client.list(resources.pods, { ...scope, metadataOnly: true }),
    ...WORKLOAD_KINDS.map((kind) => client.list(workloadResource(kind), scope)),
  ]);
  const workloads = WORKLOAD_KINDS.map((kind, i) => [kind, lists[i]?.items ?? []] as const);
  return coverageOf({ workloads, namespaces, pods: pods.items });
};

const namespacesOf = async (client: KubeClient, { namespace }: { namespace?: string }): Promise<KubeObject[]> => {
  if (namespace === undefined) return (await client.list(resources.namespaces, { metadataOnly: true })).items;
  const one = await client.get(resources.namespaces, { name: namespace });
  return one ? [one] : [];
};
