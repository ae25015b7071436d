import type { GitSync } from '../api/gitsync.ts';
import { keyOfSync, nameOfKey, PRUNE_FINALIZER } from '../api/gitsync-names.ts';
import { addFinalizer, resources, type WatchCache } from '../kube/index.ts';
import { refusalOfSync, withPlatformDefaults } from '../policy/platform.ts';
import { type DependencyPorts, waitForDependencies } from './dependencies.ts';
import { backoffEndsIn } from './drift/backoff.ts';
import { pollUnwatchedIn } from './drift/unwatched.ts';
import { finalizeSync, PruneError, type RemovalPorts } from './inventory/removal.ts';
import { requeueAfter, soonest } from './requeue.ts';
import type { Registry } from './state/registry.ts';
import type { SyncState } from './state/sync-state.ts';
import type { SyncOutcome } from './status/outcome.ts';
import type { Report } from './status/report.ts';
import { type HeadPorts, syncToHead } from './sync-to-head.ts';

export interface ReconcilePorts extends HeadPorts, RemovalPorts, Omit<DependencyPorts, 'sources'> {
  syncs: WatchCache<GitSync>;
  registry: Registry;
  random: () => number;
  enqueue: (key: string) => void;
  report: Report;
}

/** One reconcile of one GitSync. */
interface Run {
  key: string;
  /** With the platform's defaults. */
  sync: GitSync;
  state: SyncState;
}

interface End {
  /** What its status says from now on; undefined: as before. */
  outcome?: SyncOutcome | undefined;
  /** After that: milliseconds until it is tried again by itself, where only time is needed. */
  next?: () => number | undefined;
}

/** Answers how the reconcile ended, or undefined: the next step goes on. */
type Step = (run: Run, ports: ReconcilePorts) => Promise<End | undefined>;

const finalizeIfDeleted: Step = async ({ key, sync, state }, ports) => {
  if (sync.metadata.deletionTimestamp === undefined) return undefined;
  try {
    await finalizeSync(sync, state, ports);
  } catch (error) {
    if (error instanceof PruneError)
      await ports.report(sync, state, {
        kind: 'failed',
        reason: 'PruneFailed',
        message: error.message,
        permanent: false,
      });
    throw error;
  }
  ports.registry.forget(key);
  return {};
};

/** Whatever becomes of its objects, something is to be done before the GitSync goes. */
const holdByFinalizer: Step = async ({ sync }, { client }) => {
  await addFinalizer(client, resources.gitSyncs, sync, PRUNE_FINALIZER);
  return undefined;
};

const stopIfSuspended: Step = async ({ sync }) => (sync.spec.suspend ? { outcome: { kind: 'suspended' } } : undefined);

const stopIfRefused: Step = async ({ sync }, { policy }) => {
  const refused = refusalOfSync(sync, policy());
  return refused && { outcome: { kind: 'failed', ...refused, permanent: true } };
};

/** The watch announces a dependency that is ready; this is for what a watch can miss. */
const DEPENDENCY_REQUEUE_MS = 30_000;

const stopIfDependenciesLag: Step = async ({ sync }, ports) => {
  const waiting = waitForDependencies(sync, ports);
  return waiting && { outcome: waiting.outcome, next: () => DEPENDENCY_REQUEUE_MS };
};

const applyHead: Step = async ({ sync, state }, ports) => {
  const { clock, metrics, enqueue } = ports;
  const started = clock.now();
  const outcome = await syncToHead(sync, state, ports);
  if (!outcome) return {};
  metrics.syncs.inc({ result: outcome.kind });
  metrics.syncDuration.observe((clock.now() - started) / 1000);
  const next = (): number | undefined => {
    for (const follower of state.followers) enqueue(follower);
    state.followers.clear();
    const drift = [backoffEndsIn(state, clock.now()), pollUnwatchedIn(sync, state, clock.now())];
    return requeueAfter(sync, state, outcome, ports) ?? soonest(drift);
  };
  return { outcome, next };
};

/** The story of a reconcile. */
const STEPS: readonly Step[] = [
  finalizeIfDeleted,
  holdByFinalizer,
  stopIfSuspended,
  stopIfRefused,
  stopIfDependenciesLag,
  applyHead,
];

/**
 * Brings the GitSync with this key one step nearer to what it asks for, and writes how it went into its status.
 * @returns milliseconds until it is tried again by itself; undefined: only news can change anything
 */
export const reconcile = async (key: string, ports: ReconcilePorts): Promise<number | undefined> => {
  const written = ports.syncs.get(nameOfKey(key));
  if (!written) {
    ports.registry.forget(key);
    ports.handover.forget(key);
    return undefined;
  }
  const sync = withPlatformDefaults(written, ports.policy());
  const run = { key, sync, state: ports.registry.stateOf(keyOfSync(sync)) };
  for (const step of STEPS) {
    const end = await step(run, ports);
    if (!end) continue;
    if (end.outcome) await ports.report(sync, run.state, end.outcome);
    return end.next?.();
  }
  return undefined;
};
