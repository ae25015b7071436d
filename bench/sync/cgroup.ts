import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

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
  /** Bytes that end a process of the group where there are more, as the kubelet sets it for a container. */
  limitMemory(bytes: number): void;
  /** Ends every process in it, children of children included; resolves when none is left. */
  killAll(): Promise<void>;
  /** Share of one core that the group gets at most. */
  limitCpu(cores: number): void;
  remove(): void;
}

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

/** cgroup v2 where the machine has it, v1 otherwise. */
export const createCgroup = (name: string): Cgroup => {
  const v2 = existsSync(join(ROOT, 'cgroup.controllers'));
  const controllers = ['memory', 'cpuacct', 'cpu'];
  const dirs = v2 ? [join(ROOT, name)] : controllers.map((controller) => join(ROOT, controller, name));
  for (const dir of dirs) mkdirSync(dir, { recursive: true });
  const [memory = '', cpu = memory, quota = memory] = dirs;
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
    async killAll() {
      const pids = (): number[] => read(memory, 'cgroup.procs').split('\n').filter(Boolean).map(Number);
      for (let left = pids(); left.length > 0; left = pids()) {
        for (const pid of left) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // it ended by itself
          }
        }
        await sleep(50);
      }
    },
    limitMemory: (bytes) => writeFileSync(join(memory, v2 ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes)),
    limitCpu(cores) {
      const quotaUs = Math.round(cores * PERIOD_US);
      if (v2) return writeFileSync(join(quota, 'cpu.max'), `${quotaUs} ${PERIOD_US}`);
      writeFileSync(join(quota, 'cpu.cfs_period_us'), String(PERIOD_US));
      writeFileSync(join(quota, 'cpu.cfs_quota_us'), String(quotaUs));
    },
    remove: () => {
      for (const dir of dirs) rmdirSync(dir);
    },
  };
};
