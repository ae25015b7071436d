import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until `check` neither throws nor returns undefined/false; fails with its last word at the deadline. */
export const eventually = async <T>(
  check: () => Promise<T> | T,
  {
    timeoutMs = 30_000,
    everyMs = 50,
    what = 'the condition',
  }: { timeoutMs?: number; everyMs?: number; what?: string } = {},
): Promise<Exclude<T, undefined | false | null>> => {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false && value !== null)
        return value as Exclude<T, undefined | false | null>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${timeoutMs} ms`, { cause: last });
    await sleep(everyMs);
  }
};
