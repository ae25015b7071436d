import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { ServiceLevelObjective } from '../api/slo.ts';
import { WORKLOAD_KINDS, type WorkloadKey } from '../api/workload.ts';
import {
  createWatchCache,
  type KubeClient,
  resources,
  type WatchCache,
  type WatchCachePorts,
  workloadResource,
} from '../kube/index.ts';

/** What decisions read: watched copies, so that an alert costs no reads. */
export interface Caches {
  incidents: WatchCache<Incident>;
  holds: WatchCache<Hold>;
  histories: WatchCache<ReleaseHistory>;
  objectives: WatchCache<ServiceLevelObjective>;
  namespaces: WatchCache;
  /** By kind. */
  workloads: Record<WorkloadKey['kind'], WatchCache>;
  ready(): Promise<void>;
  stop(): Promise<void>;
}

export const createCaches = (client: KubeClient, ports: WatchCachePorts): Caches => {
  const watch = <T extends KubeObject = KubeObject>(
    type: Parameters<typeof createWatchCache>[1],
    metadataOnly = false,
  ): WatchCache<T> => createWatchCache<T>(client, type, { metadataOnly }, ports);
  const caches = {
    incidents: watch<Incident>(resources.incidents),
    holds: watch<Hold>(resources.holds),
    histories: watch<ReleaseHistory>(resources.releaseHistories),
    objectives: watch<ServiceLevelObjective>(resources.slos),
    namespaces: watch(resources.namespaces, true),
  };
  const workloads = Object.fromEntries(
    WORKLOAD_KINDS.map((kind) => [kind, watch(workloadResource(kind))]),
  ) as Caches['workloads'];
  const all: WatchCache[] = [...Object.values(caches), ...Object.values(workloads)] as WatchCache[];
  return {
    ...caches,
    workloads,
    ready: async () => void (await Promise.all(all.map((c) => c.ready()))),
    stop: async () => void (await Promise.all(all.map((c) => c.stop()))),
  };
};
