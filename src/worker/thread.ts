import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** MB of V8's old and young generation. What exceeds them ends the thread with ERR_WORKER_OUT_OF_MEMORY. */
export interface ThreadHeap {
  old: number;
  young: number;
}

/**
 * A thread with a heap of its own size. With --max-old-space-size on the command line or in NODE_OPTIONS, V8 would give
 * each thread that much, and ignore its limits: the flag has done its work when the main thread has its heap, and is
 * taken back here.
 */
export const startThread = (file: URL, { heap, data }: { heap: ThreadHeap; data: unknown }): Worker => {
  setFlagsFromString('--max-old-space-size=0');
  return new Worker(file, {
    resourceLimits: { maxOldGenerationSizeMb: heap.old, maxYoungGenerationSizeMb: heap.young },
    workerData: data,
  });
};
