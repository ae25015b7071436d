import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Result } from './outcome.ts';
import type { Job } from './simulate.ts';

/** Incidents side by side, as many as there are cores. Rejects when one of them can't be simulated. */
export const simulateAll = async (jobs: readonly Job[], onResults: (count: number) => void): Promise<Result[]> => {
  const found: Result[][] = [];
  const waiting = [...jobs.entries()];
  const thread = async (): Promise<void> => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [i, job] = next;
        found[i] = await ask(worker, job);
        onResults(job.to - job.from);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, thread));
  return found.flat();
};

const ask = (worker: Worker, job: Job): Promise<Result[]> =>
  new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (results: Result[]) => {
      worker.off('error', reject);
      resolve(results);
    });
    worker.postMessage(job);
  });
