import { annotations } from '../api/annotations.ts';
import type { KubeObject, OwnerReference } from '../api/meta.ts';
import { isWorkloadKind, type WorkloadKey, type WorkloadKind } from '../api/workload.ts';
import type { WatchCache, WatchCacheOptions } from '../kube/index.ts';
import { liveDigest, templateOf } from '../snapshot/index.ts';

/** What owners are looked up in. All are watched over the whole cluster. */
export interface OwnerCaches {
  pods: WatchCache;
  replicaSets: WatchCache;
  workloads: Record<WorkloadKind, WatchCache>;
}

export type Owner =
  | { is: 'workload'; key: WorkloadKey; workload: KubeObject; replicaSet?: KubeObject }
  /** An owner is not in the caches: they lag behind, or it was deleted. */
  | { is: 'unknown' }
  /** Of no workload whose releases are recorded: a bare pod, a Job's, an unknown controller's. */
  | { is: 'none' };

/** Pod → ReplicaSet → Deployment, or Pod → StatefulSet or DaemonSet. A name alone proves nothing: each UID is checked. */
export const ownerOf = (pod: KubeObject, caches: Omit<OwnerCaches, 'pods'>): Owner => {
  const namespace = pod.metadata.namespace ?? '';
  const owner = controllerOf(pod);
  if (!owner?.apiVersion.startsWith('apps/')) return { is: 'none' };
  if (owner.kind !== 'ReplicaSet') return workloadOf(owner, namespace, caches);
  const replicaSet = caches.replicaSets.get({ namespace, name: owner.name });
  if (replicaSet?.metadata.uid !== owner.uid) return { is: 'unknown' };
  const above = controllerOf(replicaSet);
  if (!above?.apiVersion.startsWith('apps/')) return { is: 'none' };
  const found = workloadOf(above, namespace, caches);
  return found.is === 'workload' ? { ...found, replicaSet } : found;
};

export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((o) => o.controller === true);

const workloadOf = (
  { kind, name, uid }: OwnerReference,
  namespace: string,
  { workloads }: Pick<OwnerCaches, 'workloads'>,
): Owner => {
  if (!isWorkloadKind(kind)) return { is: 'none' };
  const workload = workloads[kind].get({ namespace, name });
  if (workload?.metadata.uid !== uid) return { is: 'unknown' };
  return { is: 'workload', key: { kind, namespace, name }, workload };
};

/** The controllers' own hash of the template: pod-template-hash, or controller-revision-hash. */
export const revisionOf = (pod: KubeObject): string | undefined =>
  pod.metadata.labels?.['pod-template-hash'] ?? pod.metadata.labels?.['controller-revision-hash'];

/** Whether the pod was made from what the workload's template says now; `digest` is the workload's. */
export const isOfCurrent = (
  pod: KubeObject,
  owner: { workload: KubeObject; replicaSet?: KubeObject },
  digest: string,
): boolean => {
  const { workload, replicaSet } = owner;
  if (replicaSet) return isOfDigest(replicaSet, digest);
  if (workload.kind === 'DaemonSet') {
    const generation = workload.metadata.annotations?.['deprecated.daemonset.template.generation'];
    return generation !== undefined && pod.metadata.labels?.['pod-template-generation'] === generation;
  }
  const { observedGeneration, updateRevision } = (workload.status ?? {}) as Record<string, unknown>;
  return observedGeneration === workload.metadata.generation && revisionOf(pod) === updateRevision;
};

/** A ReplicaSet carries the annotations of its Deployment as they were when it was last the newest. */
export const isOfDigest = (replicaSet: KubeObject, digest: string): boolean =>
  digest.startsWith('live')
    ? liveDigestOf(replicaSet) === digest
    : replicaSet.metadata.annotations?.[annotations.sourceDigest] === digest;

const LIVE = 'liveDigest';

const liveDigestOf = (replicaSet: KubeObject): string =>
  typeof replicaSet[LIVE] === 'string' ? replicaSet[LIVE] : liveDigest(templateOf(replicaSet));

/** Digests by which a ReplicaSet's release may be recorded. */
export const digestsOfReplicaSet = (replicaSet: KubeObject): string[] => {
  const applied = replicaSet.metadata.annotations?.[annotations.sourceDigest];
  return [...(applied === undefined ? [] : [applied]), liveDigestOf(replicaSet)];
};

/** For the watch cache of ReplicaSets: the template becomes its digest, for there are many and nobody reads them. */
export const replicaSetCacheOptions: WatchCacheOptions = {
  trim(replicaSet) {
    const { apiVersion, kind, metadata, status } = replicaSet;
    const { replicas } = (replicaSet.spec ?? {}) as { replicas?: number };
    return { apiVersion, kind, metadata, spec: { replicas }, status, [LIVE]: liveDigest(templateOf(replicaSet)) };
  },
};

/** The Deployment's newest ReplicaSet that was made for this digest; undefined as long as there is none. */
export const replicaSetOf = (deployment: KubeObject, replicaSets: WatchCache, digest: string): KubeObject | undefined =>
  replicaSets
    .list(deployment.metadata.namespace)
    .filter((rs) => controllerOf(rs)?.uid === deployment.metadata.uid && isOfDigest(rs, digest))
    .sort((a, b) => rolloutNumber(b) - rolloutNumber(a))[0];

const rolloutNumber = (object: KubeObject): number =>
  Number(object.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);

/** Pods of the workload that are not ending, of whatever release. */
export const podsOf = (
  key: WorkloadKey,
  caches: OwnerCaches,
): { pod: KubeObject; owner: Owner & { is: 'workload' } }[] =>
  caches.pods.list(key.namespace).flatMap((pod) => {
    if (pod.metadata.deletionTimestamp !== undefined) return [];
    const owner = ownerOf(pod, caches);
    const isOfIt = owner.is === 'workload' && owner.key.kind === key.kind && owner.key.name === key.name;
    return isOfIt ? [{ pod, owner }] : [];
  });

/** A pod that is not ending, made from the workload's current template; undefined where there is none yet. */
export const podOfCurrent = (key: WorkloadKey, digest: string, caches: OwnerCaches): KubeObject | undefined =>
  podsOf(key, caches).find(({ pod, owner }) => isOfCurrent(pod, owner, digest) && imageIdsOf(pod).size > 0)?.pod;

interface ContainerStatus {
  name: string;
  imageID?: string;
}

/** Container name → what the kubelet says it runs. Containers that have not started have none. */
export const imageIdsOf = (pod: KubeObject): Map<string, string> => {
  const { containerStatuses = [] } = (pod.status ?? {}) as { containerStatuses?: ContainerStatus[] };
  return new Map(containerStatuses.flatMap(({ name, imageID }) => (imageID ? [[name, imageID] as const] : [])));
};
