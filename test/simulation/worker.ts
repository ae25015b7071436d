import { parentPort } from 'node:worker_threads';
import { type Job, simulate } from './simulate.ts';

/** One thread of the pool: answers each job with its results. What fails ends it. */
parentPort?.on('message', (job: Job) => {
  void simulate(job).then((results) => parentPort?.postMessage(results));
});
