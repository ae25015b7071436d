import { duration, parseDuration } from '../api/common.ts';

/** Between two tries of whatever nobody asked for: `interval: 0s` would ask the server as fast as it answers. */
export const FLOOR_MS = 5_000;
const MINUTE_MS = 60_000;
const LONGEST_RETRY_MS = 10 * MINUTE_MS;
/** A timer takes 24.8 days at most, and fires at once above it. */
const LONGEST_MS = 24 * 24 * 60 * MINUTE_MS;
/** A fetch takes one of few places for as long. */
const LONGEST_FETCH_MS = 10 * MINUTE_MS;

/** Text that the schema would refuse, of an object that is older than the schema, counts as a minute. */
const within = (text: string, least: number, most: number): number => {
  const ms = duration.safeParse(text).success ? Math.round(parseDuration(text)) : MINUTE_MS;
  return Math.min(most, Math.max(least, ms));
};

/** spec.interval in whole milliseconds, at least 5 s. */
export const intervalOf = ({ spec }: { spec: { interval: string } }): number =>
  within(spec.interval, FLOOR_MS, LONGEST_MS);

/** spec.timeout of a look or fetch, in whole milliseconds: from 1 s to 10 min. */
export const fetchTimeoutOf = ({ spec }: { spec: { timeout: string } }): number =>
  within(spec.timeout, 1_000, LONGEST_FETCH_MS);

/**
 * Milliseconds until what failed so often in a row is tried again: 5 s, doubled each time, up to the interval, but to
 * one minute where that is shorter and to ten where it is longer. A tenth of it is chance: what failed together comes
 * back one by one.
 */
export const retryIn = (failures: number, intervalMs: number, random: () => number): number => {
  const longest = Math.min(LONGEST_RETRY_MS, Math.max(MINUTE_MS, intervalMs));
  return withJitter(Math.min(longest, FLOOR_MS * 2 ** Math.min(Math.max(failures - 1, 0), 16)), random);
};

/** Around it, by a tenth in all. */
export const withJitter = (ms: number, random: () => number): number => ms * (0.95 + random() / 10);
