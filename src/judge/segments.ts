import { differenceThatMatters } from './comparison.ts';
import { type Bucket, sumOf } from './course.ts';
import type { Counts } from './statistics.ts';

/** A time in which the error ratio was about the same. */
export interface Segment extends Counts {
  /** When its first requests were made, milliseconds since the epoch. */
  from: number;
}

/** One more segment has to make the counts e^8, 3,000 times, likelier: chance does that rarely in 120 buckets. */
const PENALTY = 8;
export const MAX_SEGMENTS = 12;

/**
 * Where the error ratio changed: the partition of a course that makes its counts likeliest, each segment a binomial
 * sample with a ratio of its own, with a penalty for each (optimal partitioning: B. Jackson and others, "An Algorithm
 * for Optimal Partitioning of Data on an Interval", 2005). Neighbours whose ratios differ by less than matters are one
 * segment, however sure the difference is. Buckets without requests say nothing.
 *
 * @param threshold error ratio above which the budget burns
 * @returns oldest first, at most MAX_SEGMENTS; none where no requests were made
 */
export const segmentsOf = (course: readonly Bucket[], step: number, threshold: number): Segment[] => {
  const buckets = course.filter(({ total }) => total > 0);
  const found = cutsOf(buckets).map((from, i, all) => {
    const part = buckets.slice(from, all[i + 1]);
    return { from: (part[0]?.at ?? 0) - step, ...sumOf(part) };
  });
  return merged(found, threshold);
};

/** Indexes at which segments begin. */
const cutsOf = (buckets: readonly Bucket[]): number[] => {
  const sums: Counts[] = [{ errors: 0, total: 0 }];
  for (const [i, bucket] of buckets.entries()) sums.push(sumOf([sums[i] as Counts, bucket]));
  const likelihood = (from: number, to: number): number => {
    const [a, b] = [sums[from] as Counts, sums[to] as Counts];
    return logLikelihood({ errors: b.errors - a.errors, total: b.total - a.total });
  };
  const best = [0];
  const start = [0];
  for (let to = 1; to <= buckets.length; to += 1) {
    best[to] = Number.NEGATIVE_INFINITY;
    for (let from = 0; from < to; from += 1) {
      const value = (best[from] as number) + likelihood(from, to) - PENALTY;
      if (value <= (best[to] as number)) continue;
      best[to] = value;
      start[to] = from;
    }
  }
  const cuts: number[] = [];
  for (let to = buckets.length; to > 0; to = start[to] as number) cuts.unshift(start[to] as number);
  return cuts;
};

/** Of a binomial sample at its own ratio. */
const logLikelihood = ({ errors, total }: Counts): number => {
  const p = Math.min(1, Math.max(0, errors / total));
  return p === 0 || p === 1 ? 0 : total * (p * Math.log(p) + (1 - p) * Math.log(1 - p));
};

const ratioOf = ({ errors, total }: Counts): number => errors / total;

/** The two neighbours that differ least become one, until all differ by what matters. */
const merged = (segments: readonly Segment[], threshold: number): Segment[] => {
  const steps = segments.slice(1).map((segment, i) => {
    const [p, q] = [ratioOf(segment), ratioOf(segments[i] as Segment)];
    return Math.abs(p - q) / differenceThatMatters(threshold, Math.min(p, q));
  });
  const least = Math.min(...steps);
  if (steps.length === 0 || (least >= 1 && segments.length <= MAX_SEGMENTS)) return [...segments];
  const at = steps.indexOf(least);
  const [a, b] = [segments[at] as Segment, segments[at + 1] as Segment];
  return merged([...segments.slice(0, at), { from: a.from, ...sumOf([a, b]) }, ...segments.slice(at + 2)], threshold);
};
