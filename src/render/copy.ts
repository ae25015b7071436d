import { access, constants, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bounds, goLimits } from '../bounded.ts';
import type { FileTree } from '../file-tree.ts';

/** Files of a source on disk, for a program that reads files. */
export interface Copy {
  /** Nobody else's, and gone after the work: what is made beside the copy goes into it. */
  dir: string;
  /** The root of the source, with what was asked for and what symlinks in it lead to. */
  repository: string;
  /** An empty folder. */
  home: string;
  /** There are symlinks. */
  links: boolean;
  /** Files of Git LFS, which are left out. */
  pointers: readonly string[];
}

/** Does the work with a copy of these folders and files. */
export const withCopy = async <T>(
  tree: Pick<FileTree, 'writeTo'>,
  paths: readonly string[],
  work: (copy: Copy) => Promise<T>,
): Promise<T> =>
  withFolder(async (dir) => {
    const repository = join(dir, 'repository');
    const home = join(dir, 'home');
    await mkdir(repository);
    await mkdir(home);
    const { links, pointers } = await tree.writeTo(repository, [...paths]);
    return work({ dir, repository, home, links, pointers });
  });

/** In memory; the container runtime makes it, 64 MiB as a rule. */
const IN_MEMORY = '/dev/shm';

/** Does the work with a folder that nobody else has, and that is gone after it. */
export const withFolder = <T>(work: (dir: string) => Promise<T>): Promise<T> => withFolderIn(tmpdir(), work);

/** Does the work with a folder for what must be on no disk, as far as the machine has a place in memory. */
export const withSecretFolder = async <T>(work: (dir: string) => Promise<T>): Promise<T> => {
  const place = await access(IN_MEMORY, constants.W_OK).then(
    () => IN_MEMORY,
    () => tmpdir(), // a laptop that is no Linux
  );
  return withFolderIn(place, work);
};

const withFolderIn = async <T>(place: string, work: (dir: string) => Promise<T>): Promise<T> => {
  const dir = await mkdtemp(join(place, `metricops-render-${process.pid}-`));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

/** A proxy that nobody answers at: what our checks have missed reaches no other host. */
const NO_PROXY = 'http://127.0.0.1:9';

/**
 * All that a program in Go finds in its environment: no programs to call, no network, and a home that is empty.
 */
export const goEnvironment = (home: string, bounds: Pick<Bounds, 'memoryBytes'>): Record<string, string> => ({
  PATH: '',
  HOME: home,
  TMPDIR: home,
  HTTP_PROXY: NO_PROXY,
  HTTPS_PROXY: NO_PROXY,
  ...goLimits(bounds),
});

/**
 * Removes what processes that were killed have left: call it at the start, before the first render. In a container the
 * one before had our process id; elsewhere, others may be at work beside us.
 */
export const removeCopies = async (): Promise<void> => {
  for (const place of [tmpdir(), IN_MEMORY]) {
    const left = (await readdir(place).catch(() => [])).filter((name) => {
      const [, pid] = /^metricops-(?:render|ssh)-([0-9]+)-/.exec(name) ?? [];
      return pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)));
    });
    await Promise.all(left.map((name) => rm(join(place, name), { recursive: true, force: true })));
  }
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0); // asks only
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
