import { isReason } from '../api/reasons.ts';
import { createWorkerClient, type WorkerClient } from '../worker/client.ts';
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
 * Mirrors of repositories, in a thread of their own: a large pack delays no Lease, and a hostile one ends that thread only.
 * @param dir folder for the mirrors, which may be lost at any time
 * @param options.maxBytes that a server may send for one fetch
 * @param options.maxHeapMb of the thread
 */
export const createGit = (
  dir: string,
  { maxBytes = 100_000_000, maxHeapMb = 512 }: { maxBytes?: number; maxHeapMb?: number } = {},
): GitRoom & { close(): Promise<void> } => {
  const worker = createWorkerClient(WORKER, {
    data: { dir, maxBytes } satisfies GitWorkerData,
    maxHeapMb,
    revive: ({ code, message, stack }) =>
      Object.assign(new GitError(isReason(code) ? code : 'SyncFailed', message), stack === undefined ? {} : { stack }),
    ended: (how, cause) =>
      how === 'memory'
        ? new GitError('RepositoryTooLarge', `a repository needs more than ${maxHeapMb} MB of memory`, cause)
        : new GitError('RepositoryUnreachable', 'the thread that reads repositories ended; it is tried again', cause),
  });
  return {
    resolve: (source) => worker.call('resolve', [source]),
    open: async (source, commit) => treeOf(worker, { gitdir: await worker.call('open', [source, commit]), commit }),
    close: worker.close,
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
