import fs from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import git from 'isomorphic-git';
import { GitError, type GitTree, type TreeFile } from './types.ts';

/** A manifest, a chart, a patch: none is larger. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 100_000;

interface At {
  gitdir: string;
  commit: string;
  cache: object;
}

/** The files of one commit, straight from the object store: nothing is checked out. */
export const createTree = ({ gitdir, commit, cache }: At): GitTree => {
  const repository = { fs, gitdir, cache };

  const entryAt = async (path: string): Promise<{ oid: string; type: string } | undefined> => {
    const { commit: root } = await git.readCommit({ ...repository, oid: commit });
    let current = { oid: root.tree, type: 'tree' };
    for (const part of partsOf(path)) {
      if (current.type !== 'tree') return undefined;
      const { tree } = await git.readTree({ ...repository, oid: current.oid });
      const next = tree.find((e) => e.path === part);
      if (!next) return undefined;
      current = next;
    }
    return current;
  };

  const walk = async (oid: string, prefix: string, found: TreeFile[]): Promise<void> => {
    const { tree } = await git.readTree({ ...repository, oid });
    for (const entry of tree.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
      const path = prefix === '' ? entry.path : `${prefix}/${entry.path}`;
      assertSafe(entry.path, path);
      if (entry.type === 'tree') await walk(entry.oid, path, found);
      if (entry.type === 'blob')
        found.push({ path, oid: entry.oid, mode: entry.mode === '120000' ? 'symlink' : 'file' });
      if (found.length > MAX_FILES) throw new GitError('RepositoryTooLarge', `more than ${MAX_FILES} files`);
    }
  };

  const tree: GitTree = {
    commit,
    oid: async (path) => (await entryAt(path))?.oid,
    async files(path) {
      const entry = await entryAt(path);
      if (entry?.type !== 'tree') {
        throw new GitError('PathNotFound', `commit ${commit.slice(0, 12)} has no folder ${path}; check spec.path`);
      }
      const found: TreeFile[] = [];
      await walk(entry.oid, partsOf(path).join('/'), found);
      return found;
    },
    async read(file) {
      const { blob } = await git.readBlob({ ...repository, oid: file.oid });
      if (blob.length > MAX_FILE_BYTES) {
        throw new GitError('RepositoryTooLarge', `${file.path} has ${blob.length} bytes; ${MAX_FILE_BYTES} are taken`);
      }
      return blob;
    },
    async writeTo(dir) {
      for (const file of await tree.files('.')) {
        const target = join(dir, file.path);
        await mkdir(dirname(target), { recursive: true });
        const content = await tree.read(file);
        if (file.mode === 'file') await writeFile(target, content, { flag: 'wx' });
        else await symlink(insideOrThrow(file, Buffer.from(content).toString()), target);
      }
    },
  };
  return tree;
};

const partsOf = (path: string): string[] => {
  const normal = posix.normalize(path);
  if (normal.startsWith('../') || normal === '..' || posix.isAbsolute(normal)) {
    throw new GitError('PathOutsideRepository', `${path} leads out of the repository`);
  }
  return normal.split('/').filter((p) => p !== '' && p !== '.');
};

/** A tree object can hold names that no checkout would make: those are attacks. */
const assertSafe = (name: string, path: string): void => {
  if (
    name === '' ||
    name === '.' ||
    name === '..' ||
    name.includes('/') ||
    name.includes('\\') ||
    /^\.git$/i.test(name)
  ) {
    throw new GitError('PathOutsideRepository', `the repository holds a forbidden name: ${JSON.stringify(path)}`);
  }
};

const insideOrThrow = (file: TreeFile, target: string): string => {
  const resolved = posix.normalize(posix.join(posix.dirname(file.path), target));
  if (posix.isAbsolute(target) || resolved.startsWith('../') || resolved === '..') {
    throw new GitError('PathOutsideRepository', `symlink ${file.path} leads out of the repository, to ${target}`);
  }
  return target;
};
