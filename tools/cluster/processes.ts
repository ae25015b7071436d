import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process, known by more than its number: a pid that was given to another one since is never touched. */
export interface ProcessId {
  pid: number;
  /** Field 22 of /proc/PID/stat, in clock ticks since boot. */
  startTime: string;
}

/** '' when there is no such process, or when it is a zombie. */
export const startTimeOf = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return ''; // it ended
  }
};

export const isAlive = ({ pid, startTime }: ProcessId): boolean => startTime !== '' && startTimeOf(pid) === startTime;

/** The processes of one cluster: each has a log and an entry on disk, so that another command can end it later. */
export interface ProcessTable {
  start(
    name: string,
    argv: readonly string[],
    options?: { env?: NodeJS.ProcessEnv; prefix?: readonly string[] },
  ): ProcessId;
  find(name: string): ProcessId | undefined;
  names(): string[];
  /** SIGTERM, and SIGKILL for what is still there after graceMs. */
  stop(name: string, graceMs?: number): Promise<void>;
  /** Last lines of what it wrote. */
  tail(name: string, lines?: number): string;
}

export const openProcessTable = (stateDir: string): ProcessTable => {
  const run = join(stateDir, 'run');
  const log = join(stateDir, 'log');
  mkdirSync(run, { recursive: true });
  mkdirSync(log, { recursive: true });
  const file = (name: string): string => join(run, `${name}.pid`);
  const logFile = (name: string): string => join(log, `${name}.log`);

  const find = (name: string): ProcessId | undefined => {
    if (!existsSync(file(name))) return undefined;
    const [pid = '0', startTime = ''] = readFileSync(file(name), 'utf8').trim().split(' ');
    const id = { pid: Number(pid), startTime };
    return isAlive(id) ? id : undefined;
  };

  return {
    start(name, argv, { env = process.env, prefix = [] } = {}) {
      const out = openSync(logFile(name), 'a');
      const [command = '', ...args] = [...prefix, ...argv];
      // A group of its own: Ctrl-C at the terminal ends the command, which then ends these in order.
      const child = spawn(command, args, { detached: true, stdio: ['ignore', out, out], env });
      child.once('error', (error) => writeFileSync(logFile(name), `${error.message}\n`, { flag: 'a' }));
      child.unref();
      closeSync(out);
      const pid = child.pid;
      if (pid === undefined) throw new Error(`could not start ${command}; is it installed?`);
      const id = { pid, startTime: startTimeOf(pid) };
      writeFileSync(file(name), `${id.pid} ${id.startTime}`);
      return id;
    },
    find,
    names: () => (existsSync(run) ? readdirSync(run) : []).filter((f) => f.endsWith('.pid')).map((f) => f.slice(0, -4)),
    async stop(name, graceMs = 10_000) {
      const id = find(name);
      if (id !== undefined) await endProcess(id, graceMs);
      rmSync(file(name), { force: true });
    },
    tail(name, lines = 20) {
      return existsSync(logFile(name)) ? readFileSync(logFile(name), 'utf8').split('\n').slice(-lines).join('\n') : '';
    },
  };
};

export const endProcess = async (id: ProcessId, graceMs: number): Promise<void> => {
  const signal = (name: NodeJS.Signals): void => {
    if (isAlive(id)) process.kill(id.pid, name);
  };
  signal('SIGTERM');
  for (const deadline = Date.now() + graceMs; isAlive(id) && Date.now() < deadline; ) await sleep(20);
  signal('SIGKILL');
  for (const deadline = Date.now() + 5000; isAlive(id) && Date.now() < deadline; ) await sleep(20);
};
