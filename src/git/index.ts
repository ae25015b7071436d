import { existsSync } from 'node:fs';
import { unlessAborted } from '../abort.ts';
import { ReasonError } from '../api/reason-error.ts';
import { isReason } from '../api/reasons.ts';
import { hostOfRepository } from '../api/repository-url.ts';
import { createByteCache } from '../byte-cache.ts';
import { createFairSemaphore } from '../fair-semaphore.ts';
import type { FileTree, OpenOptions } from '../file-tree.ts';
import type { Vitals } from '../vitals.ts';
import { createWorkerClient, type WorkerClient, type WorkerEnd } from '../worker/client.ts';
import { isDamaged } from './errors.ts';
import { defaultLimits, type GitLimits } from './limits.ts';
import { wantedObjects } from './mirror.ts';
import { createMirrorCache } from './mirror-cache.ts';
import type { GitRoom, GitSource } from './types.ts';
import type { FetchCall, Fetched, Place } from './worker.ts';

export type { GitLimits } from './limits.ts';
export { pointerWords } from './refused.ts';
export type { GitCredentials, GitRoom, GitSource, Verification } from './types.ts';

/** Beside this file; when it is bundled, beside the bundle. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './git-worker.js', import.meta.url);

/** For which the thread that fetches, and its memory, are kept without work. */
const FETCHER_IDLE_MS = 10_000;

/** Repositories of which it is remembered where their commit is. */
const MAX_LOCATED = 1_000;

/**
 * Mirrors of repositories, in threads of their own: a large pack delays no Lease. Fetched packs are inflated in
 * another thread: they delay no poll and no read, and a hostile pack ends that thread only.
 * @param root folder for the mirrors, which may be lost at any time
 * @param overrides of `limits.ts`
 */
export const createGit = (
  root: string,
  overrides: Partial<GitLimits> = {},
  vitals?: Vitals,
): GitRoom & { close(): Promise<void> } => {
  const limits: GitLimits = { ...defaultLimits, ...overrides };
  const optionsOf = (maxHeapMb: number) => ({ data: limits, maxHeapMb, revive, ended: ended(maxHeapMb) });
  const reader = createWorkerClient(WORKER, {
    ...optionsOf(limits.heapMb),
    vitals: { name: 'the thread that reads repositories', of: vitals },
  });
  const fetcher = createWorkerClient(WORKER, {
    ...optionsOf(limits.fetchHeapMb),
    idleMs: FETCHER_IDLE_MS,
    vitals: { name: 'the thread that fetches', of: vitals },
  });
  const shelf = createMirrorCache(root, { limits, now: () => performance.now() });
  const places = createPlaces(limits);
  /** What holds much of a repository at once. */
  const reads = createFairSemaphore({ slots: limits.reads, perGroup: limits.reads });
  /** When a damaged mirror was last fetched afresh. */
  const healed = new Map<string, number>();

  const locate = (dir: string, { tagObject }: GitSource, commit: string): Promise<string | undefined> =>
    reader.call<string | undefined>('locate', [dir, wantedObjects(commit, tagObject)]).catch((error: unknown) => {
      if (isDamaged(error)) return undefined; // a fetch replaces it
      throw error;
    });
  /** Of each mirror, where a commit was found last: many folders of one commit are read, one after another. */
  const located = createByteCache<Place>(MAX_LOCATED);

  const fetch = async (call: FetchCall, signal: AbortSignal): Promise<string> => {
    const work = () => places(call.source, signal, () => fetcher.call<Fetched>('fetch', [call], undefined, signal));
    return (await shelf.during(call.dir, work)).gitdir;
  };

  /**
   * Where the commit can be read when it can't be at `spoiled`. Rejects with the error where that was tried just now.
   */
  const elsewhere = async (source: GitSource, spoiled: Place, error: unknown): Promise<Place> => {
    const { commit } = spoiled;
    const dir = await shelf.place(source);
    const known = await locate(dir, source, commit);
    if (known !== undefined && known !== spoiled.gitdir) return { gitdir: known, commit };
    if (existsSync(spoiled.gitdir)) {
      const now = performance.now();
      if (now - (healed.get(dir) ?? Number.NEGATIVE_INFINITY) < limits.healMs) throw error;
      for (const [other, at] of healed) if (now - at >= limits.healMs) healed.delete(other);
      healed.set(dir, now);
    }
    const gitdir = await fetch({ dir, source, commit, spoiled: spoiled.gitdir }, NEVER);
    return { gitdir, commit };
  };

  return {
    resolve: (source, { signal = NEVER } = {}) => reader.call('resolve', [source], undefined, signal),
    async open(source, commit, { signal = NEVER, offline = false }: OpenOptions = {}) {
      const work = async (): Promise<FileTree> => {
        const dir = await shelf.place(source);
        const last = source.tagObject ? undefined : located.get(dir);
        const known =
          last?.commit === commit && existsSync(last.gitdir) ? last.gitdir : await locate(dir, source, commit);
        if (known === undefined && offline) throw notHere(source, commit);
        const gitdir = known ?? (await fetch({ dir, source, commit }, signal));
        located.set(dir, { gitdir, commit }, 1);
        const again = async (at: Place, error: unknown): Promise<Place> => {
          const place = await elsewhere(source, at, error);
          located.set(dir, place, 1);
          return place;
        };
        const call = callsAt(reader, { gitdir, commit }, again);
        // The only way to the files of a commit leads through here.
        if (source.verify) await call('assertSigned', source.verify, source.ref, source.tagObject);
        return treeOf(call, (read) => reads(groupOf(source), read));
      };
      return unlessAborted(signal, work());
    },
    close: async () => void (await Promise.all([reader.close(), fetcher.close()])),
  };
};

const NEVER = new AbortController().signal;

const notHere = ({ url }: GitSource, commit: string): ReasonError =>
  new ReasonError('RepositoryUnreachable', `commit ${commit} of ${url} is in no mirror`);

const revive = ({ code, message, stack }: { code: string | undefined; message: string; stack: string | undefined }) =>
  Object.assign(
    new ReasonError(isReason(code) ? code : 'ReconciliationFailed', message),
    stack === undefined ? {} : { stack },
  );

const ended =
  (heapMb: number) =>
  (how: WorkerEnd, cause?: unknown): ReasonError =>
    how === 'memory'
      ? new ReasonError('RepositoryTooLarge', `a repository needs more than ${heapMb} MB of memory`, cause)
      : new ReasonError('RepositoryUnreachable', 'the thread that reads repositories ended; it is tried again', cause);

const groupOf = ({ tenant, url }: GitSource): string => tenant ?? hostOfRepository(url);

/**
 * Places for fetches: a tenant has some of all, and a host some of its tenant's, so that one that hangs leaves the
 * rest.
 */
const createPlaces = ({ fetches, fetchesPerTenant, fetchesPerHost }: GitLimits) => {
  const ofTenant = createFairSemaphore({ slots: fetches, perGroup: fetchesPerTenant });
  const ofHost = createFairSemaphore({ slots: Number.MAX_SAFE_INTEGER, perGroup: fetchesPerHost });
  return <T>(source: GitSource, signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
    ofHost(JSON.stringify([groupOf(source), hostOfRepository(source.url)]), () =>
      ofTenant(groupOf(source), async () => {
        signal.throwIfAborted();
        return work();
      }),
    );
};

type Call = <T>(method: string, ...args: unknown[]) => Promise<T>;

/** Calls of the thread that are about this commit. `again` says where to go on when its place is damaged. */
const callsAt = (worker: WorkerClient, place: Place, again: (at: Place, error: unknown) => Promise<Place>): Call => {
  let at = place;
  return async <T>(method: string, ...args: unknown[]): Promise<T> => {
    const place = at;
    try {
      return await worker.call<T>(method, [place, ...args]);
    } catch (error) {
      if (!isDamaged(error)) throw error;
      at = await again(place, error);
      return worker.call<T>(method, [at, ...args]);
    }
  };
};

const treeOf = (call: Call, reads: <T>(read: () => Promise<T>) => Promise<T>): FileTree => ({
  oid: (path) => call('oid', path),
  oids: async (paths) => (paths.length === 0 ? [] : call('oids', paths)),
  texts: (path, wanted) => reads(() => call('texts', path, wanted)),
  find: (path) => call('find', path),
  files: (path) => reads(() => call('files', path)),
  folders: (pattern, exclude) => reads(() => call('folders', pattern, exclude)),
  read: (file) => call('read', file),
  writeTo: (dir, paths) => reads(() => call('writeTo', dir, paths)),
});
