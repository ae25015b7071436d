import { annotations } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import { keyOf, parseKey } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import { GitError, type GitRoom } from '../git/index.ts';
import {
  createWatchCache,
  createWorkQueue,
  type Discovery,
  type EventRecorder,
  type KubeClient,
  resources,
  type WatchCachePorts,
} from '../kube/index.ts';
import { RenderError, type RenderPorts } from '../render/index.ts';
import { digestsOf, hashOf, type SnapshotStore } from '../snapshot/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { type ApplyProblem, applyAll } from './apply.ts';
import { conditionIs } from './conditions.ts';
import { dependencyProblem } from './dependencies.ts';
import { createDriftWatch } from './drift.ts';
import { createRejectionCheck } from './holds.ts';
import { ensureFinalizer, finish, rebuildInventory, rememberInventory } from './inventory.ts';
import { createHoldLane } from './lane.ts';
import { createOwnedObjects, ownerLabel } from './owned.ts';
import { type Plan, plan } from './plan.ts';
import { pruneAll } from './prune.ts';
import { renderSync, SyncError, sourceOf } from './source.ts';
import { createKeyedLock, newSyncState, type SyncState } from './state.ts';
import { type Outcome, statusOf } from './status.ts';
import { holdForUndo } from './undo.ts';
import { waitForHealth } from './wait.ts';

export interface SyncPorts {
  client: KubeClient;
  discovery: Discovery;
  git: GitRoom;
  render: RenderPorts;
  snapshots: SnapshotStore;
  /** HMAC key of digests. */
  digestKey: Uint8Array;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Metrics;
  events: EventRecorder;
}

export interface SyncController {
  /** Sync now: a push came. */
  requestSync(sync: { namespace: string; name: string }): void;
  /** Obey this Hold now, without waiting for its watch event. */
  requestHold(hold: Hold): void;
  /** GitSyncs of a repository, for push hooks that only know its URL. */
  syncsOf(url: string): { namespace: string; name: string }[];
  stop(): Promise<void>;
}

const RETRY_MS = 5_000;
const HEALTH_POLL_MS = 1_000;

/** Starts to reconcile. To be run by the leader only; `stop` resolves when nothing of it runs any more. */
export const startSync = async (ports: SyncPorts): Promise<SyncController> => {
  const { client, clock, log, metrics } = ports;
  const cachePorts: WatchCachePorts = {
    clock,
    random: ports.random,
    onDisturbance: ({ what }) => metrics.watchDisturbances.inc({ what }),
  };
  const syncs = createWatchCache<GitSync>(client, resources.gitSyncs, {}, cachePorts);
  const holds = createWatchCache<Hold>(client, resources.holds, {}, cachePorts);
  const namespaces = createWatchCache(client, resources.namespaces, { metadataOnly: true }, cachePorts);
  const lock = createKeyedLock();
  const states = new Map<string, SyncState>();

  const keyFor = ({ namespace, name }: { namespace?: string; name: string }): string => `${namespace}/${name}`;
  const stateOf = (key: string): SyncState => {
    const state = states.get(key) ?? newSyncState();
    states.set(key, state);
    return state;
  };
  const nameFor = (key: string) => ({
    namespace: key.slice(0, key.indexOf('/')),
    name: key.slice(key.indexOf('/') + 1),
  });

  const owned = createOwnedObjects(client, cachePorts, (type, object, previous) => drift(type, object, previous));
  const stopped = new AbortController();
  const applyPorts = {
    client,
    signal: stopped.signal,
    discovery: ports.discovery,
    owned,
    namespaces,
    snapshots: ports.snapshots,
    lock,
    isRejectedNow: createRejectionCheck(holds),
    metrics,
  };

  const lane = createHoldLane({
    ...ports,
    lock,
    holds,
    /** The next plan applies them again, which changes nothing, and notes their versions. */
    onRestored(sync, keys) {
      const state = stateOf(keyFor(sync));
      for (const key of keys) state.applied.delete(key);
    },
    onChange(workload) {
      for (const [key, state] of states) if (state.inventory.has(workload)) queue.add(key);
    },
  });
  const drift = createDriftWatch({
    lock,
    owned,
    ownerOf(label) {
      const sync = syncs.list().find((s) => ownerLabel(nameOf(s)) === label);
      return sync && { key: keyFor(sync.metadata), state: stateOf(keyFor(sync.metadata)) };
    },
    onDrift: (key) => queue.add(key),
    onError: (err, sync) => log.warn({ err, sync }, 'drift check failed'),
  });

  // --- one sync ----------------------------------------------------------------------------------------------------
  const reconcile = async (key: string): Promise<number | undefined> => {
    const sync = syncs.get(nameFor(key));
    if (!sync) {
      states.delete(key);
      return undefined;
    }
    const state = stateOf(key);
    if (sync.metadata.deletionTimestamp !== undefined) {
      await finish(sync, state, applyPorts);
      states.delete(key);
      return undefined;
    }
    await ensureFinalizer(sync, client);
    const interval = parseDuration(sync.spec.interval);
    if (sync.spec.suspend) {
      await report(sync, state, { kind: 'suspended' });
      return undefined;
    }
    const dependency = dependencyProblem(sync, syncs.list(sync.metadata.namespace));
    if (dependency) {
      await report(sync, state, { kind: 'failed', ...dependency, permanent: dependency.reason === 'DependencyCycle' });
      return RETRY_MS;
    }
    const started = clock.now();
    const outcome = await attempt(sync, state);
    metrics.syncs.inc({ result: outcome.kind });
    metrics.syncDuration.observe((clock.now() - started) / 1000);
    await report(sync, state, outcome);
    if (outcome.kind === 'waiting') return HEALTH_POLL_MS;
    const retry = outcome.kind === 'failed' || (outcome.kind === 'applied' && outcome.problems.length > 0);
    return (retry ? Math.min(RETRY_MS, interval) : interval) * (0.95 + ports.random() / 10);
  };

  const attempt = async (sync: GitSync, state: SyncState): Promise<Outcome> => {
    try {
      const source = await sourceOf(sync, client);
      const { commit, revision } = await ports.git.resolve(source);
      return await bringTo(sync, state, { commit, revision });
    } catch (error) {
      const problem = failureOf(error);
      if (!problem) throw error;
      // What was applied last is kept against drift, whatever is wrong with the newest commit or with the server.
      await correctDrift(sync, state).catch((err) =>
        log.warn({ err, sync: keyFor(sync.metadata) }, 'drift correction failed'),
      );
      return problem;
    }
  };

  const correctDrift = async (sync: GitSync, state: SyncState): Promise<void> => {
    const revision = sync.status?.appliedRevision;
    const commit = state.planned?.commit ?? revision?.slice(revision.indexOf('@') + 1);
    if (commit !== undefined && revision !== undefined && state.drifted.size > 0)
      await bringTo(sync, state, { commit, revision });
  };

  const bringTo = async (
    sync: GitSync,
    state: SyncState,
    at: { commit: string; revision: string },
  ): Promise<Outcome> => {
    const known = namespacesIn([...state.inventory.keys()].map(parseKey));
    if (
      state.planned?.commit === at.commit &&
      state.planned.fingerprint === fingerprintOf(sync, known) &&
      state.drifted.size === 0
    ) {
      return withHealth(sync, state, { kind: 'unchanged', ...at });
    }
    const rendered = await renderSync(sync, await sourceOf(sync, client), at.commit, ports);
    const touched = namespacesIn([...state.inventory.keys()].map(parseKey).concat(rendered.map(keyOf)));
    const fingerprint = fingerprintOf(sync, touched);
    await noticeUndone(sync, state);
    if (state.inventory.size === 0) await rebuildInventory(sync, state, rendered, applyPorts);
    const correct = sync.spec.drift === 'Correct';
    const drifted = [...state.drifted];
    if (!correct) state.drifted.clear();
    const made = plan({
      rendered,
      digestsOf: (w) => digestsOf(w, rendered, ports.digestKey),
      holds: await lane.holdsIn(touched),
      applied: new Map([...state.applied].map(([id, a]) => [id, a.hash])),
      drifted: state.drifted,
      inventory: [...state.inventory.keys()],
      prune: sync.spec.prune,
      allowEmpty: sync.spec.allowEmpty,
    });
    const problems = await execute(sync, state, made, at.commit);
    if (correct) metrics.driftCorrections.inc(drifted.filter((id) => !state.drifted.has(id)).length);
    if (problems.length === 0 && !made.emptyRefused) state.planned = { commit: at.commit, fingerprint };
    else delete state.planned;
    return withHealth(sync, state, { kind: 'applied', ...at, plan: made, problems, reported: correct ? [] : drifted });
  };

  /** Of everything that a plan depends on beside the commit. */
  const fingerprintOf = (sync: GitSync, namespaces: ReadonlySet<string>): string =>
    hashOf([sync.spec, lane.inForce(namespaces).map((h) => [h.metadata.uid, h.metadata.generation])]);

  const execute = async (sync: GitSync, state: SyncState, made: Plan, commit: string): Promise<ApplyProblem[]> => {
    const problems = await applyAll(sync, made.apply, { commit, state, all: made.desired }, applyPorts);
    const notPruned = problems.some((p) => !p.permanent) ? [] : await pruneAll(sync, made.prune, applyPorts);
    rememberInventory(state, made, notPruned);
    await lane.settle(made);
    return [...problems, ...notPruned];
  };

  /** Holds for what people rolled back by hand, in force before the plan is made. */
  const noticeUndone = async (sync: GitSync, state: SyncState): Promise<void> => {
    for (const id of state.drifted) {
      const rejected = state.applied.get(id)?.sourceDigest;
      const hold = rejected === undefined ? undefined : await holdForUndo(parseKey(id), rejected, client);
      if (!hold) continue;
      const note = `Deployment ${hold.metadata.namespace}/${hold.spec.workload.name} was rolled back by hand: held at release ${hold.spec.target.release}`;
      ports.events.record(sync, { type: 'Normal', reason: 'ReleaseHeld', action: 'Hold', note });
      await lane.seen(hold);
    }
  };

  const withHealth = (sync: GitSync, state: SyncState, outcome: Outcome): Promise<Outcome> =>
    waitForHealth(sync, state, outcome, ports);

  const report = async (sync: GitSync, state: SyncState, outcome: Outcome): Promise<void> => {
    const now = clock.now();
    const status = statusOf(sync, state, outcome, now);
    const { lastSyncTime: _, ...before } = sync.status ?? {};
    const { lastSyncTime: __, ...after } = status;
    if (hashOf(before) === hashOf(after)) return;
    await client.patch<GitSync>(
      resources.gitSyncs,
      sync.metadata,
      { type: 'merge', body: { status } },
      { subresource: 'status' },
    );
    const ready = status.conditions?.find((c) => c.type === 'Ready');
    const was = sync.status?.conditions?.find((c) => c.type === 'Ready');
    if (ready && (ready.status !== was?.status || ready.message !== was?.message) && outcome.kind !== 'waiting') {
      ports.events.record(sync, {
        type: ready.status === 'True' ? 'Normal' : 'Warning',
        reason: ready.reason,
        action: 'Sync',
        note: ready.message,
      });
    }
  };

  const queue = createWorkQueue({
    concurrency: 16,
    clock,
    random: ports.random,
    onError: (key, err, retryInMs) => log.error({ err, sync: key, retryInMs }, 'sync failed'),
    maxBackoffMs: 60_000,
    worker: reconcile,
  });
  syncs.onChange((sync, previous) => {
    const changed = sync ?? previous;
    if (!changed) return;
    const asked =
      sync?.metadata.annotations?.[annotations.requestedAt] !==
      previous?.metadata.annotations?.[annotations.requestedAt];
    const specChanged =
      sync?.metadata.generation !== previous?.metadata.generation || sync?.metadata.deletionTimestamp !== undefined;
    if (asked || specChanged) queue.add(keyFor(changed.metadata));
    if (
      conditionIs(sync?.status?.conditions, 'Ready', 'True') !==
      conditionIs(previous?.status?.conditions, 'Ready', 'True')
    ) {
      for (const other of syncs.list(changed.metadata.namespace)) {
        if (other.spec.dependsOn.some((d) => d.name === changed.metadata.name)) queue.add(keyFor(other.metadata));
      }
    }
  });
  await Promise.all([holds.ready(), namespaces.ready()]);
  await syncs.ready();
  for (const sync of syncs.list()) queue.add(keyFor(sync.metadata));

  return {
    requestSync: (sync) => queue.add(keyFor(sync)),
    requestHold: lane.request,
    syncsOf: (url) =>
      syncs
        .list()
        .filter((s) => normalUrl(s.spec.url) === normalUrl(url))
        .map(({ metadata }) => ({ namespace: metadata.namespace ?? '', name: metadata.name })),
    async stop() {
      stopped.abort(new Error('no longer the leader'));
      await Promise.all([queue.stop(), lane.stop()]);
      await Promise.all([syncs.stop(), holds.stop(), namespaces.stop(), owned.stop()]);
    },
  };
};

const namespacesIn = (keys: readonly { namespace: string }[]): Set<string> => new Set(keys.map((k) => k.namespace));

const nameOf = ({ metadata }: GitSync) => ({ namespace: metadata.namespace ?? '', name: metadata.name });

const normalUrl = (url: string): string =>
  url
    .replace(/\.git\/?$/, '')
    .replace(/\/$/, '')
    .toLowerCase();

const failureOf = (error: unknown): (Outcome & { kind: 'failed' }) | undefined => {
  if (error instanceof GitError || error instanceof RenderError || error instanceof SyncError) {
    const permanent = error instanceof RenderError;
    return { kind: 'failed', reason: error.code, message: error.message, permanent };
  }
  return undefined;
};
