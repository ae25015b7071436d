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

/** Milliseconds of a clock that nobody sets, the same in every thread of the process. */
export const monotonicNow = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** For what must not end early or late because the time was set. Its times mean nothing outside of this machine. */
export const monotonicClock: Clock = { ...systemClock, now: monotonicNow };
