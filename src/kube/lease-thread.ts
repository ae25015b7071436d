import type { Worker } from 'node:worker_threads';
import { monotonicNow } from '../clock.ts';
import type { Vitals } from '../vitals.ts';
import { startThread } from '../worker/thread.ts';
import type { ConnectionOptions } from './config.ts';
import type { LeaderElection } from './lease.ts';
import { createTerm, type Term } from './term.ts';

/** Beside this file; when it is bundled, beside the bundle. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './lease-worker.ts' : './lease-worker.js', import.meta.url);

/** The main loop says so often that it turns, and after so long without is taken for hanging. */
const BEAT_MS = 500;
const MAX_BEAT_MS = 10_000;
/** Longer than all that a leader may need to end what it began. */
const STUCK_MS = 120_000;

/** Several times what an election takes: the container's limit is divided among all threads. */
export const LEASE_HEAP_MB = { old: 40, young: 12 };

export interface LeaseThread {
  /** What every write of a leader asks before it is sent. */
  term: Term;
  /** As runLeaderElection: takes part until the signal is aborted, and rejects with the error of `lead`. */
  run(options: Pick<LeaderElection, 'lead'>, signal: AbortSignal): Promise<void>;
}

export interface LeaseThreadOptions extends Pick<LeaderElection, 'namespace' | 'name' | 'identity' | 'leaseMs'> {
  connection?: ConnectionOptions;
  /** A main loop that did not turn for so long loses the Lease. */
  maxBeatMs?: number;
  onError?: (error: Error) => void;
  /** Is shown work of a leader that goes on without the Lease: none of its writes is sent, and nobody else begins here. */
  vitals?: Vitals;
}

export type LeaseThreadData = Omit<LeaseThreadOptions, 'onError' | 'vitals'> & {
  memory: SharedArrayBuffer;
  maxBeatMs: number;
};
export type FromThread = { type: 'lead' } | { type: 'lost' } | { type: 'disturbed'; message: string };
export type FromMain = 'ended' | 'stop';

/**
 * The election in a thread of its own: no input that keeps the main loop busy costs the Lease, and a main loop that
 * hangs loses it. When the main loop goes on, `term` refuses its writes.
 */
export const createLeaseThread = ({ onError, vitals, ...options }: LeaseThreadOptions): LeaseThread => {
  const term = createTerm(monotonicNow);
  return {
    term,
    async run({ lead }, signal) {
      if (signal.aborted) return;
      term.beat();
      const beating = setInterval(term.beat, BEAT_MS);
      const data: LeaseThreadData = { maxBeatMs: MAX_BEAT_MS, ...options, memory: term.memory };
      const worker = startThread(WORKER, { heap: LEASE_HEAP_MB, data });
      const say = (message: FromMain): void => worker.postMessage(message);
      const stop = (): void => say('stop');
      let isLeading = false;
      const leadSeen = async (leading: AbortSignal): Promise<void> => {
        isLeading = true;
        await lead(leading).finally(() => {
          isLeading = false;
        });
      };
      const endVitals = vitals?.watch('the leader', () => (isLeading && !term.isHeld() ? 0 : undefined), STUCK_MS);
      signal.addEventListener('abort', stop, { once: true });
      try {
        await leadWhenAsked(worker, leadSeen, { say, onError });
      } finally {
        signal.removeEventListener('abort', stop);
        clearInterval(beating);
        endVitals?.();
        term.holdUntil(0);
        await worker.terminate();
      }
    },
  };
};

/** Resolves when the thread has given the Lease up and ended; rejects with its error, or with that of what leads. */
const leadWhenAsked = async (
  worker: Worker,
  lead: LeaderElection['lead'],
  { say, onError }: { say: (message: FromMain) => void; onError: LeaseThreadOptions['onError'] },
): Promise<void> => {
  const over = Promise.withResolvers<void>();
  let leading = new AbortController();
  let failure: { error: unknown } | undefined;
  const begin = async (signal: AbortSignal): Promise<void> => {
    try {
      await lead(signal);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } catch (error) {
      failure ??= { error };
      say('stop');
    }
    say('ended');
  };
  let done: Promise<void> = Promise.resolve();
  worker.on('message', (message: FromThread) => {
    if (message.type === 'disturbed') onError?.(new Error(message.message));
    if (message.type === 'lost') leading.abort(new Error('no longer the leader'));
    if (message.type !== 'lead') return;
    leading = new AbortController();
    done = begin(leading.signal);
  });
  worker.once('error', over.reject);
  worker.once('exit', (code) =>
    code === 0 ? over.resolve() : over.reject(new Error(`the thread of the Lease ended with ${code}`)),
  );
  try {
    await over.promise;
  } finally {
    leading.abort(new Error('no longer the leader'));
    await done;
  }
  if (failure) throw failure.error;
};
