import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ReasonError } from '../api/reason-error.ts';
import { damaged } from './errors.ts';
import { type GitObject, indexPack, readCount } from './indexer.ts';
import type { GitLimits } from './limits.ts';
import { PACKS } from './objects.ts';
import { TRAILER } from './pack-file.ts';

export interface ReceivePorts {
  limits: GitLimits;
  external(oid: string): Promise<GitObject | undefined>;
  breathe(): Promise<void>;
  /** One index is made at a time, whoever fetches. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

const UNFINISHED = 'unfinished-';

/**
 * Takes a pack to disk as it comes, and adds it to a generation: the pack is whole on disk before the index that makes
 * it count. Throws ReasonError; what a failed one leaves behind goes with the next.
 */
export const receivePack = async (gitdir: string, pack: AsyncIterable<Buffer>, ports: ReceivePorts): Promise<void> => {
  const dir = join(gitdir, PACKS);
  await storing(() => mkdir(dir, { recursive: true }));
  for (const name of await readdir(dir)) if (name.startsWith(UNFINISHED)) await rm(join(dir, name), { force: true });
  const unfinished = join(dir, UNFINISHED + randomUUID());
  try {
    const { sum, count } = await download(unfinished, pack, ports);
    if (count === 0) return;
    const target = join(dir, `pack-${sum}`);
    await storing(async () => {
      const index = await ports.alone(() => indexPack(unfinished, ports));
      await writeDurably(`${unfinished}.index`, index);
      await rename(unfinished, `${target}.pack`);
      await rename(`${unfinished}.index`, `${target}.index`);
      await syncFolder(dir);
    });
  } finally {
    for (const name of [unfinished, `${unfinished}.index`]) await rm(name, { force: true });
  }
};

const download = async (
  path: string,
  pack: AsyncIterable<Buffer>,
  { limits, breathe }: ReceivePorts,
): Promise<{ sum: string; count: number }> => {
  const file = await storing(() => open(path, 'wx'));
  try {
    const hash = createHash('sha1');
    let count: number | undefined;
    /** The last bytes so far, which may be the trailer: not hashed yet. */
    let tail: Buffer = Buffer.alloc(0);
    for await (const chunk of pack) {
      await storing(() => file.writeFile(chunk));
      tail = Buffer.concat([tail, chunk]);
      if (count === undefined && tail.length >= 12 + TRAILER) count = readCount(tail, limits);
      if (count === undefined) continue;
      hash.update(tail.subarray(0, -TRAILER));
      tail = Buffer.from(tail.subarray(-TRAILER));
      await breathe();
    }
    const sum = hash.digest();
    if (count === undefined || !sum.equals(tail)) throw damaged('the server sent a pack that is cut off or changed');
    await storing(() => file.sync());
    return { sum: sum.toString('hex'), count };
  } finally {
    await file.close();
  }
};

export const writeDurably = async (path: string, content: Buffer | string): Promise<void> => {
  const file = await open(path, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
};

const syncFolder = async (dir: string): Promise<void> => {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Runs a write. A full disk is reported as such: it is no fault of the repository. */
export const storing = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !FULL.has(code)) throw error;
    const message = `there is no room left on the disk of the mirrors (${code}); it is tried again`;
    throw new ReasonError('StorageFull', message, error);
  }
};
