import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHART_LIMITS } from './limits.ts';

/** Archives on disk: what charts are rendered with whose repository does not answer after a restart. */
export interface ArchiveStore {
  /** A cache: what can't be written is not kept. @param chart see `chartKey` */
  keep(chart: string, sha256: string, content: Uint8Array): Promise<void>;
  /** As it was kept, by its digest; undefined where it is not here. */
  read(chart: string, sha256: string): Promise<Buffer | undefined>;
}

/** @param root folder for the archives, which may be lost at any time */
export const createArchiveStore = (root: string, maxBytes = CHART_LIMITS.storedBytes): ArchiveStore => {
  // By chart, too: who knows the digest of a neighbour's chart does not have the chart.
  const pathOf = (chart: string, sha256: string): string => join(root, `${sha256Of(chart)}-${sha256}.tgz`);

  const dropOldest = async (): Promise<void> => {
    const files = await Promise.all(
      (await readdir(root)).map(async (name) => {
        const path = join(root, name);
        const info = await stat(path).catch(() => undefined); // dropped by another call
        return info ? [{ path, bytes: info.size, at: info.mtimeMs }] : [];
      }),
    );
    let left = maxBytes;
    for (const { path, bytes } of files.flat().toSorted((a, b) => b.at - a.at)) {
      left -= bytes;
      if (left < 0) await rm(path, { force: true });
    }
  };

  return {
    async keep(chart, sha256, content) {
      const whole = join(root, `${randomUUID()}.part`);
      try {
        await mkdir(root, { recursive: true });
        await writeFile(whole, content);
        await rename(whole, pathOf(chart, sha256));
        await dropOldest();
      } catch {
        await rm(whole, { force: true }).catch(() => {}); // the disk is full, or gone
      }
    },
    async read(chart, sha256) {
      const content = await readFile(pathOf(chart, sha256)).catch(() => undefined); // not here
      return content && sha256Of(content) === sha256 ? content : undefined;
    },
  };
};

const sha256Of = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
