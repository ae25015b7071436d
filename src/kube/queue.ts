import type { Clock } from '../clock.ts';

export interface WorkQueue {
  /** Asks for work on this key; asked for twice before it starts, it is done once, and again if asked while it runs. */
  add(key: string, delayMs?: number): void;
  /** No new work; resolves when what runs has ended. */
  stop(): Promise<void>;
}

export interface WorkQueueOptions {
  /** Rejects: tried again with back-off. Resolves with a number: again after so many milliseconds. */
  worker: (key: string) => Promise<number | undefined>;
  concurrency: number;
  /** Of these, at most so many for one group: one that hangs leaves room for the others. All by default. */
  perGroup?: number;
  clock: Clock;
  random: () => number;
  onError: (key: string, error: unknown, retryInMs: number) => void;
  maxBackoffMs?: number;
  /** A free worker goes to the groups in turn. The namespace by default. */
  groupOf?: (key: string) => string;
}

/** Keyed and de-duplicating; bounded workers, handed out group by group so that a busy namespace delays only itself. */
export const createWorkQueue = (options: WorkQueueOptions): WorkQueue => {
  const { clock, worker, concurrency, perGroup = concurrency } = options;
  const groupOf = options.groupOf ?? ((key: string) => key.slice(0, Math.max(key.indexOf('/'), 0)));
  /** Waiting keys by group; a Map keeps the order in which groups came, and a served group goes to its end. */
  const waiting = new Map<string, Set<string>>();
  const running = new Map<string, { again: boolean }>();
  const busy = new Map<string, number>();
  const timers = new Map<string, { at: number; abort: AbortController }>();
  const failures = new Map<string, number>();
  const idle: (() => void)[] = [];
  let stopped = false;

  const enqueue = (key: string): void => {
    if (stopped) return;
    const active = running.get(key);
    if (active) {
      active.again = true;
      return;
    }
    const group = groupOf(key);
    const keys = waiting.get(group) ?? new Set();
    waiting.set(group, keys.add(key));
    dispatch();
  };
  const takeNext = (): string | undefined => {
    for (const [group, keys] of waiting) {
      const [key] = keys;
      if (key === undefined || (busy.get(group) ?? 0) >= perGroup) continue;
      keys.delete(key);
      waiting.delete(group);
      if (keys.size > 0) waiting.set(group, keys);
      return key;
    }
    return undefined;
  };
  const dispatch = (): void => {
    while (running.size < concurrency) {
      const key = takeNext();
      if (key === undefined) return;
      running.set(key, { again: false });
      busy.set(groupOf(key), (busy.get(groupOf(key)) ?? 0) + 1);
      void work(key);
    }
  };
  const work = async (key: string): Promise<void> => {
    let again: number | undefined;
    try {
      again = await worker(key);
      failures.delete(key);
    } catch (error) {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      again = Math.min(200 * 2 ** Math.min(count, 16), options.maxBackoffMs ?? 300_000) * (0.75 + options.random() / 2);
      options.onError(key, error, again);
    }
    const active = running.get(key);
    running.delete(key);
    leave(groupOf(key));
    if (active?.again) enqueue(key);
    else if (again !== undefined) schedule(key, again);
    dispatch();
    if (running.size === 0) for (const done of idle.splice(0)) done();
  };
  const leave = (group: string): void => {
    const left = (busy.get(group) ?? 1) - 1;
    if (left > 0) busy.set(group, left);
    else busy.delete(group);
  };
  const schedule = (key: string, delayMs: number): void => {
    if (stopped) return;
    const at = clock.now() + delayMs;
    const known = timers.get(key);
    if (known && known.at <= at) return; // it comes sooner anyway
    known?.abort.abort();
    const abort = new AbortController();
    timers.set(key, { at, abort });
    clock.sleep(delayMs, abort.signal).then(
      () => {
        timers.delete(key);
        enqueue(key);
      },
      () => {}, // replaced by a sooner one, or stopped
    );
  };

  return {
    add(key, delayMs = 0) {
      if (delayMs > 0) schedule(key, delayMs);
      else {
        timers.get(key)?.abort.abort();
        timers.delete(key);
        enqueue(key);
      }
    },
    stop() {
      stopped = true;
      waiting.clear();
      for (const { abort } of timers.values()) abort.abort();
      timers.clear();
      return running.size === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve));
    },
  };
};
