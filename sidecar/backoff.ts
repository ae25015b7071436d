/** How an attempt ended: an HTTP status, or 0 when there was no answer. */
export interface Outcome {
  status: number;
  /** Seconds, when the server asked for a pause. */
  retryAfter?: number | undefined;
}

const FIRST_MS = 500;
const CAP_MS = 60_000;
/** A request that the server calls wrong does not become right soon, but an upgrade may repair it. */
const SLOW_MS = 300_000;
const MAX_RETRY_AFTER_S = 600;
/** Said again twice an hour, so that a history that was lost is found again. */
export const REPEAT_MS = 30 * 60_000;

export const isRecorded = (status: number): boolean => status === 200 || status === 201;

/** These pass by themselves: a token is renewed, a pod gets known, a server comes back. */
const passes = (status: number): boolean => status < 400 || status >= 500 || [401, 403, 404, 408, 429].includes(status);

/**
 * Milliseconds until the next report.
 * @param failures attempts since the last success, this one included
 * @param random [0, 1): pods that start together must not come back together
 */
export const nextDelay = ({ status, retryAfter }: Outcome, failures: number, random: number): number => {
  if (isRecorded(status)) return REPEAT_MS * (0.75 + random / 2);
  const own = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 16), CAP_MS);
  if (retryAfter !== undefined) {
    // What the server asks for is the least; the crowd behind one address spreads over ever more time.
    const asked = Math.min(retryAfter, MAX_RETRY_AFTER_S) * 1000;
    return asked + random * Math.max(own, asked / 4);
  }
  if (!passes(status)) return SLOW_MS * (0.75 + random / 2);
  return own * (0.5 + random / 2);
};
