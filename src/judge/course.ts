import type { Series } from '../slo/index.ts';
import type { Counts } from './statistics.ts';

/** What was counted in the `step` milliseconds before `at`. No requests where nothing is recorded. */
export interface Bucket extends Counts {
  /** Milliseconds since the epoch. */
  at: number;
}

/** When a course is measured: buckets that end at `end` and at each step before it, the first of them after `start`. */
export interface Span {
  start: number;
  end: number;
  step: number;
}

export const MAX_BUCKETS = 120;
/** A bucket needs two scrapes: at the shortest step they have to come each second or two, and who scrapes less often needs a longer one. */
const STEPS_MS = [5_000, 15_000, 60_000, 300_000, 900_000] as const;

/** Spans up to `end` that reach back to `from`, the finest first: the next one is for whom is scraped less often. */
export const spansOf = (from: number, end: number): Span[] =>
  STEPS_MS.filter((step) => (end - from) / step <= MAX_BUCKETS || step === STEPS_MS.at(-1)).map((step) => {
    const buckets = Math.min(Math.max(1, Math.ceil((end - from) / step)), MAX_BUCKETS);
    return { start: end - (buckets - 1) * step, end, step };
  });

/** Rates at each step of a span as counts: of all series together. What is no number counts as nothing. */
export const courseOf = (
  errors: readonly Series[],
  totals: readonly Series[],
  { start, end, step }: Span,
): Bucket[] => {
  const [failed, all] = [sumsOf(errors), sumsOf(totals)];
  const count = Math.round((end - start) / step) + 1;
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * step;
    const total = Math.max(0, ((all.get(Math.round(at)) ?? 0) * step) / 1000);
    return { at, total, errors: Math.min(total, Math.max(0, ((failed.get(Math.round(at)) ?? 0) * step) / 1000)) };
  });
};

const sumsOf = (series: readonly Series[]): Map<number, number> => {
  const sums = new Map<number, number>();
  for (const { at, value } of series.flatMap(({ points }) => points))
    if (Number.isFinite(value)) sums.set(Math.round(at), (sums.get(Math.round(at)) ?? 0) + value);
  return sums;
};

/** Two courses over the same span, bucket by bucket. */
export const together = (a: readonly Bucket[], b: readonly Bucket[]): Bucket[] =>
  a.map((one, i) => ({
    at: one.at,
    errors: one.errors + (b[i]?.errors ?? 0),
    total: one.total + (b[i]?.total ?? 0),
  }));

export const sumOf = (buckets: readonly Counts[]): Counts => ({
  errors: buckets.reduce((sum, { errors }) => sum + errors, 0),
  total: buckets.reduce((sum, { total }) => sum + total, 0),
});

/** Of the counts before each index, and of all: what was counted between two of them is a difference. */
export const runningSums = <T>(all: readonly T[], of: (one: T) => number): Float64Array => {
  const sums = new Float64Array(all.length + 1);
  for (const [i, one] of all.entries()) sums[i + 1] = (sums[i] as number) + of(one);
  return sums;
};
