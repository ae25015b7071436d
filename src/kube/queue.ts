import type { Clock } from '../clock.ts';
import { createFairQueue } from '../fair-semaphore.ts';
import type { Vitals } from '../vitals.ts';

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
  /** Of these, at most so many for one group, see createFairQueue. All by default. */
  perGroup?: number;
  clock: Clock;
  random: () => number;
  onError: (key: string, error: unknown, retryInMs: number) => void;
  maxBackoffMs?: number;
  /** A free worker goes to the groups in turn. The namespace by default. Asked when the key gets into the line. */
  groupOf?: (key: string) => string;
  /** Whom the work waits for, within its group; at most `perHost` workers for one. See createFairQueue. */
  hostOf?: (key: string) => string;
  perHost?: number;
  /** Is shown a queue that does not move while something waits in it. */
  vitals?: { name: string; of: Vitals | undefined };
}

/** No single work takes so long: each has its own timeouts. */
const STUCK_MS = 15 * 60_000;

/** Keyed and de-duplicating; bounded workers, handed out group by group so that a busy namespace delays only itself. */
export const createWorkQueue = (options: WorkQueueOptions): WorkQueue => {
  const { clock, worker, concurrency, perGroup = concurrency, perHost = concurrency, hostOf = () => '' } = options;
  const groupOf = options.groupOf ?? ((key: string) => key.slice(0, Math.max(key.indexOf('/'), 0)));
  const line = createFairQueue<string>({ slots: concurrency, perGroup, perHost });
  const waiting = new Set<string>();
  const running = new Map<string, { again: boolean }>();
  const timers = new Map<string, { at: number; abort: AbortController }>();
  const failures = new Map<string, number>();
  const idle: (() => void)[] = [];
  let stopped = false;
  /** Works that began or ended. */
  let moves = 0;
  const endVitals = options.vitals?.of?.watch(
    options.vitals.name,
    () => (waiting.size === 0 ? undefined : moves),
    STUCK_MS,
  );

  const enqueue = (key: string): void => {
    if (stopped) return;
    const active = running.get(key);
    if (active) {
      active.again = true;
      return;
    }
    if (waiting.has(key)) return;
    waiting.add(key);
    line.add(groupOf(key), key, hostOf(key));
    dispatch();
  };
  const dispatch = (): void => {
    for (let next = line.take(); next; next = line.take()) {
      waiting.delete(next.item);
      moves += 1;
      running.set(next.item, { again: false });
      void work(next.item, next);
    }
  };
  const work = async (key: string, place: { group: string; host: string }): Promise<void> => {
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
    moves += 1;
    line.leave(place.group, place.host);
    if (active?.again) enqueue(key);
    else if (again !== undefined) schedule(key, again);
    dispatch();
    if (running.size === 0) for (const done of idle.splice(0)) done();
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
      endVitals?.();
      waiting.clear();
      line.clear();
      for (const { abort } of timers.values()) abort.abort();
      timers.clear();
      return running.size === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve));
    },
  };
};
