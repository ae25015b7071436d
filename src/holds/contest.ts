import { conditionIs } from '../api/conditions.ts';
import type { HoldStatus } from '../api/hold.ts';

/** Rolled back again so often in this time, a rejected release is contested: somebody else keeps applying it. */
export const CONTEST = { times: 3, windowMs: 600_000 };
/** Before each of these, after the one before it. */
const WAITS_MS = [0, 10_000, 30_000];
const KEPT_TIMES = 8;

export interface Contest {
  contested: boolean;
  /** Milliseconds until the release may be rolled back again; 0: now. */
  waitMs: number;
}

/**
 * Whether a rejected release that is back is rolled back again at once. Pure. Contested, it is rolled back once in ten
 * minutes only: another tool may be applying it, and two writers that overwrite each other restart pods without end.
 */
export const contestOf = ({ conditions, reapplied = [] }: HoldStatus, now: number): Contest => {
  const times = reapplied.map(({ time }) => Date.parse(time));
  const last = Math.max(...times, 0);
  const recent = times.filter((time) => now - time < CONTEST.windowMs).length;
  const contested = conditionIs(conditions, 'Contested', 'True') || recent >= CONTEST.times;
  const wait = contested ? CONTEST.windowMs : (WAITS_MS[recent] ?? 0);
  return { contested, waitMs: Math.max(0, last + wait - now) };
};

/** When nobody applied the rejected release again for ten minutes. Milliseconds until then; undefined: not contested. */
export const calmIn = ({ conditions, reapplied = [] }: HoldStatus, now: number): number | undefined => {
  if (!conditionIs(conditions, 'Contested', 'True')) return undefined;
  const last = Math.max(...reapplied.map(({ time }) => Date.parse(time)), 0);
  return Math.max(0, last + CONTEST.windowMs - now);
};

export const withReapplied = (
  { reapplied = [] }: HoldStatus,
  fieldManager: string | undefined,
  now: number,
): NonNullable<HoldStatus['reapplied']> =>
  [...reapplied, { time: new Date(now).toISOString(), ...(fieldManager === undefined ? {} : { fieldManager }) }].slice(
    -KEPT_TIMES,
  );
