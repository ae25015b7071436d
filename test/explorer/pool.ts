import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Edit } from '../support/mutate.ts';
import type { Found, Search } from './explore.ts';

export interface Job {
  search: Omit<Search, 'onProgress'>;
  edits: readonly Edit[];
}

export type Told = { what: 'progress' | 'end'; found: Found };

/** Searches side by side, as many as there are cores. Rejects when one of them fails, which is no violation. */
export const searchAll = async (
  jobs: readonly Job[],
  onProgress: (found: Found) => void = () => {},
): Promise<Found[]> => {
  const found: Found[] = [];
  const waiting = [...jobs.entries()];
  const thread = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [i, job] = next;
      found[i] = await searchIn(job, onProgress);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, thread));
  return found;
};

/** Of one search: a quarter of a million states take a part of it. */
const LIMITS = { maxOldGenerationSizeMb: 3_500 };

const searchIn = (job: Job, onProgress: (found: Found) => void): Promise<Found> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: job, resourceLimits: LIMITS });
    worker.on('message', ({ what, found }: Told) => {
      if (what === 'progress') onProgress(found);
      else resolve(found);
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the search ended without a word')));
  });
