import { unlessAborted } from '../abort.ts';
import type { GitSync } from '../api/gitsync.ts';
import { keyOfSync } from '../api/gitsync-names.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Reason } from '../api/reasons.ts';
import { parseRepositoryUrl } from '../api/repository-url.ts';
import type { Clock } from '../clock.ts';
import type { GitRoom, GitSource } from '../git/index.ts';
import { createWorkQueue, KubeError } from '../kube/index.ts';
import { fetchTimeoutOf, intervalOf, retryIn, withJitter } from './backoff.ts';
import type { Credentials } from './credentials.ts';
import { gitOf, sourceOf } from './source-of.ts';

/** Where a ref stands. */
export interface Head {
  source: GitSource;
  revision: string;
  commit: string;
}

export interface Sources {
  /** What is known of the sync's repository and ref; undefined before the first answer, an error after a failed one. */
  head(sync: GitSync): Head | ReasonError | undefined;
  /** Identity of what these paths hold in the head; undefined where that was not asked for yet. */
  contentOf(sync: GitSync, paths: readonly string[]): string | undefined;
  /** Asks the server now, for all GitSyncs of that ref at once. `tell`: this one hears of the answer in any case. */
  refresh(sync: GitSync, options?: { tell?: boolean }): void;
  /** Repositories and refs that are followed. */
  size(): number;
  /** Ends the looks that are under way, whether their servers answer or not. */
  stop(): Promise<void>;
}

/** A GitSync that follows a ref, with what its last plan was made from. */
export interface Follower {
  sync: GitSync;
  inputs: readonly string[] | undefined;
  content: string | undefined;
}

export interface SourcesPorts {
  credentials: Credentials;
  git: GitRoom;
  clock: Clock;
  random: () => number;
  /** Of the source with this key, see `sourceKey`. */
  followersOf: (source: string) => Follower[];
  /** The sync has something to do, or to say. */
  onChange: (sync: string) => void;
  /** Asked, and nothing that this sync is made from has changed. */
  onUnchanged: (sync: string) => void;
  /** The API server did not answer; it is tried again. */
  onError: (error: unknown, url: string) => void;
  /** Notes an error that nobody foresaw, and gives the words for it. */
  onUnforeseen: (error: unknown, url: string) => string;
}

interface Source {
  head?: Head;
  problem?: ReasonError;
  /** Looks in a row that failed. */
  failures: number;
  /** Of the head's commit, by path. */
  oids: Map<string, string>;
  /** Keys of the syncs that hear of the next answer, whatever it is. */
  waiting: Set<string>;
  /** When all followers last heard of the head's name. */
  notedAt: number;
  /** The namespace whose place the look takes that is under way or waits for one. */
  tenant?: string;
}

/** Looks at a time: in all, for one namespace, and at one host, whoever looks there. */
const LOOKS = { concurrency: 64, perGroup: 16, perLane: 32 };
const NOTHING = '';
/** A whole fetch each time, for the same answer as long as nobody changes the repository: not every few seconds. */
const FETCHED_IN_VAIN: ReadonlySet<Reason> = new Set(['RepositoryTooLarge', 'RepositoryDamaged']);

/**
 * One look at a ref serves every GitSync that follows it, and only those whose own files changed hear of a new commit:
 * in a monorepo of thousands of folders a push is one question, one fetch, and the syncs of the changed folders.
 * Looking has workers of its own, shared by namespace first and then by host: servers that hang delay the GitSyncs of
 * their own namespace at most, on however many ports they listen.
 */
export const createSources = (ports: SourcesPorts): Sources => {
  const { clock, credentials, followersOf, random } = ports;
  const sources = new Map<string, Source>();
  const stopped = new AbortController();
  /** Places that a namespace has or waits for. */
  const load = new Map<string, number>();

  const look = async (key: string): Promise<number | undefined> => {
    const source = sources.get(key);
    const followers = followersOf(key);
    if (!source || followers.length === 0) {
      sources.delete(key);
      return undefined;
    }
    const told = source.waiting;
    source.waiting = new Set();
    const interval = Math.min(...followers.map(({ sync }) => intervalOf(sync)));
    try {
      await update(source, followers);
    } catch (error) {
      if (stopped.signal.aborted) return undefined;
      if (error instanceof KubeError) {
        for (const sync of told) source.waiting.add(sync);
        throw error;
      }
      return fail(source, key, { error, told, interval });
    }
    const everyone = source.problem !== undefined;
    delete source.problem;
    source.failures = 0;
    notify(source, followersOf(key), { told, everyone, interval });
    return withJitter(interval, random);
  };

  /** Followers hear of a failure when it is another one than before. */
  const fail = (
    source: Source,
    key: string,
    { error, told, interval }: { error: unknown; told: ReadonlySet<string>; interval: number },
  ): number => {
    const problem =
      error instanceof ReasonError ? error : new ReasonError('InternalError', ports.onUnforeseen(error, urlOf(key)));
    // Its id is another one each time.
    const everyone =
      source.problem?.code !== problem.code ||
      (problem.code !== 'InternalError' && source.problem.message !== problem.message);
    source.problem = problem;
    source.failures += 1;
    for (const sync of followersOf(key).map((follower) => keyOfSync(follower.sync)))
      if (everyone || told.has(sync)) ports.onChange(sync);
    return FETCHED_IN_VAIN.has(problem.code)
      ? withJitter(interval, random)
      : retryIn(source.failures, interval, random);
  };

  /** Where the ref stands, and what the followers' paths hold there. */
  const update = async (source: Source, followers: readonly Follower[]): Promise<void> => {
    const [first] = followers as [Follower];
    const { tenant, head } = source;
    const lookAt = {
      git: gitOf(first.sync.spec.source),
      namespace: first.sync.metadata.namespace ?? '',
      // The most patient one: a neighbour of the same public repository must not cut a look short for all.
      timeoutMs: Math.max(...followers.map(({ sync }) => fetchTimeoutOf(sync))),
    };
    const gitSource: GitSource = {
      ...(await unlessStopped(sourceOf(lookAt, credentials))),
      ...(tenant === undefined ? {} : { tenant }),
    };
    const { signal } = stopped;
    const found = await unlessStopped(ports.git.resolve(gitSource, { signal }));
    const moved = found.commit !== head?.commit;
    const paths = new Set(followers.flatMap(({ inputs = [] }) => inputs));
    const unknown = [...paths].filter((path) => moved || !source.oids.has(path));
    const oids = new Map(moved ? [] : source.oids);
    if (moved || unknown.length > 0) {
      const tree = await unlessStopped(ports.git.open(gitSource, found.commit, { signal }));
      const held = await unlessStopped(tree.oids(unknown));
      for (const [i, path] of unknown.entries()) oids.set(path, held[i] ?? NOTHING);
    }
    source.head = { source: gitSource, ...found };
    source.oids = oids;
  };

  /** What hangs is left alone when this process may no longer lead. */
  const unlessStopped = <T>(work: Promise<T>): Promise<T> => unlessAborted(stopped.signal, work);

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
      const toNote = noting && sync.status?.lastAttemptedRevision !== revision;
      if (changed || toNote || everyone || told.has(key)) ports.onChange(key);
      else ports.onUnchanged(key);
    }
  };

  /** Of several namespaces that follow it, the one with the most room: none is held up by what a neighbour follows, too. */
  const tenantOf = (key: string): string => {
    const namespaces = new Set(followersOf(key).map(({ sync }) => sync.metadata.namespace ?? ''));
    return [...namespaces].reduce(
      (a, b) => ((load.get(b) ?? 0) < (load.get(a) ?? 0) ? b : a),
      [...namespaces][0] ?? '',
    );
  };
  const charge = (namespace: string, by: 1 | -1): void => {
    const now = (load.get(namespace) ?? 0) + by;
    if (now > 0) load.set(namespace, now);
    else load.delete(namespace);
  };

  const queue = createWorkQueue({
    ...LOOKS,
    groupOf(key) {
      const tenant = tenantOf(key);
      const source = sources.get(key);
      if (source) source.tenant = tenant;
      charge(tenant, 1);
      return tenant;
    },
    laneOf: hostOf,
    clock,
    random,
    maxBackoffMs: 60_000,
    onError: (key, error) => ports.onError(error, urlOf(key)),
    worker: (key) => {
      const { tenant = '' } = sources.get(key) ?? {};
      return look(key).finally(() => charge(tenant, -1));
    },
  });
  credentials.onChange(({ namespace, name }) => {
    for (const key of sources.keys()) if (secretOf(key) === `${namespace}/${name}`) queue.add(key);
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
      const source = sources.get(key) ?? { failures: 0, oids: new Map(), waiting: new Set(), notedAt: clock.now() };
      sources.set(key, source);
      if (tell) source.waiting.add(keyOfSync(sync));
      queue.add(key);
    },
    size: () => sources.size,
    stop() {
      const ended = queue.stop();
      stopped.abort(new Error('no longer the leader'));
      return ended;
    },
  };
};

const joined = ({ oids }: Source, paths: readonly string[]): string | undefined => {
  const found = paths.map((path) => oids.get(path));
  return found.includes(undefined) ? undefined : found.join();
};

/** Credentials are part of it: who can't read a repository must not learn of it from a neighbour who can. */
export const sourceKey = (sync: GitSync): string => {
  const { url, ref, secretRef } = gitOf(sync.spec.source);
  return JSON.stringify([url, ref, secretRef ? `${sync.metadata.namespace}/${secretRef.name}` : null]);
};

const partsOf = (key: string) => JSON.parse(key) as [url: string, ref: unknown, secret: string | null];
const urlOf = (key: string): string => partsOf(key)[0];
const secretOf = (key: string): string | null => partsOf(key)[2];

const hostOf = (key: string): string => {
  const parsed = parseRepositoryUrl(urlOf(key));
  return parsed.ok ? parsed.url.host : '';
};

/** One look serves both. */
export const isSameSource = (a: GitSync, b: GitSync): boolean => sourceKey(a) === sourceKey(b);
