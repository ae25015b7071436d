import { isRejected, type KubeError } from '../kube/index.ts';

const FIRST_MS = 1_000;
const MAX_MS = 300_000;
/** What the API server did not refuse for good (a webhook that is down, a time-out) may be over in a moment. */
const TRANSIENT_TRIES = 3;

/**
 * When a rollback that failed is tried again: twice as late each time, at most five minutes, a quarter more or less.
 * @param attempts how often it failed in a row, this time included
 * @returns milliseconds
 */
export const retryIn = (attempts: number, random: () => number): number =>
  Math.min(FIRST_MS * 2 ** Math.min(attempts - 1, 16), MAX_MS) * (0.75 + random() / 2);

/** Failed at once where the API server says no, and after three tries in a row where it only did not manage. */
export const phaseAfter = (error: KubeError, attempts: number): 'Failed' | 'Pending' =>
  isRejected(error) || attempts >= TRANSIENT_TRIES ? 'Failed' : 'Pending';
