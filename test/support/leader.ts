import type { Writable } from 'node:stream';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { Condition } from '../../src/api/common.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { GitSyncSet } from '../../src/api/gitsyncset.ts';
import type { Hold } from '../../src/api/hold.ts';
import { watchWorkloads } from '../../src/caches.ts';
import { systemClock } from '../../src/clock.ts';
import { createDiscovery, createWatchCache, resources } from '../../src/kube/index.ts';
import { watchPlatformPolicy } from '../../src/policy/platform-policy.ts';
import { startSets } from '../../src/sets/index.ts';
import { createSnapshotStore } from '../../src/snapshot/index.ts';
import { type SyncController, type SyncPorts, startSync } from '../../src/sync/index.ts';
import { createLog, createMetrics, silentLog } from '../../src/telemetry/index.ts';
import type { ApiServer } from './api-server.ts';
import { eventually } from './poll.ts';
import type { Repositories } from './repositories.ts';

export interface Leader {
  sync: SyncController;
  /** The GitSync when its Ready condition is as wanted. */
  ready(namespace: string, name: string, wanted: (ready: Condition) => boolean): Promise<GitSync>;
  stop(): Promise<void>;
}

export interface LeaderOptions {
  /** Where the log goes; nowhere by default. */
  log?: Writable;
  ports?: Partial<SyncPorts>;
}

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');

/** What a leader runs over GitSyncs and GitSyncSets, on an API server and repositories in memory. */
export const startLeader = async (
  server: ApiServer,
  repositories: Repositories,
  { log: destination, ports: own = {} }: LeaderOptions = {},
): Promise<Leader> => {
  const { client } = server;
  const log = destination ? createLog({ destination }) : silentLog();
  const ports = { clock: systemClock, random: Math.random };
  const caches = {
    syncs: createWatchCache<GitSync>(client, resources.gitSyncs, {}, ports),
    sets: createWatchCache<GitSyncSet>(client, resources.gitSyncSets, {}, ports),
    holds: createWatchCache<Hold>(client, resources.holds, {}, ports),
    platform: watchPlatformPolicy(client, ports),
    namespaces: createWatchCache(client, resources.namespaces, { metadataOnly: true }, ports),
  };
  const workloads = watchWorkloads(client, ports);
  const common = { ...ports, client, caches, git: repositories.room, log, occurred: () => {} };
  const sync = await startSync({
    ...common,
    caches: { ...caches, workloads },
    discovery: createDiscovery(client, systemClock),
    render: { kustomize: 'kustomize', helm: 'helm', sops: 'sops-decrypt', timeoutMs: 20_000 },
    snapshots: createSnapshotStore(client, KEY, systemClock),
    digestKey: KEY,
    metrics: createMetrics(),
    ...own,
  });
  const sets = await startSets({ ...common, credentials: sync.credentials, systemNamespace: 'metricops-system' });
  return {
    sync,
    ready: (namespace, name, wanted) =>
      eventually(
        () => {
          const object = server.get(resources.gitSyncs, namespace, name) as GitSync | undefined;
          const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready');
          if (object && ready && wanted(ready)) return object;
          throw new Error(JSON.stringify(object?.status));
        },
        { what: `GitSync ${namespace}/${name}`, timeoutMs: 10_000 },
      ),
    async stop() {
      await Promise.all([sync.stop(), sets.stop()]);
      await Promise.all([...Object.values(caches), ...Object.values(workloads)].map((cache) => cache.stop()));
    },
  };
};

export const gitSync = (namespace: string, name: string, spec: object): object => ({
  apiVersion: API_VERSION,
  kind: 'GitSync',
  metadata: { namespace, name },
  spec,
});
