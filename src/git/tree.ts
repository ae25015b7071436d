import { posix } from 'node:path';
import { ReasonError } from '../api/reason-error.ts';
import type { ByteCache } from '../byte-cache.ts';
import type { FileTree, FolderTexts, TreeFile } from '../file-tree.ts';
import { createCopyWriter } from './copy-writer.ts';
import { damaged, tooLarge } from './errors.ts';
import { type Folder, PARSED_RATIO, parseCommit, parseFolder, type TreeEntry } from './folder.ts';
import { matchesPath, matchesSegment, segmentsOf } from './glob.ts';
import { type Ignored, ignoredBy } from './ignore.ts';
import type { GitLimits } from './limits.ts';
import { type Objects, OversizedError } from './objects.ts';
import { isPointer, refusePointer, refuseSubmodule } from './refused.ts';

interface At {
  commit: string;
  objects: Objects;
  /** Parsed, by oid, of all mirrors: the root of a monorepo is asked for once for each of its folders. */
  folders: ByteCache<Folder>;
  limits: Pick<
    GitLimits,
    'fileBytes' | 'writtenBytes' | 'entries' | 'depth' | 'links' | 'ignoreRules' | 'ignoreSteps' | 'ignoreStepsOfName'
  >;
  /** Lets others of this thread go on. */
  breathe(): Promise<void>;
}

type Entry = Pick<TreeEntry, 'oid' | 'type' | 'isLink'>;

/** The files of one commit, straight from the packs: nothing is checked out. */
export const createTree = ({ commit, objects, folders, limits, breathe }: At): FileTree => {
  /** What the object of this name holds, which is read once for all who ask. */
  const parsed = (oid: string, type: 'commit' | 'tree', parse: (content: Buffer) => Folder): Folder => {
    const key = `${type} ${oid}`;
    const known = folders.get(key);
    if (known && objects.has(oid)) return known; // another repository may have it, and this one not
    const object = objects.read(oid);
    if (object.type !== type) throw damaged(`object ${oid} is no ${type}`);
    const folder = parse(object.content);
    folders.set(key, folder, object.content.length * PARSED_RATIO);
    return folder;
  };
  const rootEntry = (): Entry => {
    const [root] = parsed(commit, 'commit', parseCommit);
    if (!root) throw damaged(`commit ${commit} has no root`);
    return root;
  };

  const folderOf = async (oid: string): Promise<Folder> => {
    await breathe();
    return parsed(oid, 'tree', parseFolder);
  };

  /** @param inside what to do with a path that leads into a submodule */
  const entryAt = async (path: string, inside: 'missing' | 'refuse' = 'missing'): Promise<Entry | undefined> => {
    let current = rootEntry();
    for (const [i, part] of partsOf(path).entries()) {
      if (current.type === 'submodule' && inside === 'refuse') refuseSubmodule(partsOf(path).slice(0, i).join('/'));
      if (current.type !== 'tree') return undefined;
      const next = (await folderOf(current.oid)).find(({ name }) => name === part);
      if (!next) return undefined;
      current = next;
    }
    if (current.type === 'submodule' && inside === 'refuse') refuseSubmodule(path);
    return current;
  };

  /** Like entryAt, through symlinks; gives the path without them. */
  const follow = async (path: string, links = 0): Promise<{ path: string; entry: Entry } | undefined> => {
    const parts = partsOf(path);
    for (const [i] of parts.entries()) {
      const at = parts.slice(0, i + 1).join('/');
      const entry = await entryAt(at, 'refuse');
      if (entry === undefined) return undefined;
      if (!entry.isLink) continue;
      if (links >= limits.links) return undefined;
      return follow(posix.join(await targetOf(fileOf(at, entry)), ...parts.slice(i + 1)), links + 1);
    }
    const entry = await entryAt(path, 'refuse');
    return entry && { path: parts.join('/') || '.', entry };
  };

  /** What one folder holds, in a stable order. `seen` counts over a whole walk. */
  const safeEntries = async (oid: string, parts: string[], seen: { entries: number }): Promise<Folder> => {
    if (parts.length > limits.depth) throw tooLarge(`folders nest deeper than ${limits.depth}`);
    const names = new Set<string>();
    const entries = (await folderOf(oid)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      seen.entries += 1;
      if (seen.entries > limits.entries)
        throw tooLarge(`the folder holds more than ${limits.entries} files and folders`);
      const below = [...parts, entry.name];
      assertSafe(entry.name, below);
      // A folder and a symlink of the same name: what is written to the one would land where the other leads.
      if (names.has(entry.name)) throw new ReasonError('PathOutsideRepository', `${below.join('/')} is there twice`);
      names.add(entry.name);
    }
    return entries;
  };

  const walk = async (oid: string, parts: string[], seen: Walk): Promise<void> => {
    const path = parts.join('/');
    if (seen.walked?.has(path)) return;
    seen.walked?.add(path);
    for (const entry of await safeEntries(oid, parts, seen)) {
      await breathe();
      const below = [...parts, entry.name];
      if (seen.ignored?.(below, entry.type !== 'blob')) continue;
      if (entry.type === 'tree') await walk(entry.oid, below, seen);
      if (entry.type === 'blob') seen.files.push(fileOf(below.join('/'), entry));
      if (entry.type === 'submodule') seen.submodules.push(below.join('/'));
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
      await breathe();
      const below = [...parts, entry.name];
      if (entry.type === 'blob' || !matchesSegment(segment, entry.name)) continue;
      if (wanted.exclude.some((pattern) => matchesPath(pattern, below.join('/')))) continue;
      if (entry.type === 'submodule') refuseSubmodule(below.join('/'));
      await foldersBelow(entry.oid, below, wanted);
    }
    return wanted.found;
  };

  const walkFrom = async (entry: Entry, path: string, ignored?: Ignored): Promise<Walk> => {
    const seen: Walk = { files: [], submodules: [], entries: 0, ignored };
    await walk(entry.oid, partsOf(path), seen);
    return seen;
  };

  const blobOf = async (file: TreeFile): Promise<Buffer> => {
    await breathe();
    try {
      return objects.read(file.oid).content;
    } catch (error) {
      if (!(error instanceof OversizedError)) throw error;
      throw tooLarge(`${file.path} has ${error.bytes ?? 'more'} bytes; ${limits.fileBytes} are taken`);
    }
  };

  const targetOf = async (link: TreeFile): Promise<string> => insideOrThrow(link, await blobOf(link));

  const folderAt = async (path: string): Promise<Entry> => {
    const entry = await entryAt(path, 'refuse');
    if (entry?.type === 'tree') return entry;
    throw new ReasonError('PathNotFound', `commit ${commit.slice(0, 12)} has no folder ${path}; check spec.path`);
  };

  const read = async (file: TreeFile): Promise<Buffer> => {
    const content = await blobOf(file.mode === 'file' ? file : await behind(file));
    if (isPointer(content)) refusePointer(file.path);
    return content;
  };
  const behind = async (link: TreeFile): Promise<TreeFile> => {
    const found = await follow(link.path);
    if (found?.entry.type === 'blob') return fileOf(found.path, found.entry);
    throw new ReasonError('PathNotFound', `symlink ${link.path} leads to no file of the repository`);
  };

  return {
    oid: async (path) => (await entryAt(path))?.oid,
    async oids(paths) {
      const found: (string | undefined)[] = [];
      for (const path of paths) found.push((await entryAt(path))?.oid);
      return found;
    },
    files: async (path) => (await walkFrom(await folderAt(path), path)).files,
    folders: async (pattern, exclude) =>
      foldersBelow(rootEntry().oid, [], { segments: segmentsOf(pattern), exclude, found: [], entries: 0 }),
    async texts(path, { pattern, maxBytes, ignore }) {
      const entry = await folderAt(path);
      const { files, submodules } = await walkFrom(entry, path, ignore && ignoredBy(ignore, limits));
      const result: FolderTexts = {
        oid: entry.oid,
        links: files.some((file) => file.mode === 'symlink'),
        texts: [],
        bytes: 0,
      };
      if (submodules[0] !== undefined) refuseSubmodule(submodules[0]);
      for (const file of files.filter((f) => pattern.test(f.path))) {
        const content = await read(file);
        result.bytes += content.length;
        if (result.bytes > maxBytes) return result;
        result.texts.push({ file: file.path, text: content.toString() });
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
      const copy = createCopyWriter(dir, limits);
      const asked = new Set<string>();
      const written = new Set<string>();
      // One for all paths and for what symlinks lead to: a few objects can be many folders.
      const seen: Walk = { files: [], submodules: [], entries: 0, ignored: undefined, walked: new Set() };
      let links = false;
      const pointers: string[] = [];
      const write = async (file: TreeFile): Promise<void> => {
        if (written.has(file.path)) return;
        written.add(file.path);
        if (file.mode === 'symlink') {
          links = true;
          const to = await targetOf(file);
          await copy.link(file.path, to);
          return writePath(to);
        }
        const content = await blobOf(file);
        if (isPointer(content)) pointers.push(file.path);
        else await copy.file(file.path, content);
      };
      const writePath = async (wanted: string): Promise<void> => {
        const parts = partsOf(wanted);
        const path = parts.join('/');
        if (asked.has(path) || seen.walked?.has(path)) return;
        asked.add(path);
        const entry = await entryAt(path);
        if (entry?.type === 'blob') await write(fileOf(path, entry));
        if (entry?.type !== 'tree') return;
        await walk(entry.oid, parts, seen);
        for (const file of seen.files.splice(0)) await write(file);
      };
      for (const path of paths) await writePath(path);
      return { links, pointers };
    },
  };
};

interface Walk {
  files: TreeFile[];
  submodules: string[];
  /** So far. */
  entries: number;
  ignored: Ignored | undefined;
  /** Folders that are not walked again. */
  walked?: Set<string>;
}

const fileOf = (path: string, { oid, isLink }: Entry): TreeFile => ({ path, oid, mode: isLink ? 'symlink' : 'file' });

const partsOf = (path: string): string[] => {
  const normal = posix.normalize(path);
  if (leavesRepository(normal)) throw new ReasonError('PathOutsideRepository', `${path} leads out of the repository`);
  return normal.split('/').filter((p) => p !== '' && p !== '.');
};

const leavesRepository = (normal: string): boolean =>
  normal === '..' || normal.startsWith('../') || posix.isAbsolute(normal);

/** A tree object can hold names that no checkout would make: those are attacks. */
const assertSafe = (name: string, path: string[]): void => {
  if (['', '.', '..'].includes(name) || /[/\\\0]/.test(name) || /^\.git$/i.test(name)) {
    const shown = JSON.stringify(path.join('/'));
    throw new ReasonError('PathOutsideRepository', `the repository holds a forbidden name: ${shown}`);
  }
};

/** Where a symlink leads, from the root of the repository. */
const insideOrThrow = (link: TreeFile, content: Buffer): string => {
  const target = content.toString();
  const resolved = posix.normalize(posix.join(posix.dirname(link.path), target));
  if (posix.isAbsolute(target) || leavesRepository(resolved)) {
    throw new ReasonError('PathOutsideRepository', `symlink ${link.path} leads out of the repository, to ${target}`);
  }
  return resolved;
};
