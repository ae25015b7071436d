import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A control group that measures what runs in it, children included. Needs root. */
export interface Cgroup {
  /** Moves a process, which is not to have children yet. */
  add(pid: number): void;
  /** Bytes: the most there ever were, page cache included. */
  peak(): number;
  /** Bytes without the page cache that could be given back: the kubelet's working set. */
  workingSet(): number;
  /** Seconds of CPU so far. */
  cpuSeconds(): number;
  remove(): void;
}

const ROOT = '/sys/fs/cgroup';

/** cgroup v2 where the machine has it, v1 otherwise. */
export const createCgroup = (name: string): Cgroup => {
  const v2 = existsSync(join(ROOT, 'cgroup.controllers'));
  const dirs = v2 ? [join(ROOT, name)] : ['memory', 'cpuacct'].map((controller) => join(ROOT, controller, name));
  for (const dir of dirs) mkdirSync(dir, { recursive: true });
  const [memory = '', cpu = memory] = dirs;
  const read = (dir: string, file: string): string => readFileSync(join(dir, file), 'utf8');
  const stat = (field: string): number =>
    Number(new RegExp(`^${field} (\\d+)$`, 'm').exec(read(memory, 'memory.stat'))?.[1] ?? 0);
  return {
    add: (pid) => {
      for (const dir of dirs) writeFileSync(join(dir, 'cgroup.procs'), String(pid));
    },
    peak: () => Number(read(memory, v2 ? 'memory.peak' : 'memory.max_usage_in_bytes')),
    workingSet: () =>
      Number(read(memory, v2 ? 'memory.current' : 'memory.usage_in_bytes')) -
      stat(v2 ? 'inactive_file' : 'total_inactive_file'),
    cpuSeconds: () =>
      v2
        ? Number(/^usage_usec (\d+)$/m.exec(read(cpu, 'cpu.stat'))?.[1] ?? 0) / 1e6
        : Number(read(cpu, 'cpuacct.usage')) / 1e9,
    remove: () => {
      for (const dir of dirs) rmdirSync(dir);
    },
  };
};
