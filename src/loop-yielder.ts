import { setImmediate } from 'node:timers/promises';

/** A loop that took so long lets others in. */
const TURN_MS = 10;

/**
 * For a loop over what a tenant may make long: awaited in each round, it lets timers and requests of others run now and
 * then. Answers that are known already would never do that: they only put off the next round of the same turn.
 * @param signal throws its reason, after a turn of others, when it is raised
 */
export const createLoopYielder = (signal?: AbortSignal): (() => Promise<void>) => {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await setImmediate();
    signal?.throwIfAborted();
    since = performance.now();
  };
};
