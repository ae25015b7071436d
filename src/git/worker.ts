import { workerData } from 'node:worker_threads';
import { ReasonError } from '../api/reason-error.ts';
import type { GitRef } from '../api/source.ts';
import { createByteCache } from '../byte-cache.ts';
import { createFairSemaphore } from '../fair-semaphore.ts';
import type { FileTree, TextsWanted, TreeFile } from '../file-tree.ts';
import { refuseForbiddenAddress } from '../http/addresses.ts';
import { createAgents } from '../http/agents.ts';
import { createLoopYielder } from '../loop-yielder.ts';
import { serveWorker } from '../worker/serve.ts';
import { isDamaged } from './errors.ts';
import type { Folder } from './folder.ts';
import { createAppTokens } from './github-app.ts';
import { createGitHttp } from './http.ts';
import { type GitLimits, withinMs } from './limits.ts';
import { bytesBelow, fetchCommit, fullName, locate, tipsOf, wantedObjects } from './mirror.ts';
import { newestTag } from './newest-tag.ts';
import { createObjects, type Objects } from './objects.ts';
import type { PackIndex } from './pack-index.ts';
import { askRef, listTags, type RefAt, type Remote } from './protocol.ts';
import { assertSigned } from './signatures/verify.ts';
import { createSsh } from './ssh.ts';
import { sshTargetOf } from './ssh-target.ts';
import type { Transport } from './transport.ts';
import { createTree } from './tree.ts';
import type { GitSource, Resolved, Verification } from './types.ts';

// The threads in which looking, fetching and reading happens: index.ts starts them and is their only caller.

/** Where a commit is read. */
export interface Place {
  gitdir: string;
  commit: string;
}

export interface FetchCall {
  /** Of the mirror. */
  dir: string;
  source: GitSource;
  commit: string;
  spoiled?: string | undefined;
}

/** What a mirror costs after a fetch. */
export interface Fetched {
  gitdir: string;
  bytes: number;
}

const limits = workerData as GitLimits;
const indexes = createByteCache<PackIndex>(limits.indexBytes);
const folders = createByteCache<Folder>(limits.foldersBytes);
const objectsAt = (gitdir: string): Objects => createObjects(gitdir, { limits, indexes });

const agents = createAgents();

const appTokens = createAppTokens({ now: Date.now });

interface Patience {
  limitMs: number;
  signal: AbortSignal;
}

/** Does the work with a way to the repository, which is closed after it. */
const withRemote = async <T>(
  source: GitSource,
  patience: Patience,
  work: (remote: Remote) => Promise<T>,
): Promise<T> => {
  refuseForbiddenAddress(source.url);
  const target = sshTargetOf(source.url);
  const ports = { timeoutMs: withinMs(source.timeoutMs, patience.limitMs), signal: patience.signal };
  const through = async (transport: Transport): Promise<T> => {
    try {
      return await work({ url: source.url, transport, limits });
    } finally {
      transport.close();
    }
  };
  if (!target) return through(await httpTo(source, ports));
  return programs(tenantOf(source), () => through(createSsh(source, target, ports)));
};

/** Each is a process. */
const programs = createFairSemaphore({ slots: limits.ssh, perGroup: limits.sshPerTenant });
const tenantOf = ({ tenant, url }: GitSource): string => tenant ?? url;

const httpTo = async (source: GitSource, ports: { timeoutMs: number; signal: AbortSignal }): Promise<Transport> => {
  const agent = agents.of(source.credentials);
  const credentials = await appTokens.exchanged(source, { ...ports, agent });
  return createGitHttp({ url: source.url, ...(credentials && { credentials }) }, { ...ports, agent });
};

const resolve = async (source: GitSource, signal: AbortSignal): Promise<Resolved> => {
  const { ref, url } = source;
  if (ref.semver !== undefined) return resolveRange(source, ref.semver, signal);
  const name = fullName(ref);
  if (name === undefined) return { revision: ref.commit ?? '', commit: ref.commit ?? '' };
  const found = await withRemote(source, { limitMs: limits.lookMs, signal }, (remote) => askRef(remote, name));
  if (!found) throw new ReasonError('RefNotFound', `${url} has no ${wordsOf(ref)}; check spec.source.git.ref`);
  const commit = found.peeled ?? found.oid;
  return { revision: `${ref.tag ?? ref.branch}@${commit}`, commit, ...tagObjectOf(found) };
};

const resolveRange = async (source: GitSource, range: string, signal: AbortSignal): Promise<Resolved> => {
  const { url } = source;
  const tags = await withRemote(source, { limitMs: limits.lookMs, signal }, listTags);
  const tag = newestTag(tags.keys(), range);
  if (tag === undefined) {
    throw new ReasonError(
      'RefNotFound',
      `${url} has no tag with a version in ${range}; check spec.source.git.ref.semver`,
    );
  }
  const found = tags.get(tag) ?? { oid: '' };
  const commit = found.peeled ?? found.oid;
  return { revision: `${tag}@${commit}`, commit, ref: { tag }, ...tagObjectOf(found) };
};

const tagObjectOf = ({ oid, peeled }: RefAt): Pick<Resolved, 'tagObject'> =>
  peeled === undefined ? {} : { tagObject: oid };

const wordsOf = (ref: GitRef): string => (ref.tag === undefined ? `branch ${ref.branch}` : `tag ${ref.tag}`);

/** Indexing takes memory and CPU: one pack at a time, tenant after tenant. */
const indexing = createFairSemaphore({ slots: 1, perGroup: 1 });
/** Fetches of one mirror go one after another: they share the folder. */
const mirroring = createFairSemaphore({ slots: Number.MAX_SAFE_INTEGER, perGroup: 1 });

const fetch = ({ dir, source, commit, spoiled }: FetchCall, signal: AbortSignal): Promise<Fetched> =>
  mirroring(dir, async () => {
    signal.throwIfAborted();
    const { ref, tagObject } = source;
    const known = spoiled === undefined ? located(dir, wantedObjects(commit, tagObject)) : undefined;
    const breathe = createLoopYielder(signal);
    const alone = <T>(work: () => Promise<T>): Promise<T> => indexing(tenantOf(source), work);
    const fetchFrom = (remote: Remote): Promise<string> =>
      fetchCommit(dir, { ref, commit, tagObject, spoiled }, { limits, remote, objectsAt, breathe, alone });
    const gitdir = known ?? (await withRemote(source, { limitMs: limits.fetchMs, signal }, fetchFrom));
    return { gitdir, bytes: await bytesBelow(dir) };
  });

/** A damaged mirror counts as missing: the fetch that follows replaces it. */
const located = (dir: string, oids: readonly string[]): string | undefined => {
  try {
    return locate(dir, oids, objectsAt);
  } catch (error) {
    if (isDamaged(error)) return undefined;
    throw error;
  }
};

/** After a restart nobody knows yet which tag the ref stands at: one that was fetched before may prove the same. */
const signedAt = (
  { gitdir, commit }: Place,
  verification: Verification,
  ref: GitRef,
  tagObject: string | null | undefined,
): Promise<void> => {
  const tags = tagObject === undefined ? tipsOf(gitdir) : [tagObject ?? []].flat();
  return assertSigned(verification, { commit, ref, tags }, objectsAt(gitdir));
};

const treeAt = ({ gitdir, commit }: Place): FileTree =>
  createTree({ commit, objects: objectsAt(gitdir), folders, limits, breathe: createLoopYielder() });

serveWorker({
  resolve,
  fetch,
  locate: (dir: string, oids: readonly string[]) => locate(dir, oids, objectsAt),
  assertSigned: signedAt,
  oid: (place: Place, path: string) => treeAt(place).oid(path),
  oids: (place: Place, paths: string[]) => treeAt(place).oids(paths),
  texts: (place: Place, path: string, wanted: TextsWanted) => treeAt(place).texts(path, wanted),
  find: (place: Place, path: string) => treeAt(place).find(path),
  files: (place: Place, path: string) => treeAt(place).files(path),
  folders: (place: Place, pattern: string, exclude: string[]) => treeAt(place).folders(pattern, exclude),
  read: (place: Place, file: TreeFile) => treeAt(place).read(file),
  writeTo: (place: Place, dir: string, paths: string[]) => treeAt(place).writeTo(dir, paths),
});
