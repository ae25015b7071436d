import { setImmediate } from 'node:timers/promises';

/** No work holds its thread for longer without letting others go on. */
const TURN_MS = 10;

/** To be awaited often in what is long: yields now and then, and throws when the signal is raised. */
export const createBreath = (signal?: AbortSignal): (() => Promise<void>) => {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await setImmediate();
    signal?.throwIfAborted();
    since = performance.now();
  };
};
