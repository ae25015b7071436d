import type { GitSync } from '../api/gitsync.ts';
import { PRUNE_FINALIZER } from '../api/gitsync-names.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import type { ObjectMeta } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import { isRejected, type KubeClient, KubeError, resources, type WatchCache } from '../kube/index.ts';
import { managerOf } from './ownership.ts';
import { isCurrent } from './plan.ts';
import type { SetPlan, SetProblem } from './types.ts';

export interface WritePorts {
  client: KubeClient;
  syncs: WatchCache<GitSync>;
  clock: Clock;
  /** Aborted when this process may no longer write: another one leads. */
  signal: AbortSignal;
}

interface Task {
  of: ObjectMeta;
  run: () => Promise<void>;
  /** Whether the watched copy shows it. */
  isSeen: () => boolean;
}

const CONCURRENCY = 20;

/** Writes and deletes as planned. What the API server refuses is named in the problems, and stops nobody else. */
export const applyPlan = async (set: GitSyncSet, plan: SetPlan, ports: WritePorts): Promise<SetProblem[]> => {
  const tasks = [
    ...plan.writes.map((write) => writeTask(set, write, ports)),
    ...plan.deletes.map((sync) => deleteTask(sync, ports)),
  ];
  const done: Task[] = [];
  const problems: SetProblem[] = [];
  const worker = async (): Promise<void> => {
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      ports.signal.throwIfAborted();
      const error: unknown = await task.run().catch((e: unknown) => e);
      if (error === undefined) done.push(task);
      else problems.push(problemOf(task.of, error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, tasks.length) }, worker));
  await untilSeen(done, ports);
  return problems;
};

/**
 * The uid keeps it from being another object of that name, and what is new takes no field from anybody. It has its
 * finalizer from the start, so that its first sync needs no request for it.
 */
const writeTask = (
  set: GitSyncSet,
  { sync, live }: SetPlan['writes'][number],
  { client, syncs }: WritePorts,
): Task => ({
  of: sync.metadata,
  async run() {
    const uid = live?.metadata.uid;
    const finalizers = [PRUNE_FINALIZER];
    const metadata = { ...sync.metadata, finalizers, ...(uid === undefined ? {} : { uid }) };
    const options = { fieldManager: managerOf(set), force: live !== undefined };
    await client.apply(resources.gitSyncs, { ...sync, metadata }, options);
  },
  isSeen() {
    const now = syncs.get(sync.metadata);
    return now === undefined ? live !== undefined : isCurrent(sync, now); // one that was there and is gone was deleted since
  },
});

/** Only as it was looked at: somebody may have taken it out of the set since. */
const deleteTask = ({ metadata }: GitSync, { client, syncs }: WritePorts): Task => ({
  of: metadata,
  async run() {
    const { uid, resourceVersion } = metadata;
    const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
    await client.delete(resources.gitSyncs, metadata, preconditions);
  },
  isSeen() {
    const now = syncs.get(metadata);
    return now === undefined || now.metadata.deletionTimestamp !== undefined;
  },
});

const problemOf = ({ namespace = '', name }: ObjectMeta, error: unknown): SetProblem => {
  if (!(error instanceof KubeError)) throw error;
  const message = `GitSync ${namespace}/${name}: ${error.message}`;
  return { reason: 'ObjectRejected', message, sync: { namespace, name }, transient: !isRejected(error) };
};

const SEEN_WITHIN_MS = 2_000;
const LOOK_MS = 20;

/** The watch comes after the writes by some milliseconds; a plan made from the older copy would write them again. */
const untilSeen = async (done: readonly Task[], { clock, signal }: WritePorts): Promise<void> => {
  const deadline = clock.now() + SEEN_WITHIN_MS;
  while (!done.every((task) => task.isSeen()) && clock.now() < deadline) await clock.sleep(LOOK_MS, signal);
};
