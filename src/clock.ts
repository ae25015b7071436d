import { setTimeout as sleep } from 'node:timers/promises';

/** Time as a port: production passes systemClock, a simulation its own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after ms, or rejects when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(Math.min(ms, 2 ** 31 - 1), undefined, signal === undefined ? {} : { signal }),
};
