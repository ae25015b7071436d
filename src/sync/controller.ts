import { annotations, labels } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import { type KubeObject, keyOf, keyString, parseKey } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import { GitError, type GitRoom } from '../git/index.ts';
import {
  createWatchCache,
  createWorkQueue,
  type Discovery,
  type EventRecorder,
  type KubeClient,
  type ResourceType,
  resources,
  type WatchCachePorts,
} from '../kube/index.ts';
import { RenderError, type RenderPorts } from '../render/index.ts';
import { digestsOf, hashOf, type Snapshot, SnapshotDamaged, type SnapshotStore } from '../snapshot/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { type ApplyProblem, applyAll } from './apply.ts';
import { conditionIs } from './conditions.ts';
import { dependencyProblem } from './dependencies.ts';
import { createRejectionCheck, enforceHold, type HoldPorts, writeHoldStatus } from './holds.ts';
import { createOwnedObjects, ownerLabel } from './owned.ts';
import { type HoldWithTarget, type Plan, plan } from './plan.ts';
import { pruneAll } from './prune.ts';
import { renderSync, SyncError, sourceOf } from './source.ts';
import { createKeyedLock, newSyncState, type SyncState, versionSeen } from './state.ts';
import { type Outcome, statusOf } from './status.ts';
import { holdForUndo } from './undo.ts';
import { unhealthyOf } from './wait.ts';

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

const FINALIZER = 'metricops.dev/prune';
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
  const owned = createOwnedObjects(client, cachePorts, (type, object, previous) =>
    noticeChange(type, object, previous),
  );
  const lock = createKeyedLock();
  const states = new Map<string, SyncState>();
  const targets = new Map<string, Snapshot>();

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

  const applyPorts = {
    client,
    discovery: ports.discovery,
    owned,
    namespaces,
    snapshots: ports.snapshots,
    lock,
    isRejectedNow: createRejectionCheck(holds),
    metrics,
  };

  // --- drift -------------------------------------------------------------------------------------------------------
  /** A change of an owned object that this process did not make. */
  const noticeChange = (type: ResourceType, object: KubeObject | undefined, previous: KubeObject | undefined): void => {
    const { metadata } = object ?? previous ?? {};
    const owner = metadata?.labels?.[labels.sync];
    if (!metadata || owner === undefined) return;
    const sync = syncs
      .list()
      .find((s) => ownerLabel({ namespace: s.metadata.namespace ?? '', name: s.metadata.name }) === owner);
    if (!sync) return;
    const key = keyFor(sync.metadata);
    const state = stateOf(key);
    const id = keyString({
      group: type.group,
      kind: type.kind,
      namespace: metadata.namespace ?? '',
      name: metadata.name,
    });
    const applied = state.applied.get(id);
    if (!applied) return;
    const optedIn = object !== undefined && inject(object) !== inject(previous ?? object);
    if (object && versionSeen(object.metadata) === applied.version && !optedIn) return;
    // Our own apply may still be under way: once its answer is noted, the versions are equal or it was somebody else.
    void lock(id, async () => {
      const live = (await owned.of(type)).get(metadata);
      const now = state.applied.get(id);
      if (live && now && versionSeen(live.metadata) === now.version && !optedIn) return;
      state.drifted.add(id);
      queue.add(key);
    }).catch((error) => log.warn({ err: error, sync: key }, 'drift check failed'));
  };
  const inject = (object: KubeObject): string | undefined => object.metadata.annotations?.[annotations.inject];

  // --- holds -------------------------------------------------------------------------------------------------------
  const holdPorts: HoldPorts = {
    ...applyPorts,
    clock,
    onApplied(hold, fieldManager, objects) {
      metrics.holdApplyDuration.observe(
        Math.max(0, clock.now() - Date.parse(hold.metadata.creationTimestamp ?? '')) / 1000,
      );
      const [, namespace, name] = fieldManager.split('/');
      if (namespace === undefined || name === undefined) return;
      const state = stateOf(keyFor({ namespace, name }));
      for (const object of objects) state.applied.delete(keyString(keyOf(object)));
    },
  };
  const holdQueue = createWorkQueue({
    concurrency: 8,
    clock,
    random: ports.random,
    onError: (key, err, retryInMs) => log.error({ err, hold: key, retryInMs }, 'hold failed'),
    maxBackoffMs: 5_000,
    async worker(key) {
      const hold = fresh.get(key) ?? holds.get(nameFor(key));
      fresh.delete(key);
      if (!hold || hold.metadata.deletionTimestamp !== undefined) return undefined;
      await enforceHold(hold, holdPorts);
      return undefined;
    },
  });
  const fresh = new Map<string, Hold>();
  const touchSyncsOf = (hold: Hold): void => {
    for (const [key, state] of states) {
      const id = keyString({ group: 'apps', ...hold.spec.workload, namespace: hold.metadata.namespace ?? '' });
      if (state.inventory.has(id)) queue.add(key);
    }
  };
  holds.onChange((hold, previous) => {
    const changed = hold ?? previous;
    if (!changed) return;
    if (hold) holdQueue.add(keyFor(hold.metadata));
    if (hold?.metadata.generation !== previous?.metadata.generation) touchSyncsOf(changed);
  });

  const targetOf = async (hold: Hold): Promise<HoldWithTarget> => {
    const key = `${hold.metadata.namespace}/${hold.spec.target.snapshot}`;
    const known = targets.get(key);
    if (known) return { hold, target: known };
    const target = await ports.snapshots
      .read(hold.metadata.namespace ?? '', hold.spec.target.snapshot)
      .catch((error: unknown) => {
        if (error instanceof SnapshotDamaged) return undefined;
        throw error;
      });
    if (target) targets.set(key, target);
    return { hold, target };
  };

  // --- one sync ----------------------------------------------------------------------------------------------------
  const reconcile = async (key: string): Promise<number | undefined> => {
    const sync = syncs.get(nameFor(key));
    if (!sync) {
      states.delete(key);
      return undefined;
    }
    const state = stateOf(key);
    if (sync.metadata.deletionTimestamp !== undefined) return finish(sync, state);
    await ensureFinalizer(sync);
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
      return waitOutcome(sync, state, { kind: 'unchanged', ...at });
    }
    const rendered = await renderSync(sync, await sourceOf(sync, client), at.commit, ports);
    const touched = namespacesIn([...state.inventory.keys()].map(parseKey).concat(rendered.map(keyOf)));
    const fingerprint = fingerprintOf(sync, touched);
    await noticeUndone(sync, state);
    if (state.inventory.size === 0) await rebuildInventory(sync, state, rendered);
    const correct = sync.spec.drift === 'Correct';
    const drifted = [...state.drifted];
    if (!correct) state.drifted.clear();
    const made = plan({
      rendered,
      digestsOf: (w) => digestsOf(w, rendered, ports.digestKey),
      holds: await holdsIn(touched),
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
    return waitOutcome(sync, state, { kind: 'applied', ...at, plan: made, problems, reported: correct ? [] : drifted });
  };

  const namespacesIn = (keys: readonly { namespace: string }[]): Set<string> => new Set(keys.map((k) => k.namespace));

  const holdsOf = (inNamespaces: ReadonlySet<string>): Hold[] =>
    holds
      .list()
      .filter((h) => inNamespaces.has(h.metadata.namespace ?? '') && h.metadata.deletionTimestamp === undefined);

  /** Of everything that a plan depends on beside the commit. */
  const fingerprintOf = (sync: GitSync, inNamespaces: ReadonlySet<string>): string =>
    hashOf([sync.spec, holdsOf(inNamespaces).map((h) => [h.metadata.uid, h.metadata.generation])]);

  /** With their targets. The lane goes first: a plan that restored configuration before it would hide the need of a restart. */
  const holdsIn = async (inNamespaces: ReadonlySet<string>): Promise<HoldWithTarget[]> => {
    const relevant = holdsOf(inNamespaces);
    await Promise.all(relevant.map((hold) => enforceHold(hold, holdPorts)));
    return Promise.all(relevant.map(targetOf));
  };

  const execute = async (sync: GitSync, state: SyncState, made: Plan, commit: string): Promise<ApplyProblem[]> => {
    const problems = await applyAll(sync, made.apply, { commit, state, all: made.desired }, applyPorts);
    const notPruned = problems.some((p) => !p.permanent) ? [] : await pruneAll(sync, made.prune, applyPorts);
    remember(state, made, notPruned);
    await settleHolds(made);
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
      for (let i = 0; i < 100 && !holds.get(hold.metadata); i += 1) await clock.sleep(20);
    }
  };

  /** After a restart, or a crash between apply and status: what carries our label is ours. */
  const rebuildInventory = async (sync: GitSync, state: SyncState, rendered: readonly KubeObject[]): Promise<void> => {
    for (const { id, v } of sync.status?.inventory ?? []) state.inventory.set(id, v);
    const owner = ownerLabel({ namespace: sync.metadata.namespace ?? '', name: sync.metadata.name });
    const kinds = new Map(
      [...state.inventory.keys()]
        .map(parseKey)
        .concat(rendered.map(keyOf))
        .map((k) => [`${k.group}/${k.kind}`, k]),
    );
    for (const { group, kind } of kinds.values()) {
      const type = await ports.discovery.findKind(group, kind);
      if (!type) continue;
      for (const { metadata } of (await owned.of(type)).list()) {
        if (metadata.labels?.[labels.sync] !== owner) continue;
        state.inventory.set(
          keyString({ group, kind, namespace: metadata.namespace ?? '', name: metadata.name }),
          type.version,
        );
      }
    }
  };

  const remember = (state: SyncState, made: Plan, notPruned: readonly ApplyProblem[]): void => {
    const kept = [...made.keep.map((k) => k.key), ...notPruned.map((p) => p.key)];
    if (made.emptyRefused) return;
    const versions = new Map(state.inventory);
    state.inventory.clear();
    for (const { key, object } of made.desired)
      state.inventory.set(key, object.apiVersion.slice(object.apiVersion.indexOf('/') + 1));
    for (const key of kept) state.inventory.set(key, versions.get(key) ?? 'v1');
    for (const key of made.prune) state.applied.delete(key);
  };

  /** Holds say whether they are in force now. */
  const settleHolds = async (made: Plan): Promise<void> => {
    for (const { hold, digest } of made.passed) {
      if (hold.status?.phase === 'Lifted' && hold.status.currentDigest === digest) continue;
      await writeHoldStatus(
        hold,
        { phase: 'Lifted', reason: 'OtherDigest', message: 'a release that is not rejected was applied', digest },
        ports,
      );
    }
    for (const { hold } of made.held) {
      if (hold.status?.phase !== 'Lifted') continue;
      const message = `a rejected release came back; release ${hold.spec.target.release} is applied instead`;
      await writeHoldStatus(
        hold,
        { phase: 'Held', reason: 'TargetApplied', message, digest: hold.spec.target.sourceDigest },
        ports,
      );
    }
  };

  const waitOutcome = async (sync: GitSync, state: SyncState, outcome: Outcome): Promise<Outcome> => {
    if (
      !sync.spec.wait ||
      outcome.kind === 'failed' ||
      (conditionIs(sync.status?.conditions, 'Ready', 'True') && outcome.kind === 'unchanged')
    )
      return outcome;
    const unhealthy = await unhealthyOf([...state.inventory.keys()].map(parseKey), ports);
    const fingerprint = state.planned?.fingerprint ?? '';
    if (!unhealthy) {
      delete state.waitingSince;
      return outcome;
    }
    if (state.waitingSince?.fingerprint !== fingerprint) state.waitingSince = { fingerprint, at: clock.now() };
    const expired = unhealthy.failed || clock.now() - state.waitingSince.at > parseDuration(sync.spec.timeout);
    if (!expired) return { kind: 'waiting', message: unhealthy.message, of: outcome };
    return { kind: 'failed', reason: 'HealthCheckFailed', message: unhealthy.message, permanent: unhealthy.failed };
  };

  const ensureFinalizer = async (sync: GitSync): Promise<void> => {
    if (sync.metadata.finalizers?.includes(FINALIZER)) return;
    const finalizers = [...(sync.metadata.finalizers ?? []), FINALIZER];
    const body = { metadata: { finalizers, resourceVersion: sync.metadata.resourceVersion } };
    await client.patch(resources.gitSyncs, sync.metadata, { type: 'merge', body });
  };

  /** The GitSync is being deleted: what it owns goes with it, unless spec.prune is false. */
  const finish = async (sync: GitSync, state: SyncState): Promise<undefined> => {
    if (sync.spec.prune) {
      await rebuildInventory(sync, state, []);
      const problems = await pruneAll(sync, [...state.inventory.keys()], applyPorts);
      const [first] = problems;
      if (first) throw new Error(first.message);
    }
    const finalizers = (sync.metadata.finalizers ?? []).filter((f) => f !== FINALIZER);
    await client.patch(resources.gitSyncs, sync.metadata, { type: 'merge', body: { metadata: { finalizers } } });
    states.delete(keyFor(sync.metadata));
    return undefined;
  };

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
    requestHold(hold) {
      fresh.set(keyFor(hold.metadata), hold);
      holdQueue.add(keyFor(hold.metadata));
    },
    syncsOf: (url) =>
      syncs
        .list()
        .filter((s) => normalUrl(s.spec.url) === normalUrl(url))
        .map(({ metadata }) => ({ namespace: metadata.namespace ?? '', name: metadata.name })),
    async stop() {
      await Promise.all([queue.stop(), holdQueue.stop()]);
      await Promise.all([syncs.stop(), holds.stop(), namespaces.stop(), owned.stop()]);
    },
  };
};

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
