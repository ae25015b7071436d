import { annotations, labelOfManager, labels, SYSTEM_NAMESPACE } from '../api/annotations.ts';
import { conditionIs } from '../api/conditions.ts';
import type { GitSync } from '../api/gitsync.ts';
import { keyOfSync, nameOfKey, ownerLabelOf, type SyncName } from '../api/gitsync-names.ts';
import type { Hold } from '../api/hold.ts';
import { keyOf, keyString } from '../api/meta.ts';
import {
  PLATFORM_POLICY_NAME,
  type PlatformPolicy,
  type PlatformPolicySpec,
  unrestrictedPolicy,
} from '../api/platform-policy.ts';
import type { Reason } from '../api/reasons.ts';
import { isWorkloadKind, type WorkloadKind } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import type { GitRoom } from '../git/index.ts';
import { createGuard } from '../guard.ts';
import { createHealthThread } from '../health/thread.ts';
import { createHoldController } from '../holds/controller.ts';
import { createRejectionCheck } from '../holds/rejected.ts';
import {
  createFairSemaphore,
  createWorkQueue,
  type Discovery,
  type EventRecorder,
  type KubeClient,
  KubeError,
  type ResourceType,
  type WatchCache,
  type WatchCachePorts,
} from '../kube/index.ts';
import { refusalOfSync, withPlatformDefaults } from '../policy/platform.ts';
import { writerOf } from '../policy/writer.ts';
import type { RenderPorts } from '../render/index.ts';
import type { SnapshotStore } from '../snapshot/index.ts';
import { type Credentials, createCredentials } from '../source/credentials.ts';
import { createSources, type Follower, sourceKey } from '../source/heads.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { createAutoscaled } from './apply/autoscaled.ts';
import { createForeignObjects } from './apply/foreign-objects.ts';
import { dependencyProblem } from './dependencies.ts';
import { backoffEndsIn } from './drift/backoff.ts';
import { pollUnwatchedIn } from './drift/unwatched.ts';
import { createDriftWatch } from './drift/watch.ts';
import { createHashes } from './hashes.ts';
import { ensureFinalizer } from './inventory/finalizer.ts';
import { createHandover } from './inventory/handover.ts';
import { createOwnedObjects, type OnObject } from './inventory/owned-objects.ts';
import { noteRelease } from './inventory/prune.ts';
import { createRediscovery } from './inventory/rediscover.ts';
import { finalizeSync, PruneError } from './inventory/removal.ts';
import { createLargeRenders } from './large.ts';
import { type ReconcilePorts, reconcileOnce, requeueAfter } from './reconcile.ts';
import { createRenderings } from './renderings.ts';
import { createReport } from './report.ts';
import { createKeyedLock, newSyncState, type SyncState } from './state.ts';
import { createIndex } from './sync-index.ts';

export interface SyncPorts {
  client: KubeClient;
  /** Of the whole cluster, shared with other rooms; workloads with `keepAppliers`. */
  caches: {
    syncs: WatchCache<GitSync>;
    holds: WatchCache<Hold>;
    namespaces: WatchCache;
    /** What the operator of the platform allows. */
    platform: WatchCache<PlatformPolicy>;
    workloads?: Record<WorkloadKind, WatchCache>;
  };
  discovery: Discovery;
  git: GitRoom;
  render: RenderPorts;
  snapshots: SnapshotStore;
  /** Lock-down, whatever that says. */
  requireServiceAccount?: boolean;
  /** Where the controller itself is installed; metricops-system by default. */
  systemNamespace?: string;
  /** HMAC key of digests. */
  digestKey: Uint8Array;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Metrics;
  events: EventRecorder;
}

export interface SyncController {
  /** Of the GitSyncs, for whoever else reads their repositories. */
  credentials: Credentials;
  /** A push came: look at the repository of this GitSync now. */
  requestSync(sync: SyncName): void;
  /** Obey this Hold now, without waiting for its watch event. */
  requestHold(hold: Hold): void;
  stop(): Promise<void>;
}

/** A dependency that is not there yet tells by its watch; this is for what a watch can miss. */
const REQUEUE_MS = 30_000;

/** At a time. The client has more connections: what asks, tells or rolls back waits for no apply. */
const WRITES = { slots: 24, perGroup: 16 };

/** Starts to reconcile. To be run by the leader only; `stop` resolves when nothing of it runs any more. */
export const startSync = async (ports: SyncPorts): Promise<SyncController> => {
  const { client, clock, log, metrics } = ports;
  const cachePorts: WatchCachePorts = {
    clock,
    random: ports.random,
    onWatchError: ({ what }) => metrics.watchErrors.inc({ what }),
  };
  const { syncs, holds, namespaces } = ports.caches;
  const lock = createKeyedLock();
  const states = new Map<string, SyncState>();
  const lost = createRediscovery(client, ports.discovery);
  const stopped = new AbortController();

  const stateOf = (key: string): SyncState => {
    const state = states.get(key) ?? newSyncState();
    states.set(key, state);
    return state;
  };
  /** GitSyncs that are there, by their owner label, by the source that they follow, and by what they depend on. */
  const index = {
    labels: createIndex<GitSync>((sync) => [ownerLabelOf(sync)]),
    sources: createIndex<GitSync>((sync) => [sourceKey(sync)]),
    dependencies: createIndex<GitSync>(({ metadata, spec }) =>
      spec.dependsOn.map(({ name }) => `${metadata.namespace}/${name}`),
    ),
  };
  const ownerOf = (label: string): { key: string; state: SyncState } | undefined => {
    const [key] = index.labels.of(label);
    return key === undefined ? undefined : { key, state: stateOf(key) };
  };

  const onObject: OnObject = (type, object, previous) => {
    drift(type, object, previous);
    const owner = ownerOf((object ?? previous)?.metadata.labels?.[labels.sync] ?? '');
    if (owner?.state.waitingSince) queue.add(owner.key); // its health may be what is waited for
    if (previous && !object) handover.freed(keyString(keyOf(previous)));
    const before = previous && ownerOf(previous.metadata.labels?.[labels.sync] ?? '');
    if (!before || !noteRelease(before.state, object, previous)) return;
    delete before.state.planned;
    queue.add(before.key);
  };
  const shared = ({ group, kind }: ResourceType): WatchCache | undefined =>
    group === 'apps' && isWorkloadKind(kind) ? ports.caches.workloads?.[kind] : undefined;
  const owned = createOwnedObjects(client, cachePorts, onObject, shared);
  const drift = createDriftWatch({
    clock,
    lock,
    owned,
    ownerOf,
    onDrift: (key) => queue.add(key),
    onError: (err, sync) => log.warn({ err, sync }, 'drift check failed'),
  });
  // An autoscaler that appears: the next apply of its target lets go of the replicas.
  const scaled = createAutoscaled(client, cachePorts, (target) => {
    const id = keyString(keyOf(target));
    for (const [key, state] of states) {
      if (!state.applied.has(id)) continue;
      state.drifted.add(id);
      queue.add(key);
    }
  });
  const lane = createHoldController({
    ...ports,
    lock,
    holds,
    signal: stopped.signal,
    writerOf(fieldManager) {
      const owner = ownerOf(labelOfManager(fieldManager));
      const sync = owner && syncs.get(nameOfKey(owner.key));
      return sync ? writerOf(withPlatformDefaults(sync, policy()), client) : client;
    },
    /** The next plan applies them again, which changes nothing, and notes their versions. */
    onRestored(sync, keys) {
      const state = stateOf(`${sync.namespace}/${sync.name}`);
      for (const key of keys) state.applied.delete(key);
    },
    onChange(workload) {
      for (const [key, state] of states) if (state.inventory.has(workload)) queue.add(key);
    },
  });
  const report = createReport(ports);
  const guard = createGuard({
    log,
    kind: 'sync',
    isForeseen: (error) => stopped.signal.aborted || error instanceof KubeError,
    tell: (key, message) => reportFailure(key, 'InternalError', message),
  });
  const reportFailure = async (key: string, reason: Reason, message: string): Promise<void> => {
    const sync = syncs.get(nameOfKey(key));
    if (sync) await report(sync, stateOf(key), { kind: 'failed', reason, message, permanent: false });
  };
  const follow = (key: string): Follower[] => {
    const sync = syncs.get(nameOfKey(key));
    if (!sync || sync.spec.suspend || sync.metadata.deletionTimestamp !== undefined) return [];
    if (refusalOfSync(withPlatformDefaults(sync, policy()), policy())) return [];
    const planned = states.get(key)?.planned;
    return [{ sync, inputs: planned?.inputs, isReady: isReady(sync) }];
  };
  const credentials = createCredentials(client, cachePorts);
  const sources = createSources({
    ...ports,
    credentials,
    followersOf: (source) => [...index.sources.of(source)].flatMap(follow),
    onChange: (key) => queue.add(key),
    onUnchanged: () => metrics.syncs.inc({ result: 'unchanged' }),
    onError: (err, url) => log.error({ err, url }, 'repository could not be looked at'),
    onUnforeseen: (error, url) => guard.note(url, error),
  });

  const policy = (): PlatformPolicySpec => {
    const spec = ports.caches.platform.get({ name: PLATFORM_POLICY_NAME })?.spec ?? unrestrictedPolicy;
    return ports.requireServiceAccount ? { ...spec, requireServiceAccount: true } : spec;
  };
  const withDefaults = (sync: GitSync): GitSync => withPlatformDefaults(sync, policy());
  const syncOf = (key: string): GitSync | undefined => {
    const sync = syncs.get(nameOfKey(key));
    return sync && withDefaults(sync);
  };
  const handover = createHandover({
    clock,
    syncs: () => syncs.list().map(withDefaults),
    syncOf,
    sources,
    policy,
    onChange: (key) => queue.add(key),
  });
  const health = createHealthThread();
  const reconcilePorts: ReconcilePorts = {
    ...ports,
    sources,
    health,
    lane,
    renderings: createRenderings(),
    hashes: createHashes(),
    withRender: createLargeRenders(),
    scaled,
    owned,
    namespaces,
    lock,
    turns: createFairSemaphore(WRITES),
    foreign: createForeignObjects(client, clock),
    handover,
    ownerOf: (label) => {
      const owner = ownerOf(label);
      return owner && syncOf(owner.key);
    },
    systemNamespace: ports.systemNamespace ?? SYSTEM_NAMESPACE,
    lost,
    policy,
    isRejectedNow: createRejectionCheck(holds),
    signal: stopped.signal,
  };
  /** Whether it was brought to where its ref stands now, and nothing of it is waited for. */
  const isCurrent = (sync: GitSync): boolean => {
    const head = sources.head(sync);
    if (sync.spec.suspend || head instanceof Error) return true; // its own Ready says what there is to say
    const { planned, waitingSince } = stateOf(keyOfSync(sync));
    if (!head || !planned || waitingSince) return false;
    return planned.commit === head.id || sources.holds(sync, planned.inputs);
  };

  const waitsForOthers = async (sync: GitSync, state: SyncState): Promise<boolean> => {
    const sibling = (name: string) => syncs.get({ namespace: sync.metadata.namespace ?? '', name });
    const problem = dependencyProblem(sync, sibling, isCurrent);
    if (!problem) return false;
    const { behind, reason, message } = problem;
    if (behind) stateOf(keyOfSync(behind)).followers.add(keyOfSync(sync));
    else await report(sync, state, { kind: 'failed', reason, message, permanent: reason === 'DependencyCycle' });
    return true;
  };

  const remove = async (sync: GitSync, state: SyncState): Promise<void> => {
    try {
      await finalizeSync(sync, state, reconcilePorts);
    } catch (error) {
      if (error instanceof PruneError)
        await report(sync, state, { kind: 'failed', reason: 'PruneFailed', message: error.message, permanent: false });
      throw error;
    }
  };

  /** What the API server says of a GitSync itself. Where it did not answer, or somebody wrote in between, it says nothing. */
  const reportRefusal = async (key: string, error: unknown): Promise<void> => {
    if (stopped.signal.aborted || !(error instanceof KubeError) || [0, 409].includes(error.status)) return;
    await reportFailure(key, 'ReconciliationFailed', error.message);
  };

  const reconcile = async (key: string): Promise<number | undefined> => {
    const written = syncs.get(nameOfKey(key));
    if (!written) {
      states.delete(key);
      handover.forget(key);
      return undefined;
    }
    const sync = withPlatformDefaults(written, policy());
    const state = stateOf(key);
    if (sync.metadata.deletionTimestamp !== undefined) {
      await remove(sync, state);
      states.delete(key);
      return undefined;
    }
    await ensureFinalizer(sync, client);
    if (sync.spec.suspend) {
      await report(sync, state, { kind: 'suspended' });
      return undefined;
    }
    const refused = refusalOfSync(sync, policy());
    if (refused) {
      await report(sync, state, { kind: 'failed', ...refused, permanent: true });
      return undefined;
    }
    if (await waitsForOthers(sync, state)) return REQUEUE_MS;
    const started = clock.now();
    const outcome = await reconcileOnce(sync, state, reconcilePorts);
    if (!outcome) return undefined;
    metrics.syncs.inc({ result: outcome.kind });
    metrics.syncDuration.observe((clock.now() - started) / 1000);
    await report(sync, state, outcome);
    for (const follower of state.followers) queue.add(follower);
    state.followers.clear();
    const later = [backoffEndsIn(state, clock.now()), pollUnwatchedIn(sync, state, clock.now())];
    return requeueAfter(sync, state, outcome, { sources, clock, random: ports.random }) ?? soonest(later);
  };

  const queue = createWorkQueue({
    concurrency: 24,
    perGroup: 16,
    clock,
    random: ports.random,
    // Others than these are logged by the guard, without their text.
    onError: (key, err, retryInMs) =>
      err instanceof KubeError && log.error({ err, sync: key, retryInMs }, 'sync failed'),
    maxBackoffMs: 60_000,
    worker: guard.wrap((key) =>
      reconcile(key).catch(async (error: unknown) => {
        await reportRefusal(key, error);
        throw error;
      }),
    ),
  });
  const lookAgain = (sync: GitSync): void => {
    if (sync.spec.suspend || refusalOfSync(withPlatformDefaults(sync, policy()), policy())) queue.add(keyOfSync(sync));
    else sources.refresh(sync, { tell: true });
  };
  const onSync = (sync: GitSync | undefined, previous: GitSync | undefined): void => {
    const changed = sync ?? previous;
    if (!changed) return;
    const key = keyOfSync(changed);
    for (const each of Object.values(index)) each.set(key, sync);
    if (!sync || sync.metadata.deletionTimestamp !== undefined) queue.add(key);
    else if (wasAsked(sync, previous) || sync.metadata.generation !== previous?.metadata.generation) {
      lookAgain(sync);
    }
    if (isReady(sync) !== isReady(previous)) for (const other of index.dependencies.of(key)) queue.add(other);
  };
  /** For each GitSync by itself: one that can't be understood is told so, and stops none of the others. */
  const forEach = (work: (sync: GitSync) => void): void => {
    for (const sync of syncs.list()) guard.run(keyOfSync(sync), () => work(sync));
  };
  await Promise.all([ports.caches.platform.ready(), holds.ready(), namespaces.ready(), scaled.ready(), syncs.ready()]);
  forEach((sync) => {
    lost.see(sync);
    onSync(sync, undefined);
  });
  const unsubscribe = syncs.onChange((sync, previous) => {
    const changed = sync ?? previous;
    if (changed) guard.run(keyOfSync(changed), () => onSync(sync, previous));
  });
  const forget = ports.caches.platform.onChange(() => forEach(lookAgain));

  return {
    credentials,
    requestSync(name) {
      const sync = syncs.get(name);
      if (sync && !sync.spec.suspend) sources.refresh(sync);
    },
    requestHold: lane.request,
    async stop() {
      stopped.abort(new Error('no longer the leader'));
      await Promise.all([queue.stop(), lane.stop(), sources.stop(), credentials.stop()]);
      unsubscribe();
      forget();
      await Promise.all([owned.stop(), scaled.stop(), health.close()]);
    },
  };
};

const soonest = (times: (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

const wasAsked = (sync: GitSync, previous: GitSync | undefined): boolean =>
  [annotations.requestedAt, annotations.pruneConfirmed].some(
    (name) => sync.metadata.annotations?.[name] !== previous?.metadata.annotations?.[name],
  );

const isReady = (sync: GitSync | undefined): boolean => conditionIs(sync?.status?.conditions, 'Ready', 'True');
