import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createMirror, type Mirror, type MirrorOptions } from './mirror.ts';
import type { GitSource } from './types.ts';

/** A mirror that nobody asked for this long gives its room to a new one. Tokens that change leave such mirrors behind. */
const IDLE_MS = 60 * 60 * 1000;

export interface Mirrors {
  resolve(source: GitSource): Promise<{ revision: string; commit: string }>;
  /** The folder in which the commit can be read; undefined when it has to be fetched. */
  locate(source: GitSource, commit: string): Promise<string | undefined>;
  /** The folder in which the commit can be read, fetched where that is needed. */
  open(source: GitSource, commit: string): Promise<string>;
}

export interface MirrorsOptions extends MirrorOptions {
  /** Milliseconds that never go back. */
  now: () => number;
  /** Whether the files of what nobody asks for are removed: by one of the threads. */
  removes: boolean;
}

/** All mirrors of a process, in this thread. */
export const createMirrors = ({ dir, now, removes, ...options }: MirrorsOptions): Mirrors => {
  const mirrors = new Map<string, { mirror: Mirror; usedAt: number }>();
  const dirOf = (key: string): string => join(dir, key);

  const dropIdle = (): void => {
    for (const [key, { mirror, usedAt }] of mirrors) {
      if (now() - usedAt < IDLE_MS) continue;
      mirrors.delete(key);
      const files = removes ? rm(dirOf(key), { recursive: true, force: true }) : undefined;
      Promise.all([mirror.close(), files]).catch(() => {}); // files that stay behind cost disk only
    }
  };

  const mirrorOf = (source: GitSource): Mirror => {
    // Credentials are part of the key: who can't read the repository must not read it from a neighbour's mirror.
    const identity = JSON.stringify([source.url, source.credentials ?? null]);
    const key = createHash('sha256').update(identity).digest('hex').slice(0, 32);
    const known = mirrors.get(key);
    if (!known) dropIdle();
    const mirror = known?.mirror ?? createMirror(source, { dir: dirOf(key), ...options });
    mirrors.set(key, { mirror, usedAt: now() });
    return mirror;
  };

  return {
    resolve: (source) => mirrorOf(source).resolve(source.ref, source.timeoutMs),
    locate: (source, commit) => mirrorOf(source).locate(commit),
    open: (source, commit) => mirrorOf(source).open(source.ref, commit, source.timeoutMs),
  };
};
