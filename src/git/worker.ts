import { workerData } from 'node:worker_threads';
import type { Agent } from 'undici';
import { ReasonError } from '../api/reason-error.ts';
import type { GitRef } from '../api/source.ts';
import { createFairSemaphore } from '../fair-semaphore.ts';
import type { FileTree, TextsWanted, TreeFile } from '../file-tree.ts';
import { createLoopYielder } from '../loop-yielder.ts';
import { serveWorker } from '../worker/serve.ts';
import { isDamaged } from './errors.ts';
import type { Folder } from './folder.ts';
import { createAgent, createGitHttp } from './http.ts';
import { type GitLimits, withinMs } from './limits.ts';
import { createByteCache } from './lru.ts';
import { bytesBelow, fetchCommit, fullName, locate } from './mirror.ts';
import { createObjects, type Objects } from './objects.ts';
import type { PackIndex } from './pack-index.ts';
import { askRef, type Remote } from './protocol.ts';
import { createTree } from './tree.ts';
import type { GitSource } from './types.ts';

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

/** Connections, by the CA that they trust: nearly always one. */
const agents = new Map<string | undefined, Agent>();
const MAX_AGENTS = 100;
const agentOf = (ca: string | undefined): Agent => {
  const known = agents.get(ca);
  const agent = known ?? createAgent(ca);
  agents.delete(ca);
  agents.set(ca, agent);
  const [oldest] = agents.keys();
  if (agents.size > MAX_AGENTS) {
    void agents.get(oldest)?.close(); // after what it has under way
    agents.delete(oldest);
  }
  return agent;
};

const remoteOf = (source: GitSource, limitMs: number, signal: AbortSignal): Remote => {
  const timeoutMs = withinMs(source.timeoutMs, limitMs);
  const http = createGitHttp(source, { agent: agentOf(source.credentials?.ca), signal, timeoutMs });
  return { url: source.url, http, limits };
};

const resolve = async (source: GitSource, signal: AbortSignal): Promise<{ revision: string; commit: string }> => {
  const { ref, url } = source;
  const name = fullName(ref);
  if (name === undefined) return { revision: ref.commit ?? '', commit: ref.commit ?? '' };
  const found = await askRef(remoteOf(source, limits.lookMs, signal), name);
  if (!found) throw new ReasonError('RefNotFound', `${url} has no ${wordsOf(ref)}; check spec.source.git.ref`);
  const commit = found.peeled ?? found.oid;
  return { revision: `${ref.tag ?? ref.branch}@${commit}`, commit };
};

const wordsOf = (ref: GitRef): string => (ref.tag === undefined ? `branch ${ref.branch}` : `tag ${ref.tag}`);

/** Indexing takes memory and CPU: one pack at a time, tenant after tenant. */
const indexing = createFairSemaphore({ slots: 1, perGroup: 1 });
/** Fetches of one mirror go one after another: they share the folder. */
const mirroring = createFairSemaphore({ slots: Number.MAX_SAFE_INTEGER, perGroup: 1 });

const fetch = ({ dir, source, commit, spoiled }: FetchCall, signal: AbortSignal): Promise<Fetched> =>
  mirroring(dir, async () => {
    signal.throwIfAborted();
    const known = spoiled === undefined ? located(dir, commit) : undefined;
    const remote = remoteOf(source, limits.fetchMs, signal);
    const breathe = createLoopYielder(signal);
    const alone = <T>(work: () => Promise<T>): Promise<T> => indexing(source.tenant ?? source.url, work);
    const ports = { limits, remote, objectsAt, breathe, alone };
    const gitdir = known ?? (await fetchCommit(dir, { ref: source.ref, commit, spoiled }, ports));
    return { gitdir, bytes: await bytesBelow(dir) };
  });

/** A damaged mirror counts as missing: the fetch that follows replaces it. */
const located = (dir: string, commit: string): string | undefined => {
  try {
    return locate(dir, commit, objectsAt);
  } catch (error) {
    if (isDamaged(error)) return undefined;
    throw error;
  }
};

const treeAt = ({ gitdir, commit }: Place): FileTree =>
  createTree({ commit, objects: objectsAt(gitdir), folders, limits, breathe: createLoopYielder() });

serveWorker({
  resolve,
  fetch,
  locate: (dir: string, commit: string) => locate(dir, commit, objectsAt),
  oid: (place: Place, path: string) => treeAt(place).oid(path),
  oids: (place: Place, paths: string[]) => treeAt(place).oids(paths),
  texts: (place: Place, path: string, wanted: TextsWanted) => treeAt(place).texts(path, wanted),
  find: (place: Place, path: string) => treeAt(place).find(path),
  files: (place: Place, path: string) => treeAt(place).files(path),
  folders: (place: Place, pattern: string, exclude: string[]) => treeAt(place).folders(pattern, exclude),
  read: (place: Place, file: TreeFile) => treeAt(place).read(file),
  writeTo: (place: Place, dir: string, paths: string[]) => treeAt(place).writeTo(dir, paths),
});
