import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';

export interface Simulated {
  clock: Clock;
  /** To be done at a time, after what was asked for earlier. */
  at(time: number, task: () => void): void;
  /** Until then, or until nobody wants to go on. */
  run(end: number, goOn: () => boolean): Promise<void>;
}

/**
 * A clock that jumps from one thing that happens to the next; whatever follows from one ends before the next begins.
 *
 * @param settled resolves when nothing follows any more; one turn of the event loop is enough where every answer comes in
 * the same turn
 */
export const simulatedClock = (start: number, settled: () => Promise<unknown> = () => setImmediate()): Simulated => {
  let now = start;
  const tasks = new Set<{ at: number; task: () => void }>();
  const at = (time: number, task: () => void) => {
    const one = { at: Math.max(time, now), task };
    tasks.add(one);
    return one;
  };
  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const one = at(now + ms, resolve);
      signal?.addEventListener('abort', () => {
        tasks.delete(one);
        reject(signal.reason);
      });
    });
  return {
    clock: { now: () => now, sleep },
    at,
    async run(end, goOn) {
      await settled();
      while (goOn()) {
        let next: { at: number; task: () => void } | undefined;
        for (const one of tasks) if (!next || one.at < next.at) next = one;
        if (!next || next.at > end) break;
        now = next.at;
        tasks.delete(next);
        next.task();
        await settled();
      }
    },
  };
};
