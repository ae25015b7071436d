import { workerData } from 'node:worker_threads';
import type { TreeObject } from 'isomorphic-git';
import { serveWorker } from '../worker/serve.ts';
import { createMirrors } from './mirrors.ts';
import { createTree } from './tree.ts';
import type { GitSource, GitTree, TextsWanted, TreeFile } from './types.ts';

// The threads in which fetching, inflating and reading happens: index.ts starts them and is their only caller.

export interface GitWorkerData {
  dir: string;
  maxBytes: number;
  removes: boolean;
}

/** Where a commit is read. */
export interface Place {
  gitdir: string;
  commit: string;
}

/** Whole packs are in there: after so long without calls they go. */
const MEMORY_MS = 30_000;

interface Memory {
  /** isomorphic-git's own. */
  packs: object;
  /** Parsed trees by oid, those of a few commits. */
  folders: Map<string, Promise<TreeObject>>;
  /** Root folders by commit. */
  roots: Map<string, string>;
  usedAt: number;
}

const MAX_FOLDERS = 5_000;

const memories = new Map<string, Memory>();
setInterval(() => {
  for (const [gitdir, { usedAt }] of memories) if (performance.now() - usedAt > MEMORY_MS) memories.delete(gitdir);
}, MEMORY_MS).unref();

const memoryOf = (gitdir: string): Memory => {
  const memory = memories.get(gitdir) ?? { packs: {}, folders: new Map(), roots: new Map(), usedAt: 0 };
  memories.set(gitdir, memory);
  memory.usedAt = performance.now();
  for (const map of [memory.folders, memory.roots]) if (map.size > MAX_FOLDERS) map.clear();
  return memory;
};

const cacheOf = (gitdir: string): object => memoryOf(gitdir).packs;
const mirrors = createMirrors({ ...(workerData as GitWorkerData), cacheOf, now: () => performance.now() });
const treeAt = (place: Place): GitTree => {
  const { packs, folders, roots } = memoryOf(place.gitdir);
  return createTree({ ...place, cache: packs, folders, roots });
};

serveWorker({
  resolve: (source: GitSource) => mirrors.resolve(source),
  locate: (source: GitSource, commit: string) => mirrors.locate(source, commit),
  open: (source: GitSource, commit: string) => mirrors.open(source, commit),
  oid: (place: Place, path: string) => treeAt(place).oid(path),
  oids: (place: Place, paths: string[]) => treeAt(place).oids(paths),
  texts: (place: Place, path: string, wanted: TextsWanted) => treeAt(place).texts(path, wanted),
  find: (place: Place, path: string) => treeAt(place).find(path),
  files: (place: Place, path: string) => treeAt(place).files(path),
  folders: (place: Place, pattern: string, exclude: string[]) => treeAt(place).folders(pattern, exclude),
  read: (place: Place, file: TreeFile) => treeAt(place).read(file),
  writeTo: (place: Place, dir: string, paths: string[]) => treeAt(place).writeTo(dir, paths),
});
