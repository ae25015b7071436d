import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { round } from './statistics.ts';

/** Who takes part in a rollback, by the end of the program's path or of its first argument. */
const PARTIES = ['controller.js', 'kube-apiserver', 'etcd', 'prometheus'] as const;

export interface Party {
  name: string;
  pid: number;
}

/** The processes that take part in a rollback. Containers are seen from the host. */
export const parties = (): Party[] =>
  readdirSync('/proc')
    .filter((entry) => /^[0-9]+$/.test(entry))
    .flatMap((entry) => {
      const argv = lines(`/proc/${entry}/cmdline`, '\0');
      const name = PARTIES.find((party) => argv.slice(0, 3).some((arg) => arg.endsWith(`/${party}`)));
      return name === undefined ? [] : [{ name, pid: Number(entry) }];
    });

/** Everything that runs on the machine: a program of Node.js by the name of its file, any other by its own name. */
export const everybody = (): Party[] =>
  readdirSync('/proc')
    .filter((entry) => /^[0-9]+$/.test(entry))
    .map((entry) => ({ name: nameOf(entry), pid: Number(entry) }));

const nameOf = (pid: string): string => {
  const argv = lines(`/proc/${pid}/cmdline`, '\0');
  const script = argv.find((arg) => /\.[jt]s$/.test(arg));
  const own = lines(`/proc/${pid}/comm`, '\n')[0] ?? '';
  return script === undefined ? own.replace(/^kworker.*/, 'kworker') : basename(script);
};

/**
 * Milliseconds that the threads of each had a core, since they began (the first number of schedstat). Who ended meanwhile
 * is left out.
 */
export const runsOf = (all: readonly Party[]): Map<string, number> => added(all, 0);

/**
 * Milliseconds that the threads of each were ready to run and waited for a core, since they began (the second number of
 * /proc/PID/task/TID/schedstat, sched-stats.rst of Linux). Threads wait side by side: the sum is more than the rollback
 * waited.
 */
export const waitsOf = (all: readonly Party[]): Map<string, number> => added(all, 1);

const added = (all: readonly Party[], field: 0 | 1): Map<string, number> => {
  const sums = new Map<string, number>();
  for (const { name, pid } of all) sums.set(name, (sums.get(name) ?? 0) + sumOf(pid, field));
  return sums;
};

const sumOf = (pid: number, field: 0 | 1): number =>
  entries(`/proc/${pid}/task`)
    .map((tid) => Number(lines(`/proc/${pid}/task/${tid}/schedstat`, ' ')[field] ?? 0) / 1e6)
    .reduce((sum, ms) => sum + ms, 0);

/** The longest first, e.g. `kube-apiserver 120 ms, controller.js 14 ms`. */
export const waitWords = (
  from: ReadonlyMap<string, number>,
  to: ReadonlyMap<string, number>,
  most = Number.POSITIVE_INFINITY,
): string =>
  [...to]
    .map(([name, ms]) => ({ name, ms: Math.max(0, ms - (from.get(name) ?? 0)) }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, most)
    .map(({ name, ms }) => `${name} ${round(ms, 0)} ms`)
    .join(', ');

/** A process or thread may end while it is read. */
const lines = (file: string, separator: string): string[] => {
  try {
    return readFileSync(file, 'utf8').split(separator);
  } catch {
    return [];
  }
};

const entries = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};
