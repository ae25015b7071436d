import { annotations, labelOfManager, labels } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import { keyOf, keyString } from '../api/meta.ts';
import {
  openPlatform,
  PLATFORM_POLICY_NAME,
  type PlatformPolicy,
  type PlatformPolicySpec,
} from '../api/platform-policy.ts';
import { isWorkloadKind, type WorkloadKind } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import type { GitRoom } from '../git/index.ts';
import {
  createTurns,
  createWorkQueue,
  type Discovery,
  type EventRecorder,
  type KubeClient,
  type ResourceType,
  type WatchCache,
  type WatchCachePorts,
} from '../kube/index.ts';
import type { RenderPorts } from '../render/index.ts';
import type { SnapshotStore } from '../snapshot/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { conditionIs } from './conditions.ts';
import { refusalOfSync, withPlatformDefaults } from './confine.ts';
import { dependencyProblem } from './dependencies.ts';
import { createDriftWatch } from './drift.ts';
import { createForeignObjects } from './foreign.ts';
import { createRejectionCheck } from './holds.ts';
import { ensureFinalizer, finish, PruneError } from './inventory.ts';
import { createHoldLane } from './lane.ts';
import { createLostInventories } from './lost.ts';
import { keyOfSync, nameOfKey, ownerLabelOf, type SyncName } from './names.ts';
import { createOwnedObjects, type OnObject } from './owned.ts';
import { quarrelEndsIn } from './quarrel.ts';
import { againIn, type ReconcilePorts, reconcileOnce } from './reconcile.ts';
import { createReport } from './report.ts';
import { createScaled } from './scaled.ts';
import { createSources } from './sources.ts';
import { createKeyedLock, newSyncState, type SyncState } from './state.ts';
import { lookAtUnwatchedIn } from './unwatched.ts';
import { writerOf } from './writer.ts';

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
  /** HMAC key of digests. */
  digestKey: Uint8Array;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Metrics;
  events: EventRecorder;
}

export interface SyncController {
  /** A push came: look at the repository of this GitSync now. */
  requestSync(sync: SyncName): void;
  /** Obey this Hold now, without waiting for its watch event. */
  requestHold(hold: Hold): void;
  stop(): Promise<void>;
}

/** A dependency that is not there yet tells by its watch; this is for what a watch can miss. */
const LOOK_AGAIN_MS = 30_000;

/** At a time. The client has more connections: what asks, tells or rolls back waits for no apply. */
const WRITES = { places: 24, perGroup: 16 };

/** Starts to reconcile. To be run by the leader only; `stop` resolves when nothing of it runs any more. */
export const startSync = async (ports: SyncPorts): Promise<SyncController> => {
  const { client, clock, log, metrics } = ports;
  const cachePorts: WatchCachePorts = {
    clock,
    random: ports.random,
    onDisturbance: ({ what }) => metrics.watchDisturbances.inc({ what }),
  };
  const { syncs, holds, namespaces } = ports.caches;
  const lock = createKeyedLock();
  const states = new Map<string, SyncState>();
  const lost = createLostInventories(client, ports.discovery);
  const stopped = new AbortController();

  const stateOf = (key: string): SyncState => {
    const state = states.get(key) ?? newSyncState();
    states.set(key, state);
    return state;
  };
  /** The GitSync of an owner label, by name; labels are derived from names, so this never has to be taken back. */
  const labelled = new Map<string, string>();
  const ownerOf = (label: string): { key: string; state: SyncState } | undefined => {
    const key = labelled.get(label);
    return key === undefined || !syncs.get(nameOfKey(key)) ? undefined : { key, state: stateOf(key) };
  };

  const onObject: OnObject = (type, object, previous) => {
    drift(type, object, previous);
    const owner = ownerOf((object ?? previous)?.metadata.labels?.[labels.sync] ?? '');
    if (owner?.state.waitingSince) queue.add(owner.key); // its health may be what is waited for
  };
  const shared = ({ group, kind }: ResourceType): WatchCache | undefined =>
    group === 'apps' && isWorkloadKind(kind) ? ports.caches.workloads?.[kind] : undefined;
  const owned = createOwnedObjects(client, cachePorts, onObject, shared);
  const drift = createDriftWatch({
    lock,
    owned,
    ownerOf,
    onDrift: (key) => queue.add(key),
    onError: (err, sync) => log.warn({ err, sync }, 'drift check failed'),
  });
  // An autoscaler that appears: the next apply of its target lets go of the replicas.
  const scaled = createScaled(client, cachePorts, (target) => {
    const id = keyString(keyOf(target));
    for (const [key, state] of states) {
      if (!state.applied.has(id)) continue;
      state.drifted.add(id);
      queue.add(key);
    }
  });
  const lane = createHoldLane({
    ...ports,
    lock,
    holds,
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
  const sources = createSources({
    ...ports,
    followers: () =>
      syncs
        .list()
        .filter((sync) => !sync.spec.suspend && sync.metadata.deletionTimestamp === undefined)
        .filter((sync) => refusalOfSync(withPlatformDefaults(sync, policy()), policy()) === undefined)
        .map((sync) => {
          const planned = states.get(keyOfSync(sync))?.planned;
          // One that failed since hears of every commit: also of one that is as the last good one was.
          return { sync, inputs: planned?.inputs, content: isReady(sync) ? planned?.content : undefined };
        }),
    onNews: (key) => queue.add(key),
    onUnchanged: () => metrics.syncs.inc({ result: 'unchanged' }),
    onError: (err, url) => log.error({ err, url }, 'repository could not be looked at'),
  });

  const policy = (): PlatformPolicySpec => {
    const spec = ports.caches.platform.get({ name: PLATFORM_POLICY_NAME })?.spec ?? openPlatform;
    return ports.requireServiceAccount ? { ...spec, requireServiceAccount: true } : spec;
  };
  const reconcilePorts: ReconcilePorts = {
    ...ports,
    sources,
    lane,
    scaled,
    owned,
    namespaces,
    lock,
    turns: createTurns(WRITES),
    foreign: createForeignObjects(client, clock),
    isOwner: (label) => ownerOf(label) !== undefined,
    lost,
    policy,
    isRejectedNow: createRejectionCheck(holds),
    signal: stopped.signal,
  };
  const report = createReport(ports);

  /** Whether it was brought to where its ref stands now, and nothing of it is waited for. */
  const isCurrent = (sync: GitSync): boolean => {
    const head = sources.head(sync);
    if (sync.spec.suspend || head instanceof Error) return true; // its own Ready says what there is to say
    const { planned, waitingSince } = stateOf(keyOfSync(sync));
    if (!head || !planned || waitingSince) return false;
    return planned.commit === head.commit || sources.contentOf(sync, planned.inputs) === planned.content;
  };

  const waitsForOthers = async (sync: GitSync, state: SyncState): Promise<boolean> => {
    const problem = dependencyProblem(sync, () => syncs.list(sync.metadata.namespace), isCurrent);
    if (!problem) return false;
    const { behind, reason, message } = problem;
    if (behind) stateOf(keyOfSync(behind)).followers.add(keyOfSync(sync));
    else await report(sync, state, { kind: 'failed', reason, message, permanent: reason === 'DependencyCycle' });
    return true;
  };

  const remove = async (sync: GitSync, state: SyncState): Promise<void> => {
    try {
      await finish(sync, state, reconcilePorts);
    } catch (error) {
      if (error instanceof PruneError)
        await report(sync, state, { kind: 'failed', reason: 'PruneFailed', message: error.message, permanent: false });
      throw error;
    }
  };

  const reconcile = async (key: string): Promise<number | undefined> => {
    const written = syncs.get(nameOfKey(key));
    if (!written) {
      states.delete(key);
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
    if (await waitsForOthers(sync, state)) return LOOK_AGAIN_MS;
    const started = clock.now();
    const outcome = await reconcileOnce(sync, state, reconcilePorts);
    if (!outcome) return undefined;
    metrics.syncs.inc({ result: outcome.kind });
    metrics.syncDuration.observe((clock.now() - started) / 1000);
    await report(sync, state, outcome);
    for (const follower of state.followers) queue.add(follower);
    state.followers.clear();
    const later = [quarrelEndsIn(state, clock.now()), lookAtUnwatchedIn(sync, state, clock.now())];
    return againIn(sync, state, outcome, ports.random) ?? soonest(later);
  };

  const queue = createWorkQueue({
    concurrency: 24,
    perGroup: 16,
    clock,
    random: ports.random,
    onError: (key, err, retryInMs) => log.error({ err, sync: key, retryInMs }, 'sync failed'),
    maxBackoffMs: 60_000,
    worker: reconcile,
  });
  const dependents = (sync: GitSync): GitSync[] =>
    syncs
      .list(sync.metadata.namespace)
      .filter((other) => other.spec.dependsOn.some((d) => d.name === sync.metadata.name));
  const lookAgain = (sync: GitSync): void => {
    if (sync.spec.suspend || refusalOfSync(withPlatformDefaults(sync, policy()), policy())) queue.add(keyOfSync(sync));
    else sources.refresh(sync, { tell: true });
  };
  const onSync = (sync: GitSync | undefined, previous: GitSync | undefined): void => {
    const changed = sync ?? previous;
    if (!changed) return;
    const key = keyOfSync(changed);
    labelled.set(ownerLabelOf(changed), key);
    if (!sync || sync.metadata.deletionTimestamp !== undefined) queue.add(key);
    else if (wasAsked(sync, previous) || sync.metadata.generation !== previous?.metadata.generation) {
      lookAgain(sync);
    }
    if (isReady(sync) !== isReady(previous)) for (const other of dependents(changed)) queue.add(keyOfSync(other));
  };
  await Promise.all([ports.caches.platform.ready(), holds.ready(), namespaces.ready(), scaled.ready(), syncs.ready()]);
  for (const sync of syncs.list()) {
    lost.see(sync);
    onSync(sync, undefined);
  }
  const unsubscribe = syncs.onChange(onSync);
  const forget = ports.caches.platform.onChange(() => {
    for (const sync of syncs.list()) lookAgain(sync);
  });

  return {
    requestSync(name) {
      const sync = syncs.get(name);
      if (sync && !sync.spec.suspend) sources.refresh(sync);
    },
    requestHold: lane.request,
    async stop() {
      stopped.abort(new Error('no longer the leader'));
      await Promise.all([queue.stop(), lane.stop(), sources.stop()]);
      unsubscribe();
      forget();
      await Promise.all([owned.stop(), scaled.stop()]);
    },
  };
};

const soonest = (times: (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

const wasAsked = (sync: GitSync, previous: GitSync | undefined): boolean =>
  sync.metadata.annotations?.[annotations.requestedAt] !== previous?.metadata.annotations?.[annotations.requestedAt];

const isReady = (sync: GitSync | undefined): boolean => conditionIs(sync?.status?.conditions, 'Ready', 'True');
