import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, startTimeOf } from './processes.ts';
import { type Program, type ProgramName, programs } from './versions.ts';

/** Where what is expensive to make is kept, outside of every checkout: METRICOPS_CACHE, or the user's cache folder. */
export const cacheDir = (env: NodeJS.ProcessEnv = process.env): string =>
  env.METRICOPS_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'metricops');

export interface BuildOptions {
  log: (line: string) => void;
  env?: NodeJS.ProcessEnv;
  /** Of the machine that they are for; this one's by default. */
  arch?: 'x64' | 'arm64';
}

/** With what every step of a build needs to know. */
interface Build {
  log: (line: string) => void;
  env: NodeJS.ProcessEnv;
  arch: string;
}

/**
 * Paths of the programs, built where the cache does not have them. KUBEBUILDER_ASSETS wins for those that it holds.
 * Those of one module are built by one command, two modules at a time. Safe for several callers at once: one builds, the
 * others wait for it.
 */
export const ensurePrograms = async <N extends ProgramName>(
  names: readonly N[],
  { log, env = process.env, arch = process.arch as 'x64' | 'arm64' }: BuildOptions,
): Promise<Record<N, string>> => {
  const build: Build = { log, env, arch };
  const paths = Object.fromEntries(names.map((name) => [name, pathOf(name, build)])) as Record<N, string>;
  const missing = Map.groupBy(
    names.filter((name) => !existsSync(paths[name])),
    (name) => programs[name].module,
  );
  const waiting = [...missing];
  const builder = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await buildModule(...next, build);
  };
  await Promise.all([builder(), builder()]);
  return paths;
};

const pathOf = (name: ProgramName, { env, arch }: Pick<Build, 'env' | 'arch'>): string => {
  const given = join(env.KUBEBUILDER_ASSETS ?? '', name);
  if (env.KUBEBUILDER_ASSETS !== undefined && arch === process.arch && existsSync(given)) return given;
  const program: Program = programs[name];
  const module = folderOf(program.module);
  const own = join(module, program.main, 'main.go');
  const recipe = [readFileSync(join(module, 'go.sum')), JSON.stringify(program)];
  if (existsSync(own)) recipe.push(readFileSync(own));
  const hash = createHash('sha256').update(recipe.join('')).digest('hex').slice(0, 12);
  return join(cacheDir(env), 'bin', `${name}-${program.version}-${arch}-${hash}`, name);
};

const folderOf = (module: Program['module']): string => join(import.meta.dirname, 'go', module);

const buildModule = async (module: Program['module'], names: readonly ProgramName[], build: Build): Promise<void> => {
  const { log, env } = build;
  const bin = join(cacheDir(env), 'bin');
  mkdirSync(bin, { recursive: true });
  await withLock(join(bin, `.${module}.lock`), async () => {
    const missing = names.filter((name) => !existsSync(pathOf(name, build)));
    if (missing.length === 0) return;
    const started = Date.now();
    const words = missing.map((name) => `${name} ${programs[name].version}`).join(', ');
    log(`building ${words} with the Go toolchain (once; kept in ${cacheDir(env)})`);
    const out = mkdtempSync(join(bin, `.${module}-`));
    try {
      await goBuild(module, missing, out, build);
      for (const name of missing) {
        const path = pathOf(name, build);
        mkdirSync(dirname(path), { recursive: true });
        renameSync(join(out, binaryOf(programs[name])), path); // whole or not there, whoever else builds
      }
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
    log(`built ${missing.join(', ')} in ${Math.round((Date.now() - started) / 1000)} s`);
  });
};

/** As `go build` names it: by the last part of the path, but for a major version. */
const binaryOf = ({ main, module }: Program): string =>
  main === '.' ? module : basename(main.replace(/\/v[0-9]+$/, ''));

const TELL_MS = 30_000;

const goBuild = async (
  module: Program['module'],
  names: readonly ProgramName[],
  out: string,
  { log, env: given, arch }: Build,
): Promise<void> => {
  const env = { ...given, GOARCH: arch === 'x64' ? 'amd64' : arch };
  const all: readonly Program[] = names.map((name) => programs[name]);
  const stamps = new Map(all.flatMap(({ stamp }) => Object.entries(stamp)));
  const flags = ['-s', '-w', ...[...stamps].map(([variable, value]) => `-X ${variable}=${value}`)].join(' ');
  const mains = all.map(({ main }) => main);
  const started = Date.now();
  let compiled = 0;
  let packages: number | undefined;
  void go(module, ['list', '-deps', ...mains], env).then(
    ({ lines }) => {
      packages = lines;
    },
    () => {}, // the build says why
  );
  const tell = setInterval(() => {
    if (packages === undefined || compiled < packages / 20) return; // too early to say
    const left = ((Date.now() - started) * Math.max(0, packages - compiled)) / compiled;
    log(`${module}: ${compiled} of ${packages} packages, some ${Math.ceil(left / 10_000) * 10} s left`);
  }, TELL_MS);
  try {
    const args = ['build', '-v', '-trimpath', '-ldflags', flags, '-o', `${out}/`, ...mains];
    await go(module, args, env, (count) => {
      compiled = count;
    });
  } finally {
    clearInterval(tell);
  }
};

/**
 * Runs it in the module's folder. Rejects with the end of what it says.
 *
 * @param onPackage hears how many packages it has named on standard error, as with -v
 * @returns how many lines it wrote
 */
const go = (
  module: Program['module'],
  args: string[],
  env: NodeJS.ProcessEnv,
  onPackage: (count: number) => void = () => {},
): Promise<{ lines: number }> =>
  new Promise((resolve, reject) => {
    // The distribution's Go is often not on root's PATH.
    const path = [env.PATH, '/usr/local/go/bin'].join(delimiter);
    // The compilers are short-lived and the memory is there: they collect a quarter as often.
    const own = { PATH: path, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOGC: '400' };
    const child = spawn('go', args, {
      cwd: folderOf(module),
      env: { ...env, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let lines = 0;
    let named = 0;
    let tail = '';
    child.stdout.on('data', (data: Buffer) => {
      lines += data.toString().split('\n').length - 1;
    });
    createInterface(child.stderr).on('line', (line) => {
      if (/^\S+$/.test(line)) {
        named += 1;
        onPackage(named);
      } else if (!line.startsWith('go: downloading')) tail = `${tail}${line}\n`.slice(-4000);
    });
    child.once('error', (cause) =>
      reject(new Error('the Go toolchain (1.25.8 or later) is missing: see https://go.dev/doc/install', { cause })),
    );
    child.once('close', (code) => {
      if (code === 0) resolve({ lines });
      else reject(new Error(`go ${args[0]} failed in ${folderOf(module)}:\n${tail}`));
    });
  });

/** A lock that its holder's death opens: the file says who holds it, by pid and start time. */
const withLock = async (file: string, work: () => Promise<void>): Promise<void> => {
  const own = `${process.pid} ${startTimeOf(process.pid)}`;
  for (;;) {
    try {
      writeFileSync(file, own, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const [pid = '0', startTime = ''] = (existsSync(file) ? readFileSync(file, 'utf8') : '').split(' ');
      if (!isAlive({ pid: Number(pid), startTime })) rmSync(file, { force: true });
      else await sleep(500);
    }
  }
  try {
    await work();
  } finally {
    rmSync(file, { force: true });
  }
};
