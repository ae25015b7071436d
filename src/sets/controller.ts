import type { GitSync } from '../api/gitsync.ts';
import type { Generator, GitSyncSet, GitSyncSetStatus } from '../api/gitsyncset.ts';
import type { Occurred } from '../api/occurrence.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { StatusPatch } from '../api/status-patch.ts';
import type { Clock } from '../clock.ts';
import type { GitRoom } from '../git/index.ts';
import { createGuard } from '../guard.ts';
import {
  addFinalizer,
  createWorkQueue,
  type KubeClient,
  KubeError,
  resources,
  type WatchCache,
} from '../kube/index.ts';
import { refusalOfHost } from '../policy/platform.ts';
import type { PlatformPolicyWatch } from '../policy/platform-policy.ts';
import { hashOf } from '../snapshot/index.ts';
import { FLOOR_MS, intervalOf, retryIn, withJitter } from '../source/backoff.ts';
import type { Credentials } from '../source/credentials.ts';
import type { Log } from '../telemetry/index.ts';
import { isOtherThan, requestOf } from './changes.ts';
import { FINALIZER, finish } from './finish.ts';
import { createFolderReader } from './folders.ts';
import { generate } from './generate.ts';
import { isOwn } from './ownership.ts';
import { planSet } from './plan.ts';
import { type SetOutcome, statusOf } from './status.ts';
import { type Found, idOf, nameOfId, type SetProblem, type SyncName } from './types.ts';
import { applyPlan } from './write.ts';

/** Watched copies that the process has anyway. */
export interface SetCaches {
  sets: WatchCache<GitSyncSet>;
  syncs: WatchCache<GitSync>;
  /** Metadata is enough. */
  namespaces: WatchCache;
  platform: PlatformPolicyWatch;
}

export interface SetPorts {
  client: KubeClient;
  caches: SetCaches;
  credentials: Credentials;
  git: GitRoom;
  /** The controller's own: only sets in it make GitSyncs in other namespaces. */
  systemNamespace: string;
  clock: Clock;
  random: () => number;
  log: Log;
  occurred: Occurred;
}

export interface SetController {
  /** Look at the repository now: a push came. */
  requestSet(set: SyncName): void;
  stop(): Promise<void>;
}

/** At a time, for all and for the sets of one namespace: one whose Git servers hang leaves room for the others. */
const LOOKS = { concurrency: 16, perGroup: 4 };
/** Many GitSyncs change in one go: they are looked at together. */
const GATHER_MS = 200;

/** Starts to make GitSyncs. To be run by the leader only; `stop` resolves when nothing of it runs any more. */
export const startSets = async (ports: SetPorts): Promise<SetController> => {
  const { client, clock, log, systemNamespace } = ports;
  const { sets, syncs, namespaces, platform } = ports.caches;
  const stopped = new AbortController();
  const folders = createFolderReader({ ...ports, signal: stopped.signal });
  /** Tries in a row that failed, of sets that may still succeed as they are. */
  const failures = new Map<string, number>();
  const writing = { client, syncs, clock, signal: stopped.signal };

  const reconcile = async (key: string): Promise<number | undefined> => {
    const name = nameOfId(key);
    const set = sets.get(name);
    if (!set) {
      failures.delete(key);
      folders.forget(name);
      return undefined;
    }
    if (set.metadata.deletionTimestamp !== undefined) {
      await finish(set, liveFor(set), ports);
      return undefined;
    }
    await addFinalizer(client, resources.gitSyncSets, set, FINALIZER);
    const outcome = await attempt(set);
    await report(set, outcome);
    const interval = intervalOf(set);
    if (outcome.problems.some((problem) => problem.transient)) {
      failures.set(key, (failures.get(key) ?? 0) + 1);
      return retryIn(failures.get(key) ?? 1, interval, ports.random);
    }
    failures.delete(key);
    return withJitter(Math.max(folders.dueIn(set) ?? interval, FLOOR_MS), ports.random);
  };

  /** Only a set of the system namespace has to do with GitSyncs elsewhere, whatever their labels say. */
  const liveFor = ({ metadata }: GitSyncSet): GitSync[] =>
    syncs.list(metadata.namespace === systemNamespace ? undefined : metadata.namespace);

  const attempt = async (set: GitSyncSet): Promise<SetOutcome> => {
    const found = await Promise.all(set.spec.generators.map((generator) => foundBy(set, generator)));
    const generated = generate(set, { found, systemNamespace });
    const plan = planSet(set, generated, liveFor(set));
    const problems = [...plan.problems, ...(await applyPlan(set, plan, writing))];
    if (found.some(({ problem }) => problem)) return { problems };
    const revisions = found.flatMap(({ revision = [] }) => revision);
    return { generatedCount: generated.syncs.length, revisions, problems };
  };

  /** A generator that can't be read is a problem, and stops none of the others. */
  const foundBy = async (set: GitSyncSet, generator: Generator): Promise<Found> => {
    if (generator.folders) {
      const policy = platform.current();
      const refused = refusalOfHost(set, generator.folders.source, policy);
      if (refused) return { problem: refused };
      return folders.read(set, generator.folders).catch((error: unknown) => {
        if (error instanceof ReasonError) return { problem: problemOf(error) };
        throw error;
      });
    }
    const wanted = Object.entries(generator.namespaces?.matchLabels ?? {});
    const matching = namespaces
      .list()
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .filter(({ metadata }) => wanted.every(([label, value]) => metadata.labels?.[label] === value));
    return { namespaces: matching.map(({ metadata }) => metadata.name).toSorted() };
  };

  const report = async (set: GitSyncSet, outcome: SetOutcome): Promise<void> => {
    const status = statusOf(set, outcome, clock.now());
    if (hashOf(status) === hashOf(set.status)) return;
    const patched: StatusPatch<GitSyncSetStatus> = { revisions: null, ...status };
    const patch = { type: 'merge', body: { status: patched } } as const;
    await client.patch(resources.gitSyncSets, set.metadata, patch, { subresource: 'status' });
    const ready = status.conditions?.find((c) => c.type === 'Ready');
    const was = set.status?.conditions?.find((c) => c.type === 'Ready');
    if (!ready || (ready.status === was?.status && ready.message === was.message)) return;
    const severity = ready.status === 'True' ? 'info' : 'warning';
    ports.occurred({ regarding: set, severity, reason: ready.reason, action: 'Generate', message: ready.message });
  };

  const guard = createGuard({
    log,
    kind: 'set',
    isForeseen: (error) => stopped.signal.aborted || error instanceof KubeError,
    async tell(key, message) {
      const set = sets.get(nameOfId(key));
      if (set) await report(set, { problems: [{ reason: 'InternalError', message, transient: true }] });
    },
  });
  const queue = createWorkQueue({
    ...LOOKS,
    clock,
    random: ports.random,
    // Others than these are logged by the guard, without their text.
    onError: (key, err, retryInMs) =>
      err instanceof KubeError && log.error({ err, set: key, retryInMs }, 'GitSyncSet failed'),
    maxBackoffMs: 60_000,
    worker: guard.wrap(reconcile),
  });
  /** For each set by itself: one that can't be understood is told so, and stops none of the others. */
  const forEach = (work: (set: GitSyncSet) => void): void => {
    for (const set of sets.list()) guard.run(idOf(set.metadata), () => work(set));
  };
  const requestSet = (set: SyncName): void => {
    folders.ask(set);
    queue.add(idOf(set));
  };

  const onSet = (set: GitSyncSet | undefined, previous: GitSyncSet | undefined): void => {
    const changed = set ?? previous;
    if (!changed) return;
    const requested = requestOf(set) !== requestOf(previous) && requestOf(set) !== undefined;
    if (requested) folders.ask(nameOfId(idOf(changed.metadata)));
    if (isOtherThan(set, previous)) queue.add(idOf(changed.metadata));
  };
  const unsubscribe = [
    sets.onChange((set, previous) => {
      const changed = set ?? previous;
      if (changed) guard.run(idOf(changed.metadata), () => onSet(set, previous));
    }),
    syncs.onChange((sync, previous) => {
      if (!isOtherThan(sync, previous)) return;
      forEach((set) => {
        if ([sync, previous].some((s) => s && isOwn(set, s))) queue.add(idOf(set.metadata), GATHER_MS);
      });
    }),
    platform.onChange(() => forEach((set) => queue.add(idOf(set.metadata)))),
    namespaces.onChange((namespace, previous) => {
      if (!isOtherThan(namespace, previous)) return;
      forEach((set) => {
        if (set.spec.generators.some((generator) => generator.namespaces)) queue.add(idOf(set.metadata), GATHER_MS);
      });
    }),
  ];
  await Promise.all([sets.ready(), syncs.ready(), namespaces.ready(), platform.ready()]);
  forEach((set) => queue.add(idOf(set.metadata)));

  return {
    requestSet,
    async stop() {
      for (const end of unsubscribe) end();
      stopped.abort(new Error('no longer the leader'));
      await queue.stop();
    },
  };
};

const problemOf = (error: ReasonError): SetProblem => ({
  reason: error.code,
  message: error.message,
  transient: true,
});
