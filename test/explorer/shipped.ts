import { setImmediate } from 'node:timers/promises';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import { type KubeObject, keyOf } from '../../src/api/meta.ts';
import { unrestrictedPolicy } from '../../src/api/platform-policy.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import type { RollbackPolicy } from '../../src/api/rollback-policy.ts';
import { workloadOptions } from '../../src/caches.ts';
import type { Clock } from '../../src/clock.ts';
import { createFairSemaphore } from '../../src/fair-semaphore.ts';
import { isDigestRejected, obstacleToTarget } from '../../src/holds/index.ts';
import { createIntake, startIncidents } from '../../src/incident/index.ts';
import { type ResourceType, resources, type WatchCache } from '../../src/kube/index.ts';
import { createKeyedLock } from '../../src/lock.ts';
import { createRecorder, type RecorderCaches } from '../../src/release/index.ts';
import type { Queries, QueriesOf } from '../../src/slo/index.ts';
import { createSnapshotStore } from '../../src/snapshot/index.ts';
import type { Source } from '../../src/source/types.ts';
import { createForeignObjects } from '../../src/sync/apply/foreign-objects.ts';
import { createDriftWatch } from '../../src/sync/drift/watch.ts';
import { createHandover } from '../../src/sync/inventory/handover.ts';
import { appliedOwnerOf, type OwnedObjects } from '../../src/sync/objects/owned-objects.ts';
import { createHashes } from '../../src/sync/plan/hashes.ts';
import { type ReconcilePorts, reconcile } from '../../src/sync/reconcile.ts';
import { createRegistry, type Registry } from '../../src/sync/state/registry.ts';
import type { SyncState } from '../../src/sync/state/sync-state.ts';
import { createReport } from '../../src/sync/status/report.ts';
import { watchHolds } from '../../src/sync/watch/holds.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { BUILT_IN, kindOf } from '../support/api-server/kinds.ts';
import type { Moment } from '../support/api-server.ts';
import { viewOf } from './views.ts';
import type { Wire } from './wire.ts';

/**
 * The only place where the explorer meets the code that ships: each piece of work is made by the rooms' own entry
 * points, on watched copies that show one moment, a clock of its own and an API server in memory.
 */
export interface Process {
  wire: Wire;
  now: number;
  /** What its watch of this kind shows. */
  seen: (type: ResourceType) => Moment;
  /** Whether the workload burned at a time, as Prometheus knows it. */
  burnedAt: (time: number) => boolean;
  /** Where Git stands; undefined where the workload is of no GitSync. */
  head: { commit: string; objects: readonly KubeObject[] } | undefined;
}

export const NAMESPACE = 'shop';
export const SYNC = { namespace: NAMESPACE, name: 'shop' };
const SYNC_KEY = `${SYNC.namespace}/${SYNC.name}`;
export const RULE_FILE = '/etc/prometheus/rules/shop.yaml';
export const ALERT = 'BudgetBurn';
export const DIGEST_KEY = Buffer.from('0123456789abcdef0123456789abcdef');

const log = silentLog();
const metrics = createMetrics();
const random = (): number => 0.5;
const noChart = async (): Promise<never> => {
  throw new Error('no chart is explored');
};
export const SYSTEM = 'metricops-system';

/** Sleeps that only let others in end at once, a number of them; the others wait for another piece of work. */
const SHORT_MS = 200;
const MANY = 150;
const clockAt = (now: number): Clock => {
  let slept = 0;
  const sleep: Clock['sleep'] = (ms, signal) => {
    slept += 1;
    if (ms <= SHORT_MS && slept < MANY) return Promise.resolve();
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
  };
  return { now: () => now, sleep };
};

/** Until nothing is under way: every request is answered in the same turn of the event loop. */
const settled = async ({ requests }: Wire): Promise<void> => {
  for (let quiet = 0, before = requests(); quiet < 2; before = requests()) {
    await setImmediate();
    quiet = requests() === before ? quiet + 1 : 0;
  }
};

const cachesOf = ({ seen }: Process) => {
  const view = <T extends KubeObject = KubeObject>(type: ResourceType): WatchCache<T> =>
    viewOf<T>(() => seen(type), type);
  const workloads = (type: ResourceType): WatchCache => viewOf(() => seen(type), type, workloadOptions.trim);
  const caches: RecorderCaches = {
    incidents: view<Incident>(resources.incidents),
    holds: view<Hold>(resources.holds),
    histories: view<ReleaseHistory>(resources.releaseHistories),
    rollbackPolicies: view<RollbackPolicy>(resources.rollbackPolicies),
    namespaces: view(resources.namespaces),
    pods: view(resources.pods),
    replicaSets: view(resources.replicaSets),
    workloads: {
      Deployment: workloads(resources.deployments),
      StatefulSet: workloads(resources.statefulSets),
      DaemonSet: workloads(resources.daemonSets),
    },
  };
  const platform = {
    current: () => unrestrictedPolicy,
    ready: async () => {},
    onChange: () => () => {},
    stop: async () => {},
  };
  return { ...caches, platform, syncs: view<GitSync>(resources.gitSyncs) };
};

const commonOf = (process: Process) => ({
  client: process.wire.client,
  caches: cachesOf(process),
  clock: clockAt(process.now),
  random,
  log,
  metrics,
  occurred: () => {},
});

export const queriesOf = ({ burnedAt }: Pick<Process, 'burnedAt'>): QueriesOf => {
  const queries: Queries = {
    query: async (_, at = 0) => (burnedAt(at) ? [{ labels: {}, value: 1 }] : []),
    queryRange: async (_, { start, end, step }) => {
      const count = Math.round((end - start) / step) + 1;
      const times = Array.from({ length: count }, (__, i) => start + i * step).filter(burnedAt);
      return [{ labels: {}, points: times.map((at) => ({ at, value: 1 })) }];
    },
    alertingRules: async (name) => [{ name, expression: 'burns', labels: {}, file: RULE_FILE }],
  };
  return () => queries;
};

/** @returns the status of the answer; undefined where the process died over it */
export const takeAlerts = async (process: Process, body: unknown): Promise<number | undefined> => {
  let answered: number | undefined;
  const intake = createIntake({ ...commonOf(process), onIncident: () => {} });
  const answer = intake.receive(body).then(({ status }) => {
    answered = status;
  });
  await Promise.race([answer, process.wire.died]);
  return answered;
};

export const workOnIncidents = async (process: Process): Promise<void> => {
  const ports = commonOf(process);
  const snapshots = createSnapshotStore(ports.client, DIGEST_KEY, ports.clock);
  const incidents = await startIncidents({
    ...ports,
    queries: queriesOf(process),
    onHold: () => {},
    refusalOf: async () => undefined,
    obstacleTo: (workload, target) => obstacleToTarget(workload, target, { client: ports.client, snapshots }),
  });
  await settled(process.wire);
  void incidents.stop();
};

export const recordReleases = async (process: Process): Promise<void> => {
  const ended = new AbortController();
  const ports = commonOf(process);
  const verifier = { verify: () => Promise.reject(new Error('nobody reports')) };
  const snapshots = createSnapshotStore(ports.client, DIGEST_KEY, ports.clock);
  const recorder = createRecorder({ ...ports, snapshots, systemNamespace: SYSTEM, verifier });
  void recorder.start(ended.signal);
  await settled(process.wire);
  ended.abort(new Error('the piece of work is done'));
};

/** Of the GitSync; it is changed. */
export const obeyHolds = async (process: Process, sync: SyncState): Promise<void> => {
  const { holdController, stop } = holdsOf(process, sync);
  holdController.start();
  await settled(process.wire);
  stop();
};

/** Of one GitSync, with what the state of the world says that the leader remembers of it. */
const registryOf = (syncs: WatchCache<GitSync>, sync: SyncState): Registry => {
  const registry = createRegistry();
  for (const gitSync of syncs.list()) registry.see(SYNC_KEY, gitSync);
  const stateOf = (): SyncState => sync;
  return {
    ...registry,
    stateOf,
    stateIfKnown: stateOf,
    states: () => [[SYNC_KEY, sync]],
    ownerOf: (label) => registry.ownerOf(label) && { key: SYNC_KEY, state: sync },
  };
};

const holdsOf = (process: Process, sync: SyncState) => {
  const common = commonOf(process);
  const { client, caches, clock } = common;
  const registry = registryOf(caches.syncs, sync);
  const lock = createKeyedLock();
  const stopped = new AbortController();
  const snapshots = createSnapshotStore(client, DIGEST_KEY, clock);
  const holdController = watchHolds({
    ...common,
    registry,
    lock,
    snapshots,
    holds: caches.holds,
    workloads: caches.workloads,
    policy: () => unrestrictedPolicy,
    signal: stopped.signal,
    syncOf: () => caches.syncs.get(SYNC),
    enqueue: () => {},
  });
  const stop = (): void => {
    stopped.abort(new Error('the piece of work is done'));
    void holdController.stop();
  };
  return { holdController, registry, lock, snapshots, signal: stopped.signal, stop, common };
};

const hashes = createHashes(Buffer.from('key'));

/** One reconcile of the GitSync, from what its watches show of the objects it owns. The state is changed. */
export const reconcileSync = async (process: Process, sync: SyncState): Promise<void> => {
  const { head } = process;
  if (!head) return;
  const { holdController, registry, lock, snapshots, signal, stop, common } = holdsOf(process, sync);
  const { client, caches, clock } = common;
  const policy = (): typeof unrestrictedPolicy => unrestrictedPolicy;
  const syncOf = (): GitSync | undefined => caches.syncs.get(SYNC);
  const syncs = (): GitSync[] => caches.syncs.list();
  const enqueue = (): void => {};
  const version = { source: SOURCE, id: head.commit, revision: `main@${head.commit}` };
  const sources = {
    head: () => version,
    before: async () => undefined,
    holds: () => false,
    refresh() {},
    isAwaited: () => false,
    size: () => 1,
    stop: async () => {},
  };
  const handover = createHandover({ clock, syncs, syncOf, sources, policy, onChange: enqueue });
  const owned = ownedOf(process);
  const ports: ReconcilePorts = {
    ...common,
    registry,
    lock,
    policy,
    enqueue,
    signal,
    discovery: DISCOVERY,
    render: { kustomize: 'kustomize', helm: 'helm', sops: '', timeoutMs: 0 },
    snapshots,
    digestKey: DIGEST_KEY,
    syncs: caches.syncs,
    namespaces: caches.namespaces,
    report: createReport({ ...common, isAwaited: () => false }),
    sources,
    handover,
    owned,
    variables: { of: async () => undefined },
    releases: { of: noChart, before: noChart },
    decryption: { of: async () => undefined },
    scaled: { isScaled: () => false, ready: async () => {}, stop: async () => {} },
    holdController,
    lost: { see() {}, kindsOf: async () => [] },
    health: { judge: async () => [], close: async () => {} },
    renderings: { get: () => ({ objects: [...head.objects], inputs: [], bytes: 0 }), keep() {} },
    hashes,
    withRender: () => Promise.reject(new Error('what is rendered is known')),
    turns: createFairSemaphore({ slots: 24, perGroup: 16 }),
    foreign: createForeignObjects(client, clock),
    ownerOf: (label) => (registry.ownerOf(label) ? syncOf() : undefined),
    isRejectedNow: (workload, digest) =>
      isDigestRejected(caches.holds.list(workload.metadata.namespace), keyOf(workload), digest),
    systemNamespace: SYSTEM,
  };
  await lookForDrift(process, owned, { lock, registry, clock });
  // One that fails is tried again: as another piece of work.
  const reconciled = reconcile(SYNC_KEY, ports).then(
    () => {},
    () => {},
  );
  await Promise.race([reconciled, process.wire.died]);
  await settled(process.wire);
  stop();
};

/** What the watches of owned objects would have said since the last piece of work. */
const lookForDrift = async (
  { seen }: Process,
  owned: OwnedObjects,
  ports: Pick<Parameters<typeof createDriftWatch>[0], 'lock' | 'clock'> & {
    registry: { ownerOf: Parameters<typeof createDriftWatch>[0]['ownerOf'] };
  },
): Promise<void> => {
  const { registry, ...rest } = ports;
  const changed = createDriftWatch({ ...rest, owned, ownerOf: registry.ownerOf, onDrift() {}, onError() {} });
  for (const type of OWNED) {
    const shown = seen(type).objects.get(kindOf(type));
    for (const object of shown?.values() ?? []) changed(type, object, object);
  }
  await setImmediate();
};

const OWNED: readonly ResourceType[] = [resources.deployments, resources.configMaps];
const SOURCE: Source = {
  identity: 'https://git.example.com/shop.git',
  resolve: () => Promise.reject(new Error('the head is known')),
  open: () => Promise.reject(new Error('what is rendered is known')),
};

const DISCOVERY = {
  find: async (apiVersion: string, kind: string) =>
    BUILT_IN.find((t) => t.kind === kind && apiVersion === (t.group === '' ? t.version : `${t.group}/${t.version}`)),
  findKind: async (group: string, kind: string) => BUILT_IN.find((t) => t.kind === kind && t.group === group),
  all: async () => [...BUILT_IN],
  capabilities: async () => ({ kubeVersion: 'v1.34.0', apiVersions: [] }),
  refresh: async () => {},
  forget: () => {},
};

const ownedOf = ({ seen }: Process): OwnedObjects => ({
  of: async (type) => {
    const view = viewOf(() => seen(type), type, workloadOptions.trim);
    return {
      get: view.get,
      ownedBy: (label) => view.list().filter((object) => appliedOwnerOf(object) === label),
    };
  },
  mayList: async () => true,
  stop: async () => {},
});
