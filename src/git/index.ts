import { isReason } from '../api/reasons.ts';
import { createWorkerClient, type WorkerClient, type WorkerEnd } from '../worker/client.ts';
import { GitError, type GitRoom, type GitTree } from './types.ts';
import type { GitWorkerData, Place } from './worker.ts';

export {
  type FolderTexts,
  type GitCredentials,
  GitError,
  type GitRoom,
  type GitSource,
  type GitTree,
  type TreeFile,
} from './types.ts';

/** Beside this file; when it is bundled, beside the bundle. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './git-worker.js', import.meta.url);

/**
 * Mirrors of repositories, in threads of their own: a large pack delays no Lease. What is fetched is inflated in one of
 * its own again: it delays nobody who looks or reads, and a hostile one ends that thread only.
 * @param dir folder for the mirrors, which may be lost at any time
 * @param options.maxBytes that a server may send for one fetch
 * @param options.maxHeapMb of each thread
 */
export const createGit = (
  dir: string,
  { maxBytes = 100_000_000, maxHeapMb = 512 }: { maxBytes?: number; maxHeapMb?: number } = {},
): GitRoom & { close(): Promise<void> } => {
  const options = {
    maxHeapMb,
    revive: ({ code, message, stack }: { code: string | undefined; message: string; stack: string | undefined }) =>
      Object.assign(new GitError(isReason(code) ? code : 'SyncFailed', message), stack === undefined ? {} : { stack }),
    ended: (how: WorkerEnd, cause?: unknown) =>
      how === 'memory'
        ? new GitError('RepositoryTooLarge', `a repository needs more than ${maxHeapMb} MB of memory`, cause)
        : new GitError('RepositoryUnreachable', 'the thread that reads repositories ended; it is tried again', cause),
  };
  const data = { dir, maxBytes, removes: true } satisfies GitWorkerData;
  const reader = createWorkerClient(WORKER, { ...options, data });
  const fetcher = createWorkerClient(WORKER, { ...options, data: { ...data, removes: false }, idleMs: 10_000 });
  return {
    resolve: (source) => reader.call('resolve', [source]),
    async open(source, commit) {
      const known = await reader.call<string | undefined>('locate', [source, commit]);
      const gitdir = known ?? (await fetcher.call<string>('open', [source, commit]));
      return treeOf(reader, { gitdir, commit });
    },
    close: async () => void (await Promise.all([reader.close(), fetcher.close()])),
  };
};

const treeOf = (worker: WorkerClient, place: Place): GitTree => ({
  commit: place.commit,
  oid: (path) => worker.call('oid', [place, path]),
  oids: (paths) => worker.call('oids', [place, paths]),
  texts: (path, wanted) => worker.call('texts', [place, path, wanted]),
  find: (path) => worker.call('find', [place, path]),
  files: (path) => worker.call('files', [place, path]),
  folders: (pattern, exclude) => worker.call('folders', [place, pattern, exclude]),
  read: (file) => worker.call('read', [place, file]),
  writeTo: (dir, paths) => worker.call('writeTo', [place, dir, paths]),
});
