import { unlessAborted } from '../abort.ts';
import type { GitSync } from '../api/gitsync.ts';
import { keyOfSync } from '../api/gitsync-names.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Reason } from '../api/reasons.ts';
import { parseRepositoryUrl } from '../api/repository-url.ts';
import { addressOf } from '../api/source.ts';
import type { Clock } from '../clock.ts';
import { createWorkQueue, KubeError } from '../kube/index.ts';
import type { Input } from '../render/index.ts';
import { fetchTimeoutOf, intervalOf, retryIn, withJitter } from './backoff.ts';
import { writtenSource } from './members.ts';
import type { Source, SourcePorts, Version } from './types.ts';

/** What a source holds now. */
export interface Head extends Version {
  source: Source;
}

export interface Sources {
  /** What is known of the sync's source; undefined before the first answer, an error after a failed one. */
  head(sync: GitSync): Head | ReasonError | undefined;
  /**
   * What an earlier process applied last, where its files are here still; undefined otherwise. For as long as the server
   * does not answer. Rejects with KubeError.
   */
  before(sync: GitSync): Promise<Head | undefined>;
  /** Whether the sync's source still holds these inputs as they are; false where that was not asked for yet. */
  holds(sync: GitSync, inputs: readonly Input[]): boolean;
  /** Asks the server now, for all GitSyncs of that ref at once. `tell`: this one hears of the answer in any case. */
  refresh(sync: GitSync, options?: { tell?: boolean }): void;
  /** Whether the sync will hear of an answer that is still to come. */
  isAwaited(sync: GitSync): boolean;
  /** Repositories and refs that are followed. */
  size(): number;
  /** Ends the looks that are under way, whether their servers answer or not. */
  stop(): Promise<void>;
}

/** A GitSync that follows a ref, with what its last plan was made from. */
export interface Follower {
  sync: GitSync;
  inputs: readonly Input[] | undefined;
  /** One that failed since hears of every commit: also of one that is as the last good one was. */
  isReady: boolean;
}

export interface SourcesPorts extends SourcePorts {
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

/** A source that is followed. */
interface Followed {
  /** Of the server: in messages, and for its share of looks. */
  address: string;
  /** `namespace/name` of its credentials and keys. */
  secrets: readonly string[];
  head?: Head;
  problem?: ReasonError;
  /** Looks in a row that failed. */
  failures: number;
  /** Of what is in the head, by path. */
  oids: Map<string, string>;
  /** Keys of the syncs that hear of the next answer, whatever it is. */
  waiting: Set<string>;
  /** Of those, the ones that the look under way is for. */
  asking: ReadonlySet<string>;
  /** When all followers last heard of the head's name. */
  notedAt: number;
  /** The namespace whose place the look takes that is under way or waits for one. */
  tenant?: string;
}

/** Looks at a time: in all, for one namespace, and at one host, whoever looks there. */
const LOOKS = { concurrency: 64, perGroup: 16, perHost: 32 };
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
  const sources = new Map<string, Followed>();
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
    source.asking = told;
    const interval = Math.min(...followers.map(({ sync }) => intervalOf(sync)));
    try {
      await update(source, followers);
    } catch (error) {
      if (stopped.signal.aborted) return undefined;
      source.asking = new Set();
      if (error instanceof KubeError) {
        for (const sync of told) source.waiting.add(sync);
        throw error;
      }
      return fail(source, key, { error, told, interval });
    }
    source.asking = new Set();
    const everyone = source.problem !== undefined;
    delete source.problem;
    source.failures = 0;
    notify(source, followersOf(key), { told, everyone, interval });
    return withJitter(interval, random);
  };

  /** Followers hear of a failure when it is another one than before. */
  const fail = (
    source: Followed,
    key: string,
    { error, told, interval }: { error: unknown; told: ReadonlySet<string>; interval: number },
  ): number => {
    const problem =
      error instanceof ReasonError
        ? error
        : new ReasonError('InternalError', ports.onUnforeseen(error, source.address));
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
  const update = async (followed: Followed, followers: readonly Follower[]): Promise<void> => {
    const [first] = followers as [Follower];
    const { tenant, head } = followed;
    const reader = {
      namespace: first.sync.metadata.namespace ?? '',
      // The most patient one: a neighbour of the same public repository must not cut a look short for all.
      timeoutMs: Math.max(...followers.map(({ sync }) => fetchTimeoutOf(sync))),
      tenant,
    };
    const { signal } = stopped;
    const source = await unlessStopped(writtenSource(first.sync.spec.source).connect(reader, ports));
    const found = await unlessStopped(source.resolve({ signal }));
    const moved = found.id !== head?.id;
    const inputs = followers.flatMap((follower) => follower.inputs ?? []);
    const paths = new Set(inputs.flatMap((input) => (input.source === source.identity ? input.path : [])));
    const unknown = [...paths].filter((path) => moved || !followed.oids.has(path));
    const oids = new Map(moved ? [] : followed.oids);
    if (moved || unknown.length > 0) {
      const tree = await unlessStopped(source.open(found.id, { signal }));
      const held = await unlessStopped(tree.oids(unknown));
      for (const [i, path] of unknown.entries()) oids.set(path, held[i] ?? NOTHING);
    }
    followed.head = { source, ...found };
    followed.oids = oids;
  };

  /** What hangs is left alone when this process may no longer lead. */
  const unlessStopped = <T>(work: Promise<T>): Promise<T> => unlessAborted(stopped.signal, work);

  const notify = (
    source: Followed,
    followers: readonly Follower[],
    { told, everyone, interval }: { told: ReadonlySet<string>; everyone: boolean; interval: number },
  ): void => {
    const { revision, source: { identity = '' } = {} } = source.head ?? {};
    // A commit that leaves a sync's files alone is noted in its status once an interval, not once a commit.
    const noting = clock.now() - source.notedAt >= interval;
    if (noting) source.notedAt = clock.now();
    for (const { sync, inputs, isReady } of followers) {
      const key = keyOfSync(sync);
      const changed = !isReady || inputs === undefined || !holdsAll(identity, source, inputs);
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
    hostOf: (key) => hostOf(sources.get(key)?.address),
    clock,
    random,
    maxBackoffMs: 60_000,
    onError: (key, error) => ports.onError(error, sources.get(key)?.address ?? ''),
    worker: (key) => {
      const { tenant = '' } = sources.get(key) ?? {};
      return look(key).finally(() => charge(tenant, -1));
    },
  });
  credentials.onChange(({ namespace, name }) => {
    for (const [key, { secrets }] of sources) if (secrets.includes(`${namespace}/${name}`)) queue.add(key);
  });

  return {
    head(sync) {
      const source = sources.get(sourceKey(sync));
      return source?.problem ?? source?.head;
    },
    async before(sync) {
      const { lastAppliedRevision, observedGeneration } = sync.status ?? {};
      const id = /@([0-9a-f]{40})$/.exec(lastAppliedRevision ?? '')?.[1];
      // Of another spec, nobody applied it yet.
      if (id === undefined || lastAppliedRevision === undefined || observedGeneration !== sync.metadata.generation)
        return undefined;
      const { namespace = '' } = sync.metadata;
      const reader = { namespace, tenant: namespace, timeoutMs: fetchTimeoutOf(sync) };
      try {
        const source = await unlessStopped(writtenSource(sync.spec.source).connect(reader, ports));
        await unlessStopped(source.open(id, { signal: stopped.signal, offline: true }));
        return { source, id, revision: lastAppliedRevision };
      } catch (error) {
        if (error instanceof ReasonError) return undefined; // not here; why the server does not answer is known
        throw error;
      }
    },
    holds(sync, inputs) {
      const key = sourceKey(sync);
      const source = sources.get(key);
      return source?.head !== undefined && holdsAll(key, source, inputs);
    },
    refresh(sync, { tell = false } = {}) {
      const key = sourceKey(sync);
      const source = sources.get(key) ?? { ...followedBy(sync), notedAt: clock.now() };
      sources.set(key, source);
      if (tell) source.waiting.add(keyOfSync(sync));
      queue.add(key);
    },
    isAwaited(sync) {
      // By its own name: a GitSync without a source that anybody could name has a status, too.
      const key = keyOfSync(sync);
      return sources.values().some(({ waiting, asking }) => waiting.has(key) || asking.has(key));
    },
    size: () => sources.size,
    stop() {
      const ended = queue.stop();
      stopped.abort(new Error('no longer the leader'));
      return ended;
    },
  };
};

const followedBy = ({ spec, metadata }: GitSync): Omit<Followed, 'notedAt'> => ({
  address: addressOf(spec.source),
  secrets: writtenSource(spec.source)
    .secrets()
    .map((name) => `${metadata.namespace}/${name}`),
  failures: 0,
  oids: new Map(),
  waiting: new Set(),
  asking: new Set(),
});

const holdsAll = (key: string, { oids }: Followed, inputs: readonly Input[]): boolean =>
  inputs.every(({ source, path, id }) => source === key && oids.get(path) === id);

/** Two GitSyncs with the same key follow the same source, and one look serves both. */
export const sourceKey = ({ spec, metadata }: GitSync): string =>
  writtenSource(spec.source).identity(metadata.namespace ?? '');

const hostOf = (address: string | undefined): string => {
  const parsed = parseRepositoryUrl(address);
  return parsed.ok ? parsed.url.host : '';
};

/** One look serves both. */
export const isSameSource = (a: GitSync, b: GitSync): boolean => sourceKey(a) === sourceKey(b);
