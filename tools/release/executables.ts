import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ARCHITECTURES, type Architecture } from './architectures.ts';
import { removeSignature } from './mach-o.ts';
import { fetchPackage } from './npm-package.ts';
import { run } from './process.ts';
import { BUN, type NpmPackage, POSTJECT } from './sources.ts';

/** The command line as one file for one machine. */
export interface Executable {
  os: 'linux' | 'darwin';
  arch: Architecture['name'];
  file: string;
  /** What runs it. */
  runtime: NpmPackage;
}

export interface Workshop {
  /** Where downloads are kept. */
  cache: string;
  work: string;
  log: (line: string) => void;
}

/** Of Node: the mark at which a copy of it finds what was put into it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/**
 * For Linux: Node with the bundle in it, the same Node as in the images. The bundle is the same for every architecture,
 * since it holds no code that V8 compiled.
 */
export const buildForLinux = async (
  bundle: string,
  nodes: readonly { architecture: Architecture; node: string; runtime: NpmPackage }[],
  { cache, work, log }: Workshop,
): Promise<Executable[]> => {
  const config = join(work, 'sea.json');
  const blob = join(work, 'sea.blob');
  const options = { disableExperimentalSEAWarning: true, useSnapshot: false, useCodeCache: false };
  // The blob has the name of the script as it is written here: a path of this machine would be in every executable.
  writeFileSync(config, JSON.stringify({ main: basename(bundle), output: blob, ...options }));
  await run(process.execPath, ['--experimental-sea-config', config], {
    cwd: dirname(bundle),
    next: 'Is this the Node of node_modules?',
  });
  const postject = await fetchPackage(POSTJECT, cache, log);
  const executables: Executable[] = [];
  for (const { architecture, node, runtime } of nodes) {
    log(`command line for linux/${architecture.name}`);
    const file = placeFor(work, `linux-${architecture.name}`);
    copyFileSync(node, file);
    chmodSync(file, 0o755);
    await inject(postject, file, blob);
    executables.push({ os: 'linux', arch: architecture.name, file, runtime });
  }
  return executables;
};

/** In a process of its own, which keeps what its library says of ELF to itself. */
const inject = (postject: string, file: string, blob: string): Promise<string> => {
  const [api, at, from] = [join(postject, 'dist/api.js'), file, blob].map((path) => JSON.stringify(path));
  const options = JSON.stringify({ sentinelFuse: FUSE });
  const script = `require(${api}).inject(${at}, 'NODE_SEA_BLOB', require('node:fs').readFileSync(${from}), ${options})`;
  return run(process.execPath, ['-e', script], { next: 'Is there room for copies of Node, of 150 MB each?' });
};

/** For macOS, by a compile target of Bun, which signs what it writes for ARM, where nothing runs unsigned. */
export const buildForMacOS = async (bundle: string, workshop: Workshop): Promise<Executable[]> => {
  const executables: Executable[] = [];
  for (const { name } of ARCHITECTURES) {
    workshop.log(`command line for darwin/${name}`);
    const runtime = BUN[`darwin-${name}`];
    const file = placeFor(workshop.work, `darwin-${name}`);
    await compileWithBun(bundle, file, {
      ...workshop,
      runtime,
      target: `bun-darwin-${name === 'amd64' ? 'x64' : name}`,
    });
    if (name === 'amd64') removeSignature(file);
    executables.push({ os: 'darwin', arch: name, file, runtime });
  }
  return executables;
};

/** The same by Bun for this machine: what shows that Bun runs the command line as Node does. Resolves with its path. */
export const buildByBunForHere = async (bundle: string, workshop: Workshop): Promise<string> => {
  const arch = process.arch as Architecture['node'];
  const file = placeFor(workshop.work, `linux-${arch}-bun`);
  await compileWithBun(bundle, file, { ...workshop, runtime: BUN[`linux-${arch}`], target: `bun-linux-${arch}` });
  return file;
};

const compileWithBun = async (
  bundle: string,
  file: string,
  { cache, log, runtime, target }: Workshop & { runtime: NpmPackage; target: string },
): Promise<void> => {
  const bun = join(await fetchPackage(BUN[`linux-${process.arch as Architecture['node']}`], cache, log), 'bin/bun');
  const base = join(await fetchPackage(runtime, cache, log), 'bin/bun');
  const args = [
    'build',
    '--compile',
    `--target=${target}`,
    `--compile-executable-path=${base}`,
    basename(bundle),
    '--outfile',
    file,
  ];
  await run(bun, args, {
    cwd: dirname(bundle), // it writes down where its sources are, relative to where it runs
    next: 'Does this Bun know --compile-executable-path? tools/release/sources.ts has its version.',
  });
};

const placeFor = (work: string, name: string): string => {
  const folder = join(work, 'executables', name);
  mkdirSync(folder, { recursive: true });
  return join(folder, 'metricops');
};
