import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hostOfRepository } from '../api/repository-url.ts';
import type { GitLimits } from './limits.ts';
import { bytesBelow, removeReplaced } from './mirror.ts';
import type { GitSource } from './types.ts';

export interface MirrorCache {
  /** The folder of the source's mirror, which counts as used now. */
  place(source: GitSource): Promise<string>;
  /** Runs a fetch, while which the mirror stays; then makes room where all of them take too much. */
  during<T extends { bytes: number }>(dir: string, fetch: () => Promise<T>): Promise<T>;
}

export interface ShelfPorts {
  limits: Pick<GitLimits, 'mirrorsBytes' | 'unclaimedMs'>;
  /** Milliseconds that never go back. */
  now: () => number;
}

interface Mirror {
  bytes: number;
  usedAt: number;
  /** Undefined for what a former process left, until a source asks for it. */
  tenant: string | undefined;
}

/**
 * The mirrors on disk, within so many bytes. Who has the most gives first: a tenant with many repositories never takes
 * the mirrors of the others. The least recently used of its mirrors goes, however long ago that was: where there is
 * room nothing goes. A mirror that went is fetched again when it is needed.
 */
export const createMirrorCache = (root: string, { limits, now }: ShelfPorts): MirrorCache => {
  const mirrors = new Map<string, Mirror>();
  /** Fetches under way, by folder. */
  const busy = new Map<string, number>();

  /** What a former process left: half-written files go, mirrors stay for whoever asks for them in time. */
  const sweep = async (): Promise<number> => {
    for (const name of await readdir(root).catch(() => [])) {
      if (!KEY.test(name)) continue; // such as the lost+found of a volume
      const dir = join(root, name);
      await removeReplaced(dir);
      mirrors.set(dir, { bytes: await bytesBelow(dir), usedAt: now(), tenant: undefined });
    }
    await makeRoom();
    return now();
  };

  const remove = async (dir: string): Promise<void> => {
    mirrors.delete(dir);
    await rm(dir, { recursive: true, force: true });
  };

  const makeRoom = async (): Promise<void> => {
    while (totalOf(mirrors.values()) > limits.mirrorsBytes) {
      const victim = chooseVictim([...mirrors].filter(([dir]) => !busy.has(dir)));
      if (victim === undefined) return;
      await remove(victim);
    }
  };

  let swept: Promise<number> | undefined;

  const dropUnclaimed = async (): Promise<void> => {
    const since = (await swept) ?? now();
    if (now() - since < limits.unclaimedMs) return;
    for (const [dir, { tenant }] of mirrors) if (tenant === undefined) await remove(dir);
  };

  return {
    async place(source) {
      swept ??= sweep();
      await swept;
      const dir = join(root, keyOf(source));
      mirrors.set(dir, { bytes: mirrors.get(dir)?.bytes ?? 0, usedAt: now(), tenant: tenantOf(source) });
      return dir;
    },
    async during(dir, fetch) {
      busy.set(dir, (busy.get(dir) ?? 0) + 1);
      try {
        const fetched = await fetch();
        const mirror = mirrors.get(dir);
        if (mirror) mirror.bytes = fetched.bytes;
        await dropUnclaimed();
        await makeRoom();
        return fetched;
      } finally {
        const left = (busy.get(dir) ?? 1) - 1;
        if (left > 0) busy.set(dir, left);
        else busy.delete(dir);
      }
    },
  };
};

const tenantOf = ({ tenant, url }: GitSource): string => tenant ?? hostOfRepository(url);

/** Credentials are part of the key: a tenant that can't read the repository must not read another tenant's mirror. */
const keyOf = ({ url, credentials }: GitSource): string =>
  createHash('sha256')
    .update(JSON.stringify([url, credentials?.account ?? credentials ?? null]))
    .digest('hex')
    .slice(0, 32);

const KEY = /^[0-9a-f]{32}$/;

const totalOf = (mirrors: Iterable<Mirror>): number => [...mirrors].reduce((sum, { bytes }) => sum + bytes, 0);

/** First what nobody asked for; then of the tenant with the most, what was used least lately. */
const chooseVictim = (mirrors: readonly [string, Mirror][]): string | undefined => {
  const taken = new Map<string | undefined, number>();
  for (const [, { tenant, bytes }] of mirrors) taken.set(tenant, (taken.get(tenant) ?? 0) + bytes);
  const [largest] = [...taken].toSorted(([, a], [, b]) => b - a);
  const from = taken.get(undefined) ? undefined : largest?.[0];
  const candidates = mirrors.filter(([, { tenant, bytes }]) => tenant === from && bytes > 0);
  return candidates.toSorted(([, a], [, b]) => a.usedAt - b.usedAt)[0]?.[0];
};
