import { parentPort, workerData } from 'node:worker_threads';
import { mutate } from '../support/mutate.ts';
import type { Job, Told } from './pool.ts';

/** One search in a thread of its own; of the code as it ships, or with a mutant of it, which is made while it loads. */

const { search, edits } = workerData as Job;
const allLoaded = mutate(edits);

const tell = (told: Told): void => parentPort?.postMessage(told);
const { explore } = await import('./explore.ts');
const found = await explore({ ...search, onProgress: (progress) => tell({ what: 'progress', found: progress }) });
allLoaded();
tell({ what: 'end', found });
