import type { Worker } from 'node:worker_threads';
import type { Vitals } from '../vitals.ts';
import type { Abandon, Answer, Call } from './serve.ts';
import { startThread } from './thread.ts';

export interface WorkerClient {
  /**
   * Rejects with what `revive` makes of the worker's error. After timeoutMs the worker is ended, and so is every call.
   * With a signal the method gets one of its own as its last argument; when it is raised the call rejects with its
   * reason at once, and the method is named.
   */
  call<T>(method: string, args: readonly unknown[], timeoutMs?: number, signal?: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

/** How a worker ends without an answer. */
export type WorkerEnd = 'memory' | 'timeout' | 'crash';

export interface WorkerOptions {
  maxHeapMb: number;
  /** After so long without calls it is ended, and its memory given back. Never by default. */
  idleMs?: number;
  /** What the worker finds as workerData. */
  data?: unknown;
  /** The error of a call that the worker answered with one. */
  revive(error: { code: string | undefined; message: string; stack: string | undefined }): Error;
  /** Is shown a thread that answers no call. */
  vitals?: { name: string; of: Vitals | undefined } | undefined;
  /** The error of the calls that were under way when the worker ended. */
  ended(how: WorkerEnd, cause?: unknown): Error;
}

/** V8 would take 48 MB for each thread before it looks for garbage. */
export const YOUNG_MB = 12;

/** The longest call is a fetch, which has a shorter limit of its own. */
const STUCK_MS = 20 * 60_000;

interface Running {
  worker: Worker;
  idle?: NodeJS.Timeout;
  pending: Map<number, PromiseWithResolvers<unknown>>;
}

/**
 * A thread that is started by the first call, and again by the next call after it ended: hostile input can end it, and
 * nothing else. It keeps no process alive when it has nothing to do.
 */
export const createWorkerClient = (file: URL, options: WorkerOptions): WorkerClient => {
  let running: Running | undefined;
  let next = 0;
  let answers = 0;
  const endVitals = options.vitals?.of?.watch(
    options.vitals.name,
    () => (running === undefined || running.pending.size === 0 ? undefined : answers),
    STUCK_MS,
  );

  const end = (which: Running, error: () => Error): void => {
    if (running === which) running = undefined;
    for (const { reject } of which.pending.values()) reject(error());
    which.pending.clear();
  };

  const rest = (which: Running): void => {
    which.worker.unref();
    if (options.idleMs === undefined) return;
    which.idle = setTimeout(() => {
      if (running === which) running = undefined;
      void which.worker.terminate();
    }, options.idleMs).unref();
  };

  const start = (): Running => {
    const worker = startThread(file, { heap: { old: options.maxHeapMb, young: YOUNG_MB }, data: options.data });
    const started: Running = { worker, pending: new Map() };
    worker.unref();
    worker.on('message', ({ id, result, error }: Answer) => {
      const call = started.pending.get(id);
      started.pending.delete(id);
      answers += 1;
      if (started.pending.size === 0) rest(started);
      if (error) call?.reject(options.revive(error));
      else call?.resolve(result);
    });
    worker.on('error', (error: Error & { code?: string }) =>
      end(started, () => options.ended(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash', error)),
    );
    worker.on('exit', () => end(started, () => options.ended('crash')));
    return started;
  };

  return {
    async call<T>(method: string, args: readonly unknown[], timeoutMs?: number, signal?: AbortSignal): Promise<T> {
      signal?.throwIfAborted();
      running ??= start();
      const current = running;
      clearTimeout(current.idle);
      const id = next++;
      const call = Promise.withResolvers<unknown>();
      current.pending.set(id, call);
      current.worker.ref();
      current.worker.postMessage({ id, method, args, abortable: signal !== undefined } satisfies Call);
      const abandon = (): void => {
        current.worker.postMessage({ abandoned: id } satisfies Abandon);
        call.reject(signal?.reason);
      };
      signal?.addEventListener('abort', abandon, { once: true });
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              end(current, () => options.ended('timeout'));
              void current.worker.terminate();
            }, timeoutMs);
      try {
        return (await call.promise) as T;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abandon);
      }
    },
    async close() {
      endVitals?.();
      await running?.worker.terminate();
    },
  };
};
