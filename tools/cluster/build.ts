import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, startTimeOf } from './processes.ts';
import { type Program, type ProgramName, programs } from './versions.ts';

/** Where what is expensive to make is kept, outside of every checkout: METRICOPS_CACHE, or the user's cache folder. */
export const cacheDir = (env: NodeJS.ProcessEnv = process.env): string =>
  env.METRICOPS_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'metricops');

export interface BuildOptions {
  log: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

/**
 * Paths of the programs, built where the cache does not have them. KUBEBUILDER_ASSETS wins for those that it holds.
 * Safe for several callers at once: one builds, the others wait for it.
 */
export const ensurePrograms = async <N extends ProgramName>(
  names: readonly N[],
  { log, env = process.env }: BuildOptions,
): Promise<Record<N, string>> => {
  const paths: Partial<Record<N, string>> = {};
  for (const name of names) {
    const given = join(env.KUBEBUILDER_ASSETS ?? '', name);
    paths[name] = env.KUBEBUILDER_ASSETS !== undefined && existsSync(given) ? given : await ensure(name, log, env);
  }
  return paths as Record<N, string>;
};

const ensure = async (name: ProgramName, log: (line: string) => void, env: NodeJS.ProcessEnv): Promise<string> => {
  const program: Program = programs[name];
  const module = join(import.meta.dirname, 'go', program.module);
  const recipe = [readFileSync(join(module, 'go.sum')), JSON.stringify(program)];
  const hash = createHash('sha256').update(recipe.join('')).digest('hex').slice(0, 12);
  const dir = join(cacheDir(env), 'bin', `${name}-${program.version}-${process.arch}-${hash}`);
  const path = join(dir, name);
  if (existsSync(path)) return path;
  mkdirSync(dir, { recursive: true });
  await withLock(join(dir, '.lock'), async () => {
    if (existsSync(path)) return;
    const started = Date.now();
    log(`building ${name} ${program.version} with the Go toolchain (once; kept in ${cacheDir(env)})`);
    const flags = Object.entries(program.stamp).map(([variable, value]) => `-X ${variable}=${value}`);
    const fresh = `${path}.${process.pid}`; // whole or not there, whoever else builds
    const args = ['build', '-trimpath', '-ldflags', ['-s -w', ...flags].join(' '), '-o', fresh, program.main];
    await goBuild(args, module, env);
    renameSync(fresh, path);
    log(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
  });
  return path;
};

const goBuild = (args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> =>
  new Promise((resolve, reject) => {
    // The distribution's Go is often not on root's PATH.
    const path = [env.PATH, '/usr/local/go/bin'].join(delimiter);
    const buildEnv = { ...env, PATH: path, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' };
    const child = spawn('go', args, { cwd, env: buildEnv, stdio: ['ignore', 'ignore', 'pipe'] });
    let tail = '';
    child.stderr.on('data', (data: Buffer) => {
      tail = (tail + data.toString()).slice(-4000);
    });
    child.once('error', (cause) =>
      reject(new Error('the Go toolchain (1.25 or later) is missing: see https://go.dev/doc/install', { cause })),
    );
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`go ${args.at(-1)} failed:\n${tail}`))));
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
