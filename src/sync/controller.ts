import { SYSTEM_NAMESPACE } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import { nameOfKey, type SyncName } from '../api/gitsync-names.ts';
import type { Hold } from '../api/hold.ts';
import { keyOf } from '../api/meta.ts';
import type { Occurred } from '../api/occurrence.ts';
import type { Reason } from '../api/reasons.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { WorkloadKind } from '../api/workload.ts';
import type { ArchiveStore } from '../charts/archive-store.ts';
import type { Clock } from '../clock.ts';
import { createClouds } from '../cloud/clouds.ts';
import { createFairSemaphore } from '../fair-semaphore.ts';
import type { GitRoom } from '../git/index.ts';
import { createGuard } from '../guard.ts';
import { createHealthThread } from '../health/thread.ts';
import { isDigestRejected } from '../holds/index.ts';
import {
  createWorkQueue,
  type Discovery,
  type KubeClient,
  KubeError,
  type WatchCache,
  type WatchCachePorts,
} from '../kube/index.ts';
import { createKeyedLock } from '../lock.ts';
import { withPlatformDefaults } from '../policy/platform.ts';
import type { PlatformPolicyWatch } from '../policy/platform-policy.ts';
import type { RenderPorts } from '../render/index.ts';
import type { SnapshotStore } from '../snapshot/index.ts';
import { type Credentials, createCredentials } from '../source/credentials.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import type { Vitals } from '../vitals.ts';
import { createForeignObjects } from './apply/foreign-objects.ts';
import { createHandover } from './inventory/handover.ts';
import { createRediscovery } from './inventory/rediscover.ts';
import { createHashes } from './plan/hashes.ts';
import { type ReconcilePorts, reconcile } from './reconcile.ts';
import { createConfigTexts } from './render/config-texts.ts';
import { createDecryption } from './render/decryption.ts';
import { createLargeRenders } from './render/large.ts';
import { createReleases } from './render/releases.ts';
import { createVariables } from './render/variables.ts';
import { createRegistry } from './state/registry.ts';
import { createRenderings } from './state/renderings.ts';
import { createReport } from './status/report.ts';
import { watchCharts } from './watch/charts.ts';
import { watchConfigs } from './watch/configs.ts';
import { watchHistories } from './watch/histories.ts';
import { watchHolds } from './watch/holds.ts';
import { watchObjects } from './watch/objects.ts';
import { watchSources } from './watch/sources.ts';
import { watchSyncs } from './watch/syncs.ts';

export interface SyncPorts {
  client: KubeClient;
  /** Of the whole cluster, shared with other rooms; workloads with `keepAppliers`. */
  caches: {
    syncs: WatchCache<GitSync>;
    holds: WatchCache<Hold>;
    namespaces: WatchCache;
    platform: PlatformPolicyWatch;
    workloads?: Record<WorkloadKind, WatchCache>;
    /** Without them nothing is kept for the releases that rollbacks may go to. */
    histories?: WatchCache<ReleaseHistory>;
  };
  discovery: Discovery;
  git: GitRoom;
  render: RenderPorts;
  /** Archives of charts on disk; after a restart nothing is rendered of a repository that does not answer without them. */
  chartArchives?: ArchiveStore;
  snapshots: SnapshotStore;
  /** Where the controller itself is installed; metricops-system by default. */
  systemNamespace?: string;
  /** HMAC key of digests. */
  digestKey: Uint8Array;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Metrics;
  occurred: Occurred;
  vitals?: Vitals;
}

export interface SyncController {
  /** Of the GitSyncs, for whoever else reads their repositories. */
  credentials: Credentials;
  /** A push came: look at the repository of this GitSync now. */
  requestSync(sync: SyncName): void;
  /** Obey this Hold now, without waiting for its watch event. */
  requestHold(hold: Hold): void;
  /** Why the target of this Hold would be refused, by a dry run; undefined: it would not. Rejects with KubeError. */
  refusalOfHold(hold: Hold): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** At a time. The client has more connections: what asks, reports or rolls back waits for no apply. */
const WRITES = { slots: 24, perGroup: 16 };
/** GitSyncs that are reconciled at a time. */
const RECONCILES = { concurrency: 24, perGroup: 16 };

/** Starts to reconcile. To be run by the leader only; `stop` resolves when nothing of it runs any more. */
export const startSync = async (ports: SyncPorts): Promise<SyncController> => {
  const { client, clock, discovery, occurred, log, metrics, random } = ports;
  const { syncs, platform, holds, namespaces, workloads, histories } = ports.caches;
  const { systemNamespace = SYSTEM_NAMESPACE } = ports;
  const stopped = new AbortController();
  const { signal } = stopped;
  const cachePorts: WatchCachePorts = {
    clock,
    random,
    onWatchError: ({ what }) => metrics.watchErrors.inc({ what }),
  };
  const registry = createRegistry();
  const lock = createKeyedLock();
  const report = createReport({ ...ports, isAwaited: (sync) => sources.isAwaited(sync) });
  const policy = platform.current;
  const withDefaults = (sync: GitSync): GitSync => withPlatformDefaults(sync, policy());
  const syncOf = (key: string): GitSync | undefined => {
    const sync = syncs.get(nameOfKey(key));
    return sync && withDefaults(sync);
  };

  const reportFailure = async (key: string, reason: Reason, message: string): Promise<void> => {
    const sync = syncs.get(nameOfKey(key));
    if (sync) await report(sync, registry.stateOf(key), { kind: 'failed', reason, message, permanent: false });
  };
  const guard = createGuard({
    log,
    kind: 'sync',
    isForeseen: (error) => signal.aborted || error instanceof KubeError,
    tell: (key, message) => reportFailure(key, 'InternalError', message),
  });
  /** What the API server says of a GitSync itself. Where it did not answer, or somebody wrote in between, it says nothing. */
  const reportRefusal = async (key: string, error: unknown): Promise<void> => {
    if (signal.aborted || !(error instanceof KubeError) || [0, 409].includes(error.status)) return;
    await reportFailure(key, 'ReconciliationFailed', error.message);
  };
  const queue = createWorkQueue({
    ...RECONCILES,
    vitals: { name: 'the queue of GitSyncs', of: ports.vitals },
    clock,
    random,
    // Others than these are logged by the guard, without their text.
    onError: (key, err, retryInMs) =>
      err instanceof KubeError && log.error({ err, sync: key, retryInMs }, 'sync failed'),
    maxBackoffMs: 60_000,
    worker: guard.wrap((key) =>
      reconcile(key, reconcilePorts).catch(async (error: unknown) => {
        await reportRefusal(key, error);
        throw error;
      }),
    ),
  });
  const enqueue = (key: string, delayMs?: number): void => queue.add(key, delayMs);

  const common = { client, clock, random, log, metrics, registry, lock, syncOf, policy, enqueue, guard, signal };
  const clouds = createClouds(client, { clock, policy, systemNamespace });
  const credentials = createCredentials(client, clouds, cachePorts);
  const sources = watchSources({ ...common, credentials, git: ports.git });
  const configs = createConfigTexts(client, cachePorts);
  const variables = createVariables(configs, ports);
  const charts = watchCharts({ ...common, render: ports.render, credentials, store: ports.chartArchives });
  const releases = createReleases({ ...ports, configs, charts });
  const keys = { ...cachePorts, clouds, digestKey: ports.digestKey, policy, systemNamespace };
  const decryption = createDecryption(client, keys);
  const syncList = (): GitSync[] => syncs.list().map(withDefaults);
  const handover = createHandover({ ...common, syncs: syncList, sources, onChange: enqueue });
  const { owned, scaled } = watchObjects({ ...common, cachePorts, workloads, onFreed: handover.freed });
  const holdController = watchHolds({ ...common, occurred, snapshots: ports.snapshots, holds, workloads });
  const lost = createRediscovery(client, discovery);
  const health = createHealthThread();
  const reconcilePorts: ReconcilePorts = {
    ...common,
    discovery,
    render: ports.render,
    snapshots: ports.snapshots,
    digestKey: ports.digestKey,
    occurred,
    syncs,
    namespaces,
    histories,
    report,
    sources,
    variables,
    releases,
    decryption,
    handover,
    owned,
    scaled,
    holdController,
    lost,
    health,
    renderings: createRenderings(),
    hashes: createHashes(ports.digestKey),
    withRender: createLargeRenders(),
    turns: createFairSemaphore(WRITES),
    foreign: createForeignObjects(client, clock),
    ownerOf: (label) => {
      const owner = registry.ownerOf(label);
      return owner && syncOf(owner.key);
    },
    isRejectedNow: (workload, digest) =>
      isDigestRejected(holds.list(workload.metadata.namespace), keyOf(workload), digest),
    systemNamespace,
  };

  await Promise.all(
    [platform, holds, namespaces, scaled, syncs, ...(histories ? [histories] : [])].map((watch) => watch.ready()),
  );
  const unwatchHistories = watchHistories({ histories, registry, enqueue });
  watchConfigs({ configs, decryption, syncs: syncList, enqueue });
  const unwatch = watchSyncs({ ...common, syncs, platform, sources, charts, lost });
  // Not before the GitSyncs are known, whose accounts a rollback writes with.
  await Promise.all(Object.values(workloads ?? {}).map((watch) => watch.ready()));
  holdController.start();
  return {
    credentials,
    requestSync(name) {
      const sync = syncs.get(name);
      if (!sync || sync.spec.suspend) return;
      sources.refresh(sync);
      charts.refresh(sync);
    },
    requestHold: holdController.request,
    refusalOfHold: holdController.refusalOf,
    async stop() {
      stopped.abort(new Error('no longer the leader'));
      await Promise.all([
        queue.stop(),
        holdController.stop(),
        sources.stop(),
        credentials.stop(),
        configs.stop(),
        charts.stop(),
        decryption.stop(),
      ]);
      unwatch();
      unwatchHistories();
      await Promise.all([owned.stop(), scaled.stop(), health.close()]);
    },
  };
};
