import type { Clock } from '../clock.ts';
import { isConflict } from './errors.ts';
import { createLeaseRecord, type LeaseRecord } from './lease-record.ts';
import type { KubeClient } from './types.ts';

export interface LeaderElection {
  client: KubeClient;
  /** Only spans of it are used: a monotonic one serves best. */
  clock: Clock;
  namespace: string;
  name: string;
  /** Of this process, never shared: the pod's name with a random part. */
  identity: string;
  /** How long a lease that is not renewed keeps others out. */
  leaseMs?: number;
  /**
   * Called when this process leads; its signal is aborted when it no longer may, and the promise is awaited before the
   * lease is given up. It may resolve earlier, with what it started still running; when it rejects, the lease is given
   * up and the election rejects with its error.
   */
  lead: (signal: AbortSignal) => Promise<void>;
  /** Whether what leads still works: the lease is neither taken nor renewed while it does not. */
  isAlive?: () => boolean;
  /** Called at each renewal with the time until which leading is allowed; with 0 when it ends. */
  onHeld?: (until: number) => void;
  onError?: (error: unknown) => void;
}

/**
 * Takes part in the election until the signal is aborted, then gives the lease up. Leading ends at two thirds of the
 * lease without a renewal, also while a request hangs: before anybody else may begin.
 */
export const runLeaderElection = async (options: LeaderElection, signal: AbortSignal): Promise<void> => {
  const { clock, leaseMs = 15_000 } = options;
  const term: Term = {
    clock,
    lead: options.lead,
    isAlive: options.isAlive ?? (() => true),
    onHeld: options.onHeld ?? (() => {}),
    onError: options.onError ?? (() => {}),
    retryMs: leaseMs / 6,
    limitMs: (leaseMs * 2) / 3,
    record: createLeaseRecord({ ...options, leaseMs, now: Date.now }),
  };
  while (!signal.aborted) {
    const startedAt = await acquire(term, signal);
    if (startedAt !== undefined) await leadWhileHeld(term, startedAt, signal);
  }
};

interface Term {
  clock: Clock;
  lead: (signal: AbortSignal) => Promise<void>;
  isAlive: () => boolean;
  onHeld: (until: number) => void;
  onError: (error: unknown) => void;
  retryMs: number;
  /** A leader that could not renew for this long stops. */
  limitMs: number;
  record: LeaseRecord;
}

/** When the try began that won the lease: a lease is counted from before the request, on the safe side. */
const acquire = async (term: Term, signal: AbortSignal): Promise<number | undefined> => {
  const { record, clock, retryMs, limitMs, onError } = term;
  for (let waitedMs = 0; !signal.aborted; waitedMs = retryMs) {
    if (!term.isAlive()) {
      await clock.sleep(retryMs, signal).catch(() => {});
      continue;
    }
    const startedAt = clock.now();
    const tried = record.take(waitedMs).catch(reportUnlessConflict(onError));
    if ((await within(limitMs, tried, clock, signal)) === true) return startedAt;
    await clock.sleep(retryMs, signal).catch(() => {});
  }
  return undefined;
};

const leadWhileHeld = async (term: Term, startedAt: number, signal: AbortSignal): Promise<void> => {
  const leading = new AbortController();
  term.onHeld(startedAt + term.limitMs);
  const failed = Promise.withResolvers<{ error: unknown }>();
  const done = term.lead(leading.signal).catch((error: unknown) => failed.resolve({ error }));
  const ended = AbortSignal.any([signal, leading.signal]);
  const failure = await Promise.race([renew(term, startedAt, ended), failed.promise]);
  // Asked to stop, it may end what it began: the lease is its own until it is given up.
  if (!signal.aborted) term.onHeld(0);
  leading.abort(new Error('no longer the leader'));
  await done;
  term.onHeld(0);
  const released = term.record.release().catch(reportUnlessConflict(term.onError));
  await within(term.retryMs, released, term.clock, new AbortController().signal);
  if (failure) throw failure.error;
};

/** Resolves when the lease is lost, or can't be known to be held any longer. */
const renew = async (term: Term, startedAt: number, signal: AbortSignal): Promise<undefined> => {
  const { record, clock, retryMs, limitMs, onError } = term;
  let renewedAt = startedAt;
  for (;;) {
    await clock.sleep(Math.max(0, Math.min(retryMs, renewedAt + limitMs - clock.now())), signal).catch(() => {});
    const leftMs = renewedAt + limitMs - clock.now();
    if (signal.aborted || leftMs <= 0) return undefined;
    if (!term.isAlive()) continue; // what leads hangs: time runs out, and another may begin
    const triedAt = clock.now();
    // A conflict is no answer yet: the next read shows who holds the Lease.
    const tried = record.take(retryMs).catch(reportUnlessConflict(onError));
    const held = await within(leftMs, tried, clock, signal);
    if (held === false) return undefined;
    if (held !== true) continue;
    renewedAt = triedAt;
    term.onHeld(renewedAt + limitMs);
  }
};

const reportUnlessConflict =
  (onError: (error: unknown) => void) =>
  (error: unknown): undefined => {
    if (!isConflict(error)) onError(error);
  };

/** What the promise resolves to, or undefined when time is up or the signal is aborted. */
const within = async <T>(
  ms: number,
  promise: Promise<T>,
  clock: Clock,
  signal: AbortSignal,
): Promise<T | undefined> => {
  const timer = new AbortController();
  const stop = (): void => timer.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const elapsed = clock.sleep(ms, timer.signal).then(
    () => undefined,
    () => undefined,
  );
  const first = await Promise.race([promise, elapsed]);
  signal.removeEventListener('abort', stop); // the signal outlives thousands of tries
  stop();
  return first;
};
