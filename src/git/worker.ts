import { workerData } from 'node:worker_threads';
import { serveWorker } from '../worker/serve.ts';
import { createMirrors } from './mirrors.ts';
import { createTree } from './tree.ts';
import type { GitSource, GitTree, TreeFile } from './types.ts';

// The thread in which fetching, inflating and reading happens: index.ts starts it and is its only caller.

export interface GitWorkerData {
  dir: string;
  maxBytes: number;
}

/** Where a commit is read. */
export interface Place {
  gitdir: string;
  commit: string;
}

/** Whole packs are in there: after a while without calls they go. */
const MEMORY_MS = 30_000;

let caches = new Map<string, object>();
const forget = setTimeout(() => {
  caches = new Map();
}, MEMORY_MS).unref();

const cacheOf = (gitdir: string): object => {
  const cache = caches.get(gitdir) ?? {};
  caches.set(gitdir, cache);
  forget.refresh();
  return cache;
};

const mirrors = createMirrors({ ...(workerData as GitWorkerData), cacheOf, now: () => performance.now() });
const treeAt = (place: Place): GitTree => createTree({ ...place, cache: cacheOf(place.gitdir) });

serveWorker({
  resolve: (source: GitSource) => mirrors.resolve(source),
  open: (source: GitSource, commit: string) => mirrors.open(source, commit),
  oid: (place: Place, path: string) => treeAt(place).oid(path),
  find: (place: Place, path: string) => treeAt(place).find(path),
  files: (place: Place, path: string) => treeAt(place).files(path),
  read: (place: Place, file: TreeFile) => treeAt(place).read(file),
  writeTo: (place: Place, dir: string, paths: string[]) => treeAt(place).writeTo(dir, paths),
});
