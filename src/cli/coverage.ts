import { injectionOf } from '../api/injection.ts';
import type { KubeObject } from '../api/meta.ts';
import { isWorkloadOptedIn } from '../api/optin.ts';
import { WORKLOAD_KINDS, type WorkloadKey } from '../api/workload.ts';
import { type KubeClient, resources, workloadResource } from '../kube/index.ts';

/** An opted-in workload, with how many of its pods carry the sidecar. */
export interface Coverage {
  workload: WorkloadKey;
  pods: number;
  injected: number;
  /** What the webhook wrote on a pod that it left alone; undefined where it never saw the pod. */
  why: string | undefined;
}

/** Opted-in workloads of the namespace, or of all. Pods are read as metadata only. */
export const coverage = async (client: KubeClient, scope: { namespace?: string }): Promise<Coverage[]> => {
  const [namespaces, pods, ...lists] = await Promise.all([
    namespacesOf(client, scope),
    client.list(resources.pods, { ...scope, metadataOnly: true }),
    ...WORKLOAD_KINDS.map((kind) => client.list(workloadResource(kind), scope)),
  ]);
  const byOwner = Map.groupBy(
    pods.items.filter((pod) => pod.metadata.deletionTimestamp === undefined),
    ownerOf,
  );
  return WORKLOAD_KINDS.flatMap((kind, i) =>
    (lists[i]?.items ?? [])
      .filter((workload) => isWorkloadOptedIn(workload, namespaces.get(workload.metadata.namespace ?? '')))
      .map((workload) => {
        const { name, namespace = '' } = workload.metadata;
        return count({ kind, name, namespace }, byOwner.get(`${kind}/${namespace}/${name}`) ?? []);
      }),
  );
};

const namespacesOf = async (client: KubeClient, scope: { namespace?: string }): Promise<Map<string, KubeObject>> => {
  if (scope.namespace !== undefined) {
    const one = await client.get(resources.namespaces, { name: scope.namespace });
    return new Map(one ? [[scope.namespace, one]] : []);
  }
  const { items } = await client.list(resources.namespaces, { metadataOnly: true });
  return new Map(items.map((item) => [item.metadata.name, item]));
};

/** A ReplicaSet's name is its Deployment's and a hash: enough for a report, where UIDs would cost another list. */
const ownerOf = ({ metadata }: KubeObject): string => {
  const owner = metadata.ownerReferences?.find((reference) => reference.controller);
  if (!owner) return '';
  if (owner.kind !== 'ReplicaSet') return `${owner.kind}/${metadata.namespace}/${owner.name}`;
  return `Deployment/${metadata.namespace}/${owner.name.slice(0, owner.name.lastIndexOf('-'))}`;
};

const count = (workload: WorkloadKey, pods: KubeObject[]): Coverage => {
  const found = pods.map(injectionOf);
  return {
    workload,
    pods: pods.length,
    injected: found.filter(({ is }) => is === 'injected').length,
    why: found.find((each) => each.is === 'skipped')?.why,
  };
};

export const uncovered = (all: Coverage[]): Coverage[] => all.filter(({ pods, injected }) => injected < pods);
