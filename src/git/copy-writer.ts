import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { shortened, tooLarge } from './errors.ts';
import type { GitLimits } from './limits.ts';

/** What a disk gives to a file, a folder or a symlink, however little it holds. */
const BLOCK = 4096;

/** Writes files of a repository to a folder, which takes no more of the disk than it may. Throws RepositoryTooLarge. */
export const createCopyWriter = (dir: string, { writtenBytes }: Pick<GitLimits, 'writtenBytes'>) => {
  const made = new Set<string>();
  let taken = 0;

  const take = (bytes: number): void => {
    taken += Math.max(1, Math.ceil(bytes / BLOCK)) * BLOCK;
    if (taken <= writtenBytes) return;
    throw tooLarge(
      `the folders take more than ${writtenBytes} bytes of disk, of which each file, folder and symlink takes ${BLOCK} at least`,
    );
  };
  const makeFolder = async (folder: string): Promise<void> => {
    if (made.has(folder)) return;
    for (let at = folder; at !== '.' && !made.has(at); at = posix.dirname(at)) {
      take(0);
      made.add(at);
    }
    made.add(folder);
    await mkdir(join(dir, folder), { recursive: true });
  };

  return {
    async file(path: string, content: Uint8Array): Promise<void> {
      take(content.length);
      await named(path, async () => {
        await makeFolder(posix.dirname(path));
        await writeFile(join(dir, path), content, { flag: 'wx' });
      });
    },
    /** @param to from the root of the repository */
    async link(path: string, to: string): Promise<void> {
      take(0);
      const folder = posix.dirname(path);
      await named(path, async () => {
        await makeFolder(folder);
        await symlink(posix.relative(folder, to) || '.', join(dir, path));
      });
    },
  };
};

/** Git takes any name; a disk 255 bytes of one, and 4,095 of a path. */
const named = async (path: string, write: () => Promise<void>): Promise<void> => {
  try {
    await write();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw error;
    throw tooLarge(`${shortened(path)} has a name or a target that is longer than a disk takes`);
  }
};
