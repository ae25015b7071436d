import { round } from './statistics.ts';

/** Clock ticks of all cores since boot, by the first line of /proc/stat (proc_stat(5)). */
export interface Ticks {
  all: number;
  /** In which a core had nothing to run. */
  idle: number;
  /** In which a core was ready to run and the hypervisor ran something else. */
  stolen: number;
}

/** user, nice, system, idle, iowait, irq, softirq, steal; guest time behind them is part of user time. */
export const ticksOf = (stat: string): Ticks => {
  const [first = ''] = stat.split('\n');
  const fields = first.split(/\s+/).slice(1, 9).map(Number);
  return { all: fields.reduce((sum, ticks) => sum + ticks, 0), idle: fields[3] ?? 0, stolen: fields[7] ?? 0 };
};

/** Percent of the machine's CPU time between two moments that the hypervisor took; 0 where no time went by. */
export const stolenPercent = (from: Ticks, to: Ticks): number =>
  to.all === from.all ? 0 : round((100 * (to.stolen - from.stolen)) / (to.all - from.all));

/** Percent of the machine's CPU time between two moments in which its cores had nothing to run; 0 where no time went by. */
export const idlePercent = (from: Ticks, to: Ticks): number =>
  to.all === from.all ? 0 : round((100 * (to.idle - from.idle)) / (to.all - from.all));
