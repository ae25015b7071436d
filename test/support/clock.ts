/** A clock whose time a test moves. */
export const fakeClock = () => {
  let now = 0;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 100; i += 1) await Promise.resolve();
  };
  return {
    clock: {
      now: () => now,
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const sleeper = { at: now + ms, wake: resolve };
          sleepers.add(sleeper);
          signal?.addEventListener('abort', () => {
            sleepers.delete(sleeper);
            reject(signal.reason);
          });
        }),
    },
    settle,
    async advance(ms: number) {
      await settle();
      const end = now + ms;
      for (;;) {
        const next = [...sleepers].sort((a, b) => a.at - b.at)[0];
        if (!next || next.at > end) break;
        now = next.at;
        sleepers.delete(next);
        next.wake();
        await settle();
      }
      now = end;
      await settle();
    },
    waiting: () => sleepers.size,
  };
};
