import type { GitSync } from './api/gitsync.ts';
import type { Hold } from './api/hold.ts';
import type { Incident } from './api/incident.ts';
import type { KubeObject } from './api/meta.ts';
import type { ReleaseHistory } from './api/release-history.ts';
import type { RollbackPolicy } from './api/rollback-policy.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from './api/workload.ts';
import type { Caches } from './incident/index.ts';
import {
  createWatchCache,
  type KubeClient,
  type ResourceType,
  resources,
  type WatchCache,
  type WatchCacheOptions,
  type WatchCachePorts,
  workloadResource,
} from './kube/index.ts';
import { watchPlatformPolicy } from './policy/platform-policy.ts';
import { type RecorderCaches, replicaSetCacheOptions, workloadCacheOptions } from './release/index.ts';
import { trimManagedFields } from './ssa/marks.ts';

export interface ControllerCaches {
  caches: Caches & RecorderCaches;
  /** Resolves after the first list of each. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

/** The watched copies that one process shares between its rooms: each kind is listed once. */
export const createCaches = (
  client: KubeClient,
  ports: WatchCachePorts,
  options: { requireServiceAccount?: boolean } = {},
): ControllerCaches => {
  const platform = watchPlatformPolicy(client, ports, options);
  const all: Pick<WatchCache, 'ready' | 'stop'>[] = [platform];
  const watch = <T extends KubeObject = KubeObject>(
    type: ResourceType,
    options: WatchCacheOptions<T> = {},
  ): WatchCache<T> => {
    const cache = createWatchCache<T>(client, type, options, ports);
    all.push(cache as WatchCache);
    return cache;
  };
  const workloads = watchWorkloads(client, ports);
  all.push(...Object.values(workloads));
  const caches = {
    incidents: watch<Incident>(resources.incidents),
    holds: watch<Hold>(resources.holds),
    histories: watch<ReleaseHistory>(resources.releaseHistories),
    platform,
    rollbackPolicies: watch<RollbackPolicy>(resources.rollbackPolicies),
    syncs: watch<GitSync>(resources.gitSyncs),
    namespaces: watch(resources.namespaces, { metadataOnly: true }),
    pods: watch(resources.pods, { trim: trimPod }),
    replicaSets: watch(resources.replicaSets, replicaSetCacheOptions),
    workloads,
  };
  return {
    caches,
    ready: async () => void (await Promise.all(all.map((cache) => cache.ready()))),
    stop: async () => void (await Promise.all(all.map((cache) => cache.stop()))),
  };
};

/** Workloads of the whole cluster, in three watches. */
export const watchWorkloads = (client: KubeClient, ports: WatchCachePorts): Record<WorkloadKind, WatchCache> =>
  Object.fromEntries(
    WORKLOAD_KINDS.map((kind) => [kind, createWatchCache(client, workloadResource(kind), workloadOptions, ports)]),
  ) as Record<WorkloadKind, WatchCache>;

/** Rooms ask of a workload who wrote its template, and which GitSync applied it. */
export const workloadOptions: WatchCacheOptions = {
  keepManagedFields: true,
  trim(workload) {
    const { managedFields } = trimManagedFields({ ...workload, metadata: { ...workload.metadata } }).metadata;
    const trimmed = workloadCacheOptions.trim?.(workload) ?? workload;
    return { ...trimmed, metadata: { ...trimmed.metadata, ...(managedFields ? { managedFields } : {}) } };
  },
};

/** Pods are many: what nobody reads of them is not kept. */
const trimPod = ({ apiVersion, kind, metadata, spec, status }: KubeObject): KubeObject => {
  const {
    initContainers = [],
    containers = [],
    nodeName,
  } = (spec ?? {}) as { initContainers?: Named[]; containers?: Named[]; nodeName?: string };
  const names = (list: Named[]): Named[] => list.map(({ name, image }) => ({ name, image }));
  return {
    apiVersion,
    kind,
    metadata,
    spec: { initContainers: names(initContainers), containers: names(containers), nodeName },
    status,
  };
};

interface Named {
  name: string;
  image: string;
}
