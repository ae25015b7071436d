import { existsSync, globSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ReleaseError, run } from './process.ts';

/**
 * What programs need to run: the libraries that they name, what those name, and what loads them. They are read and never
 * run, so they may be of another architecture.
 *
 * @param root where the libraries are
 * @returns paths below the root
 */
export const librariesOf = async (programs: readonly string[], root: string): Promise<string[]> => {
  const known = new Map(
    globSync(['lib/**/*.so*', 'lib64/*.so*', 'usr/lib/**/*.so*'], { cwd: root })
      .toSorted() // a file system has an order of its own, and of two with one name the last one counts
      .map((path) => [basename(path), path]),
  );
  const found = new Set<string>();
  const waiting = [...programs];
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const { libraries, loader } = await needsOf(file);
    for (const name of libraries) {
      const path = known.get(name);
      if (path === undefined)
        throw new ReleaseError(
          `${basename(file)} needs ${name}, which is in none of Debian's packages that the release takes`,
          'Find it with `apt-file search`, and add its package to DEBIAN in tools/release/sources.ts.',
        );
      if (!found.has(path)) waiting.push(join(root, path));
      found.add(path);
    }
    if (loader !== undefined && existsSync(join(root, loader))) found.add(loader);
  }
  return [...found].toSorted();
};

const needsOf = async (file: string): Promise<{ libraries: string[]; loader: string | undefined }> => {
  const text = await run('readelf', ['-d', '-l', '-W', realpathSync(file)], { next: 'apt-get install binutils' });
  const loader = /interpreter: \/([^\]]+)\]/.exec(text)?.[1];
  return { libraries: [...text.matchAll(/\(NEEDED\).*\[([^\]]+)\]/g)].map(([, name = '']) => name), loader };
};
