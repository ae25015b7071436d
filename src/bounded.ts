import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Reason } from './api/reasons.ts';

/** What a process may take. */
export interface Bounds {
  /** Of memory that it may write to: heap, stacks. */
  memoryBytes: number;
  cpuSeconds: number;
  /** Written to its standard output. */
  outputBytes: number;
  wallMs: number;
}

export interface Program {
  /** A path, or a name that the PATH of this process has. */
  file: string;
  /** The environment variable that names it, for who has not installed it. */
  setting: string;
  args: readonly string[];
  cwd: string;
  env: Record<string, string>;
  /** On its standard input; nothing by default. */
  input?: string;
  /** What it means that it failed, by what it wrote to its standard error. */
  failed: (complaints: string) => Failure;
}

export interface Failure {
  code: Reason;
  why: string;
}

export type Ended = { ok: true; stdout: string } | ({ ok: false } & Failure);

/** Of its complaints: the last ones count. */
const STDERR_BYTES = 64 * 1024;
/** Behind our own work: what the main thread has to do does not wait for it. */
const NICE = 5;

/**
 * Runs a program that hostile input was given to, with bounds that the kernel enforces. They are set by prlimit of
 * util-linux, for Node can't: RLIMIT_DATA rather than RLIMIT_AS, of which a Go program reserves most of a gigabyte that it
 * never writes to. Watching the process from here instead would be too late: it takes its memory faster than a busy main thread
 * looks. So on Linux nothing runs without prlimit; elsewhere, where people try things out, only time and output are bounded.
 */
export const runBounded = async (program: Program, bounds: Bounds): Promise<Ended> => {
  const { file, args, setting } = program;
  const path = await inPath(file);
  if (path === undefined) return missing(`${file} is not installed; set ${setting}`);
  if (process.platform !== 'linux') return run(path, args, program, bounds);
  const prlimit = await inPath('prlimit');
  if (prlimit === undefined) return missing('prlimit, which bounds its memory, is not installed; install util-linux');
  const { memoryBytes, cpuSeconds } = bounds;
  const limits = [`--data=${memoryBytes}`, `--cpu=${cpuSeconds}`, '--fsize=0', '--core=0'];
  return run(prlimit, [...limits, '--', path, ...args], program, bounds);
};

const MESSAGE = 1000;

/**
 * What a failure means.
 * @param code the reason of what the program complains of itself
 * @param complaintIn what of that is shown
 */
export const failsWith =
  (code: Reason, complaintIn: (complaints: string) => string): Program['failed'] =>
  (complaints) => {
    const complaint = complaintIn(complaints);
    return { code, why: `failed: ${complaint.length > MESSAGE ? `${complaint.slice(0, MESSAGE)}…` : complaint}` };
  };

/** For the environment of a Go program: it collects garbage before it asks for more than the kernel will give, and works in one thread. */
export const goLimits = ({ memoryBytes }: Pick<Bounds, 'memoryBytes'>): Record<string, string> => ({
  GOMEMLIMIT: String(Math.floor(memoryBytes * 0.6)),
  GOMAXPROCS: '1',
});

const missing = (why: string): Ended => ({ ok: false, code: 'RendererMissing', why: `can't be run: ${why}` });

const run = (
  file: string,
  args: readonly string[],
  { cwd, env, input, failed }: Program,
  bounds: Bounds,
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => {}); // it ended without reading all of it, and its status says why
    child.stdin.end(input);
    const started = performance.now();
    const out: Buffer[] = [];
    let bytes = 0;
    let complaints = '';
    let killed: string | undefined;
    const kill = (why: string): void => {
      killed ??= why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => kill(`took longer than ${bounds.wallMs / 1000} s`), bounds.wallMs);
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bounds.outputBytes) kill(`wrote more than ${mib(bounds.outputBytes)}`);
      else out.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      complaints = (complaints + chunk).slice(-STDERR_BYTES);
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ ok: false, code: 'RendererMissing', why: `can't be run: ${error.message}` });
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (status === 0 && killed === undefined) return resolve({ ok: true, stdout: Buffer.concat(out).toString() });
      const bound = killed ?? exceeded(complaints, { signal, ranMs: performance.now() - started }, bounds);
      resolve({ ok: false, ...(bound === undefined ? failed(complaints) : tooLarge(bound)) });
    });
    if (child.pid !== undefined) lower(child.pid);
  });

const mib = (bytes: number): string => `${Math.round((bytes / 1024 / 1024) * 100) / 100} MiB`;

const lower = (pid: number): void => {
  try {
    setPriority(pid, NICE);
  } catch {
    // It has ended already.
  }
};

/** Which bound ended it, by the words of the Go runtime or by the kernel's signal. */
const exceeded = (
  complaints: string,
  { signal, ranMs }: { signal: NodeJS.Signals | null; ranMs: number },
  { memoryBytes, cpuSeconds }: Bounds,
): string | undefined => {
  if (/out of memory|cannot allocate memory|failed to (reserve|create)/.test(complaints)) {
    return `needs more than ${mib(memoryBytes)} of memory`;
  }
  // Past RLIMIT_CPU comes SIGKILL; before that time it can only be the container's memory.
  if (signal === 'SIGKILL' && ranMs >= cpuSeconds * 900) return `took more than ${cpuSeconds} s of CPU time`;
  if (signal === 'SIGSEGV' || signal === 'SIGKILL') return `was ended by the kernel (${signal}), for want of memory`;
  return undefined;
};

const tooLarge = (bound: string): Failure => ({
  code: 'ManifestTooLarge',
  why: `${bound}; split it into several GitSyncs`,
});

/** Where a program is, by our own PATH: the program itself is given none. */
const inPath = async (file: string): Promise<string | undefined> => {
  const paths = isAbsolute(file) ? [file] : (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, file));
  for (const path of paths) {
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false, // not here
    );
    if (runs) return path;
  }
  return undefined;
};
