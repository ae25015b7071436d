import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createMirror, type Mirror } from './mirror.ts';
import type { GitRoom, GitSource } from './types.ts';

export { type GitCredentials, GitError, type GitRoom, type GitSource, type GitTree, type TreeFile } from './types.ts';

/** @param dir folder for the mirrors, which may be lost at any time */
export const createGit = (dir: string, { maxBytes = 100_000_000 }: { maxBytes?: number } = {}): GitRoom => {
  const mirrors = new Map<string, Mirror>();
  const mirrorOf = (source: GitSource): Mirror => {
    // Credentials are part of the key: who can't read the repository must not read it from a neighbour's mirror.
    const key = createHash('sha256')
      .update(JSON.stringify([source.url, source.credentials ?? null]))
      .digest('hex');
    const known = mirrors.get(key) ?? createMirror(join(dir, key.slice(0, 32)), source, maxBytes);
    mirrors.set(key, known);
    return known;
  };
  return {
    resolve: (source) => mirrorOf(source).resolve(source.ref, source.timeoutMs),
    open: (source, commit) => mirrorOf(source).open(source.ref, commit, source.timeoutMs),
  };
};
