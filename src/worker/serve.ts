import { parentPort } from 'node:worker_threads';

export interface Call {
  id: number;
  method: string;
  args: readonly unknown[];
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
  parentPort?.on('message', async ({ id, method, args }: Call) => {
    const answer: Answer = await Promise.resolve()
      .then(() => methods[method]?.(...args))
      .then(
        (result) => ({ id, result }),
        (error: Error & { code?: string }) => ({
          id,
          error: { code: error.code, message: error.message, stack: error.stack },
        }),
      );
    parentPort?.postMessage(answer);
  });
};
