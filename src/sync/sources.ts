import { parseDuration } from '../api/common.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Clock } from '../clock.ts';
import { GitError, type GitRoom, type GitSource } from '../git/index.ts';
import { createWorkQueue, type KubeClient } from '../kube/index.ts';
import { keyOfSync } from './names.ts';
import { SyncError, sourceOf } from './source.ts';

/** Where a ref stands. */
export interface Head {
  source: GitSource;
  revision: string;
  commit: string;
}

export interface Sources {
  /** What is known of the sync's repository and ref; undefined before the first answer, an error after a failed one. */
  head(sync: GitSync): Head | GitError | SyncError | undefined;
  /** Identity of what these paths hold in the head; undefined where that was not asked for yet. */
  contentOf(sync: GitSync, paths: readonly string[]): string | undefined;
  /** Asks the server now, for all GitSyncs of that ref at once. `tell`: this one hears of the answer in any case. */
  refresh(sync: GitSync, options?: { tell?: boolean }): void;
  /** Repositories and refs that are followed. */
  size(): number;
  stop(): Promise<void>;
}

/** A GitSync that follows a ref, with what its last plan was made from. */
export interface Follower {
  sync: GitSync;
  inputs: readonly string[] | undefined;
  content: string | undefined;
}

export interface SourcesPorts {
  client: KubeClient;
  git: GitRoom;
  clock: Clock;
  random: () => number;
  followers: () => Follower[];
  /** The sync has something to do, or to say. */
  onNews: (sync: string) => void;
  /** Asked, and nothing that this sync is made from has changed. */
  onUnchanged: (sync: string) => void;
  onError: (error: unknown, url: string) => void;
}

interface Source {
  head?: Head;
  problem?: GitError | SyncError;
  /** Of the head's commit, by path. */
  oids: Map<string, string>;
  /** Keys of the syncs that hear of the next answer, whatever it is. */
  waiting: Set<string>;
  /** When all followers last heard of the head's name. */
  notedAt: number;
}

const RETRY_MS = 5_000;
const NOTHING = '';

/**
 * One look at a ref serves every GitSync that follows it, and only those whose own files changed hear of a new commit:
 * in a monorepo of thousands of folders a push is one question, one fetch, and the syncs of the changed folders.
 * Looking has workers of its own, shared fairly between hosts: a server that hangs delays nobody but its users.
 */
export const createSources = (ports: SourcesPorts): Sources => {
  const { clock } = ports;
  const sources = new Map<string, Source>();

  const followersOf = (key: string): Follower[] => ports.followers().filter(({ sync }) => sourceKey(sync) === key);

  const look = async (key: string): Promise<number | undefined> => {
    const source = sources.get(key);
    const followers = followersOf(key);
    const [first] = followers;
    if (!source || !first) {
      sources.delete(key);
      return undefined;
    }
    const told = source.waiting;
    source.waiting = new Set();
    const interval = Math.min(...followers.map(({ sync }) => parseDuration(sync.spec.interval)));
    try {
      await update(source, first.sync, followers);
      const everyone = source.problem !== undefined;
      delete source.problem;
      notify(source, followersOf(key), { told, everyone, interval });
      return interval * (0.95 + ports.random() / 10);
    } catch (error) {
      if (!(error instanceof GitError || error instanceof SyncError)) {
        for (const sync of told) source.waiting.add(sync);
        throw error;
      }
      const everyone = source.problem?.message !== error.message;
      source.problem = error;
      const keys = followers.map(({ sync }) => keyOfSync(sync));
      for (const sync of keys.filter((k) => everyone || told.has(k))) ports.onNews(sync);
      // What is too large is fetched in vain for long: not every few seconds.
      return error.code === 'RepositoryTooLarge' ? interval : Math.min(RETRY_MS, interval);
    }
  };

  /** Where the ref stands, and what the followers' paths hold there. */
  const update = async (source: Source, sync: GitSync, followers: readonly Follower[]): Promise<void> => {
    const gitSource = await sourceOf(sync, ports.client);
    const found = await ports.git.resolve(gitSource);
    const moved = found.commit !== source.head?.commit;
    const paths = new Set(followers.flatMap(({ inputs = [] }) => inputs));
    const unknown = [...paths].filter((path) => moved || !source.oids.has(path));
    const oids = new Map(moved ? [] : source.oids);
    if (moved || unknown.length > 0) {
      const tree = await ports.git.open(gitSource, found.commit);
      const held = await tree.oids(unknown);
      for (const [i, path] of unknown.entries()) oids.set(path, held[i] ?? NOTHING);
    }
    source.head = { source: gitSource, ...found };
    source.oids = oids;
  };

  const notify = (
    source: Source,
    followers: readonly Follower[],
    { told, everyone, interval }: { told: ReadonlySet<string>; everyone: boolean; interval: number },
  ): void => {
    const revision = source.head?.revision;
    // A commit that leaves a sync's files alone is noted in its status once an interval, not once a commit.
    const noting = clock.now() - source.notedAt >= interval;
    if (noting) source.notedAt = clock.now();
    for (const { sync, inputs, content } of followers) {
      const key = keyOfSync(sync);
      const changed = inputs === undefined || joined(source, inputs) !== content;
      const toNote = noting && sync.status?.attemptedRevision !== revision;
      if (changed || toNote || everyone || told.has(key)) ports.onNews(key);
      else ports.onUnchanged(key);
    }
  };

  const queue = createWorkQueue({
    concurrency: 64,
    perGroup: 16,
    groupOf: hostOf,
    clock,
    random: ports.random,
    maxBackoffMs: 60_000,
    onError: (key, error) => ports.onError(error, key),
    worker: look,
  });

  return {
    head(sync) {
      const source = sources.get(sourceKey(sync));
      return source?.problem ?? source?.head;
    },
    contentOf(sync, paths) {
      const source = sources.get(sourceKey(sync));
      return source?.head && joined(source, paths);
    },
    refresh(sync, { tell = false } = {}) {
      const key = sourceKey(sync);
      const source = sources.get(key) ?? { oids: new Map(), waiting: new Set(), notedAt: clock.now() };
      sources.set(key, source);
      if (tell) source.waiting.add(keyOfSync(sync));
      queue.add(key);
    },
    size: () => sources.size,
    stop: () => queue.stop(),
  };
};

const joined = ({ oids }: Source, paths: readonly string[]): string | undefined => {
  const found = paths.map((path) => oids.get(path));
  return found.includes(undefined) ? undefined : found.join();
};

/** Credentials are part of it: who can't read a repository must not learn of it from a neighbour who can. */
const sourceKey = ({ spec, metadata }: GitSync): string =>
  JSON.stringify([spec.url, spec.ref, spec.secretRef ? `${metadata.namespace}/${spec.secretRef.name}` : null]);

/** One look serves both. */
export const isSameSource = (a: GitSync, b: GitSync): boolean => sourceKey(a) === sourceKey(b);

const hostOf = (key: string): string => new URL((JSON.parse(key) as [string])[0]).host;
