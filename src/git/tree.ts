import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import git, { type TreeObject } from 'isomorphic-git';
import { matchesPath, matchesSegment, segmentsOf } from './glob.ts';
import { packedFs } from './packed-fs.ts';
import { type FolderTexts, GitError, type GitTree, type TreeFile } from './types.ts';

/** A manifest, a chart, a patch: none is larger. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
/** What kustomize gets to read, at most. */
const MAX_WRITTEN_BYTES = 256 * 1024 * 1024;
/** Folders and files of one walk: a few tree objects that hold each other many times make billions. */
const MAX_ENTRIES = 200_000;
const MAX_DEPTH = 100;
const MAX_LINKS = 8;
/** Mode of a symlink. */
const LINK = '120000';

interface At {
  gitdir: string;
  commit: string;
  cache: object;
  /** Parsed folders by oid: the root of a monorepo is asked for once for each of its folders. */
  folders?: Map<string, Promise<TreeObject>>;
  /** Root folders by commit. */
  roots?: Map<string, string>;
}

interface Entry {
  oid: string;
  type: string;
  mode?: string;
}

/** The files of one commit, straight from the object store: nothing is checked out. */
export const createTree = ({ gitdir, commit, cache, folders = new Map(), roots = new Map() }: At): GitTree => {
  const repository = { fs: packedFs, gitdir, cache };

  const rootOf = async (oid: string): Promise<string> => {
    const known = roots.get(oid) ?? (await git.readCommit({ ...repository, oid })).commit.tree;
    roots.set(oid, known);
    return known;
  };

  const treeOf = (oid: string): Promise<TreeObject> => {
    const known = folders.get(oid);
    if (known) return known;
    const fresh = readTree(oid);
    folders.set(oid, fresh);
    fresh.catch(() => folders.delete(oid));
    return fresh;
  };
  const readTree = async (oid: string): Promise<TreeObject> => {
    try {
      return (await git.readTree({ ...repository, oid })).tree;
    } catch (error) {
      if ((error as { code?: string }).code !== 'UnsafeFilepathError') throw error;
      throw new GitError('PathOutsideRepository', `the repository holds a forbidden name: ${(error as Error).message}`);
    }
  };

  const entryAt = async (path: string): Promise<Entry | undefined> => {
    let current: Entry = { oid: await rootOf(commit), type: 'tree' };
    for (const part of partsOf(path)) {
      if (current.type !== 'tree') return undefined;
      const next = (await treeOf(current.oid)).find((e) => e.path === part);
      if (!next) return undefined;
      current = next;
    }
    return current;
  };

  /** Like entryAt, through symlinks; gives the path without them. */
  const follow = async (path: string, links = 0): Promise<{ path: string; entry: Entry } | undefined> => {
    const parts = partsOf(path);
    for (const [i] of parts.entries()) {
      const at = parts.slice(0, i + 1).join('/');
      const entry = await entryAt(at);
      if (entry === undefined) return undefined;
      if (entry.mode !== LINK) continue;
      if (links >= MAX_LINKS) return undefined;
      return follow(posix.join(await targetOf(fileOf(at, entry)), ...parts.slice(i + 1)), links + 1);
    }
    const entry = await entryAt(path);
    return entry && { path: parts.join('/') || '.', entry };
  };

  /** What one folder holds, in a stable order. `seen` counts over a whole walk. */
  const safeEntries = async (oid: string, parts: string[], seen: { entries: number }): Promise<TreeObject> => {
    if (parts.length > MAX_DEPTH) throw new GitError('RepositoryTooLarge', `folders nest deeper than ${MAX_DEPTH}`);
    const names = new Set<string>();
    const entries = (await treeOf(oid)).toSorted((a, b) => (a.path < b.path ? -1 : 1));
    for (const entry of entries) {
      seen.entries += 1;
      if (seen.entries > MAX_ENTRIES) {
        throw new GitError('RepositoryTooLarge', `the folder holds more than ${MAX_ENTRIES} files and folders`);
      }
      const below = [...parts, entry.path];
      assertSafe(entry.path, below);
      // A folder and a symlink of the same name: what is written to the one would land where the other leads.
      if (names.has(entry.path)) throw new GitError('PathOutsideRepository', `${below.join('/')} is there twice`);
      names.add(entry.path);
    }
    return entries;
  };

  const walk = async (oid: string, parts: string[], seen: { files: TreeFile[]; entries: number }): Promise<void> => {
    for (const entry of await safeEntries(oid, parts, seen)) {
      const below = [...parts, entry.path];
      if (entry.type === 'tree') await walk(entry.oid, below, seen);
      if (entry.type === 'blob') seen.files.push(fileOf(below.join('/'), entry));
    }
  };

  /** Only folders that the pattern can still match are read, and none below its last segment. */
  const foldersBelow = async (
    oid: string,
    parts: string[],
    wanted: { segments: string[]; exclude: readonly string[]; found: string[]; entries: number },
  ): Promise<string[]> => {
    const segment = wanted.segments[parts.length];
    if (segment === undefined) {
      wanted.found.push(parts.join('/') || '.');
      return wanted.found;
    }
    for (const entry of await safeEntries(oid, parts, wanted)) {
      const below = [...parts, entry.path];
      if (entry.type !== 'tree' || !matchesSegment(segment, entry.path)) continue;
      if (wanted.exclude.some((pattern) => matchesPath(pattern, below.join('/')))) continue;
      await foldersBelow(entry.oid, below, wanted);
    }
    return wanted.found;
  };

  const filesOf = async (entry: Entry, path: string): Promise<TreeFile[]> => {
    const seen = { files: [], entries: 0 };
    await walk(entry.oid, partsOf(path), seen);
    return seen.files;
  };

  const blobOf = async (file: TreeFile): Promise<Uint8Array> => {
    const { blob } = await git.readBlob({ ...repository, oid: file.oid });
    if (blob.length > MAX_FILE_BYTES) {
      throw new GitError('RepositoryTooLarge', `${file.path} has ${blob.length} bytes; ${MAX_FILE_BYTES} are taken`);
    }
    return blob;
  };

  const targetOf = async (link: TreeFile): Promise<string> => insideOrThrow(link, Buffer.from(await blobOf(link)));

  const folderAt = async (path: string): Promise<Entry> => {
    const entry = await entryAt(path);
    if (entry?.type === 'tree') return entry;
    throw new GitError('PathNotFound', `commit ${commit.slice(0, 12)} has no folder ${path}; check spec.path`);
  };

  const read = async (file: TreeFile): Promise<Uint8Array> => {
    if (file.mode === 'file') return blobOf(file);
    const found = await follow(file.path);
    if (found?.entry.type !== 'blob') {
      throw new GitError('PathNotFound', `symlink ${file.path} leads to no file of the repository`);
    }
    return blobOf(fileOf(found.path, found.entry));
  };

  return {
    commit,
    oid: async (path) => (await entryAt(path))?.oid,
    async oids(paths) {
      const found: (string | undefined)[] = [];
      for (const path of paths) found.push((await entryAt(path))?.oid);
      return found;
    },
    files: async (path) => filesOf(await folderAt(path), path),
    async folders(pattern, exclude) {
      const { commit: root } = await git.readCommit({ ...repository, oid: commit });
      return foldersBelow(root.tree, [], { segments: segmentsOf(pattern), exclude, found: [], entries: 0 });
    },
    async texts(path, { unless, pattern, maxBytes }) {
      const entry = await folderAt(path);
      const files = await filesOf(entry, path);
      const folder = partsOf(path).join('/');
      const isMarker = (file: TreeFile): boolean =>
        unless.includes(posix.basename(file.path)) && posix.dirname(file.path) === (folder || '.');
      const result: FolderTexts = {
        oid: entry.oid,
        found: files.some(isMarker),
        links: files.some((file) => file.mode === 'symlink'),
        texts: [],
        bytes: 0,
      };
      if (result.found) return result;
      for (const file of files.filter((f) => pattern.test(f.path))) {
        const content = await read(file);
        result.bytes += content.length;
        if (result.bytes > maxBytes) return result;
        result.texts.push({ file: file.path, text: Buffer.from(content).toString() });
      }
      return result;
    },
    async find(path) {
      const found = await follow(path);
      if (found?.entry.type === 'tree') return { path: found.path, oid: found.entry.oid, mode: 'folder' };
      return found?.entry.type === 'blob' ? fileOf(found.path, found.entry) : undefined;
    },
    read,
    async writeTo(dir, paths) {
      const written = new Set<string>();
      let bytes = 0;
      let links = false;
      const write = async (file: TreeFile): Promise<void> => {
        if (written.has(file.path)) return;
        written.add(file.path);
        const target = join(dir, file.path);
        await mkdir(dirname(target), { recursive: true });
        if (file.mode === 'symlink') {
          links = true;
          const to = await targetOf(file);
          await symlink(posix.relative(posix.dirname(file.path), to) || '.', target);
          return writePath(to);
        }
        const content = await blobOf(file);
        bytes += content.length;
        if (bytes > MAX_WRITTEN_BYTES) {
          throw new GitError('RepositoryTooLarge', `the folders hold more than ${MAX_WRITTEN_BYTES} bytes`);
        }
        await writeFile(target, content, { flag: 'wx' });
      };
      const writePath = async (path: string): Promise<void> => {
        const entry = await entryAt(path);
        if (entry?.type === 'blob') await write(fileOf(path, entry));
        if (entry?.type === 'tree') for (const file of await filesOf(entry, path)) await write(file);
      };
      for (const path of paths) await writePath(partsOf(path).join('/'));
      return { links };
    },
  };
};

const fileOf = (path: string, { oid, mode }: Entry): TreeFile => ({
  path,
  oid,
  mode: mode === LINK ? 'symlink' : 'file',
});

const partsOf = (path: string): string[] => {
  const normal = posix.normalize(path);
  if (leavesRepository(normal)) throw new GitError('PathOutsideRepository', `${path} leads out of the repository`);
  return normal.split('/').filter((p) => p !== '' && p !== '.');
};

const leavesRepository = (normal: string): boolean =>
  normal === '..' || normal.startsWith('../') || posix.isAbsolute(normal);

/** A tree object can hold names that no checkout would make: those are attacks. */
const assertSafe = (name: string, path: string[]): void => {
  if (['', '.', '..'].includes(name) || /[/\\\0]/.test(name) || /^\.git$/i.test(name)) {
    const shown = JSON.stringify(path.join('/'));
    throw new GitError('PathOutsideRepository', `the repository holds a forbidden name: ${shown}`);
  }
};

/** Where a symlink leads, from the root of the repository. */
const insideOrThrow = (link: TreeFile, content: Buffer): string => {
  const target = content.toString();
  const resolved = posix.normalize(posix.join(posix.dirname(link.path), target));
  if (posix.isAbsolute(target) || leavesRepository(resolved)) {
    throw new GitError('PathOutsideRepository', `symlink ${link.path} leads out of the repository, to ${target}`);
  }
  return resolved;
};
