import { differenceThatMatters } from './comparison.ts';
import { type Bucket, sumOf } from './course.ts';
import { cutsOf } from './cuts.ts';
import type { Counts } from './statistics.ts';

/** A time in which the error ratio was about the same. */
export interface Segment extends Counts {
  /** When its first requests were made, milliseconds since the epoch. */
  from: number;
}

export const MAX_SEGMENTS = 12;

/**
 * Where the error ratio changed. Neighbours whose ratios differ by less than matters are one segment, however sure the
 * difference is. Buckets without requests say nothing.
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
