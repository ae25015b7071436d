import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHART_LIMITS } from './limits.ts';

/** Archives on disk: what charts are rendered with whose repository does not answer after a restart. */
export interface ArchiveStore {
  /** A cache: what can't be written is not kept. */
  keep(archive: ArchiveName, content: Uint8Array): Promise<void>;
  /** As it was kept, by its digest; undefined where it is not here. */
  read(archive: ArchiveName): Promise<Buffer | undefined>;
}

export interface ArchiveName {
  /** A namespace. */
  tenant: string;
  /** See `chartKey`. By chart, too: who knows the digest of a neighbour's chart does not have the chart. */
  chart: string;
  sha256: string;
}

interface StoredFile {
  path: string;
  tenant: string;
  bytes: number;
  /** When it was kept, or read last. */
  at: number;
}

/** @param root folder for the archives, which may be lost at any time */
export const createArchiveStore = (root: string, maxBytes = CHART_LIMITS.storedBytes): ArchiveStore => {
  const writing = new Set<string>();
  const pathOf = ({ tenant, chart, sha256 }: ArchiveName): string =>
    join(root, `${sha256Of(tenant).slice(0, 16)}-${sha256Of(chart)}-${sha256}.tgz`);

  const filesThere = async (): Promise<StoredFile[]> => {
    const files = (await readdir(root)).map(async (name): Promise<StoredFile[]> => {
      const path = join(root, name);
      // Of an earlier version, or half of one that a crash left.
      const isOurs = /^[0-9a-f]{16}-[0-9a-f]{64}-[0-9a-f]{64}\.tgz$/.test(name);
      if (!isOurs && !writing.has(name)) await rm(path, { force: true, recursive: true });
      if (!isOurs) return [];
      const info = await stat(path).catch(() => undefined); // dropped by another call
      return info ? [{ path, tenant: name.split('-')[0] ?? '', bytes: info.size, at: info.mtimeMs }] : [];
    });
    return (await Promise.all(files)).flat();
  };

  /** Of the tenant who has the most, until all fit: nobody loses an archive to a neighbour who has more. */
  const dropOldest = async (): Promise<void> => {
    const files = (await filesThere()).toSorted((a, b) => b.at - a.at);
    const sizes = new Map<string, number>();
    for (const { tenant, bytes } of files) sizes.set(tenant, (sizes.get(tenant) ?? 0) + bytes);
    for (let all = sumOf(sizes.values()); all > maxBytes && files.length > 0; ) {
      const most = Math.max(...sizes.values());
      const oldest = files.findLastIndex(({ tenant }) => sizes.get(tenant) === most);
      const [file] = files.splice(oldest, 1);
      if (!file) return;
      all -= file.bytes;
      sizes.set(file.tenant, most - file.bytes);
      await rm(file.path, { force: true });
    }
  };

  return {
    async keep(archive, content) {
      const part = `${randomUUID()}.part`;
      const whole = join(root, part);
      writing.add(part);
      try {
        await mkdir(root, { recursive: true });
        await writeFile(whole, content);
        await rename(whole, pathOf(archive));
        await dropOldest();
      } catch {
        await rm(whole, { force: true }).catch(() => {}); // the disk is full, or gone
      } finally {
        writing.delete(part);
      }
    },
    async read(archive) {
      const path = pathOf(archive);
      const content = await readFile(path).catch(() => undefined); // not here
      if (!content || sha256Of(content) !== archive.sha256) return undefined;
      const now = new Date();
      await utimes(path, now, now).catch(() => {}); // dropped meanwhile
      return content;
    },
  };
};

const sumOf = (numbers: Iterable<number>): number => [...numbers].reduce((sum, each) => sum + each, 0);

const sha256Of = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
