import { parentPort, workerData } from 'node:worker_threads';
import { type Edit, mutate } from '../../support/mutate.ts';

/** The crash test in a thread of its own, with a mutant of the code as it ships. */
const allLoaded = mutate(workerData as readonly Edit[]);
const { killAtEachWrite } = await import('./crash.ts');
const found = await killAtEachWrite(false);
allLoaded();
parentPort?.postMessage(found);
