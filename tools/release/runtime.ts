import { chmodSync, copyFileSync, cpSync, existsSync, globSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { PASSWD } from '../images.ts';
import type { DebianFiles } from './debian.ts';
import { ReleaseError, run } from './process.ts';

export interface Runtime {
  /** Root file system with node and prlimit. */
  base: string;
  /** The same with ssh. */
  controller: string;
}

const PRLIMIT = 'usr/bin/prlimit';
const SSH = 'usr/bin/ssh';

/**
 * Root file systems of the images from scratch: programs, and the libraries that they name. They are read and never run,
 * so they may be of another architecture.
 *
 * @param node the executable of Node for that architecture
 * @param notices what is bundled, with its licences
 */
export const buildRuntime = async (
  work: string,
  { node, debian, notices }: { node: string; debian: DebianFiles; notices: string },
): Promise<Runtime> => {
  const base = join(work, 'base');
  const controller = join(work, 'controller');
  for (const [root, programs] of [
    [base, [PRLIMIT]],
    [controller, [PRLIMIT, SSH]],
  ] as const) {
    const place = (from: string, to: string): void => {
      mkdirSync(dirname(join(root, to)), { recursive: true });
      copyFileSync(realpathSync(from), join(root, to));
    };
    place(node, 'usr/bin/node');
    const own = programs.map((program) => join(debian.root, program));
    for (const [i, program] of programs.entries()) place(own[i] ?? '', program);
    for (const file of await librariesOf([node, ...own], debian.root)) place(join(debian.root, file), file);
    mkdirSync(join(root, 'etc'), { recursive: true });
    writeFileSync(join(root, 'etc/passwd'), PASSWD);
    mkdirSync(join(root, 'tmp'));
    chmodSync(join(root, 'tmp'), 0o1777);
    const documents = join(root, 'usr/share/doc');
    mkdirSync(join(documents, 'metricops'), { recursive: true });
    writeFileSync(join(documents, 'metricops/THIRD-PARTY-NOTICES.txt'), notices);
    for (const { name, copyright } of debian.packages)
      cpSync(realpathSync(join(debian.root, copyright)), join(documents, name, 'copyright'));
  }
  return { base, controller };
};

/** Paths below the root: what the programs name, what that names, and what loads them. */
const librariesOf = async (programs: readonly string[], root: string): Promise<string[]> => {
  const known = new Map(
    globSync(['lib/**/*.so*', 'lib64/*.so*', 'usr/lib/**/*.so*'], { cwd: root }).map((path) => [basename(path), path]),
  );
  const found = new Set<string>();
  const waiting = [...programs];
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const { libraries, loader } = await needsOf(file);
    for (const name of libraries) {
      const path = known.get(name);
      if (path === undefined)
        throw new ReleaseError(
          `${relative(root, file)} needs ${name}, which is in none of Debian's packages that the release takes`,
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
