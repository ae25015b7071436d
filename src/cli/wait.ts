import type { CliIo } from './io.ts';

/** Asks twice a second until there is an answer; undefined when the deadline (epoch milliseconds) passes first. */
export const waitFor = async <T>(
  io: CliIo,
  deadline: number,
  ask: () => Promise<T | undefined | false>,
): Promise<T | undefined> => {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (io.now() >= deadline) return undefined;
    await io.sleep(500);
  }
};
