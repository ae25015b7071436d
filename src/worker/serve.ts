import { parentPort } from 'node:worker_threads';

export interface Call {
  id: number;
  method: string;
  args: readonly unknown[];
  /** The method gets a signal as one more argument, which `Abandon` raises. */
  abortable?: boolean;
}

/** Nobody waits for that call any more. */
export interface Abandon {
  abandoned: number;
}

export interface Answer {
  id: number;
  result?: unknown;
  error?: { code: string | undefined; message: string; stack: string | undefined };
}

// biome-ignore lint/suspicious/noExplicitAny: the client of the same room is the only caller, and has the types
export type Methods = Record<string, (...args: any[]) => unknown>;

/** Answers the calls of the thread that started this one, each on its own: a slow one holds up no other. */
export const serveWorker = (methods: Methods): void => {
  const running = new Map<number, AbortController>();
  const serve = async ({ id, method, args, abortable }: Call): Promise<void> => {
    const controller = new AbortController();
    running.set(id, controller);
    const answer: Answer = await Promise.resolve()
      .then(() => methods[method]?.(...args, ...(abortable ? [controller.signal] : [])))
      .then(
        (result) => ({ id, result }),
        (error: Error & { code?: string }) => ({
          id,
          error: { code: error.code, message: error.message, stack: error.stack },
        }),
      );
    running.delete(id);
    parentPort?.postMessage(answer);
  };
  parentPort?.on('message', (message: Call | Abandon) => {
    if ('abandoned' in message) running.get(message.abandoned)?.abort();
    else void serve(message);
  });
};
