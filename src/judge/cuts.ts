import { runningSums } from './course.ts';
import type { Counts } from './statistics.ts';

/** One more segment has to make the counts e^8, 3,000 times, likelier: chance does that rarely in 120 buckets. */
const PENALTY = 8;

/**
 * The partition of a course that makes its counts likeliest, each segment a binomial sample with a ratio of its own, with
 * a penalty for each (optimal partitioning: B. Jackson and others, "An Algorithm for Optimal Partitioning of Data on an
 * Interval", 2005). Of 120 buckets these are 7,000 sums and logarithms, for each look at each incident: so a beginning
 * that can't become the best any more is not tried again, which changes no partition (R. Killick and others, "Optimal
 * Detection of Changepoints with a Linear Computational Cost", 2012).
 *
 * @param buckets each with requests
 * @returns indexes at which segments begin, the first of them 0; none where there are no buckets
 */
export const cutsOf = (buckets: readonly Counts[]): number[] => {
  const errors = runningSums(buckets, (bucket) => bucket.errors);
  const totals = runningSums(buckets, (bucket) => bucket.total);
  /** How likely the best partition of the buckets before an index is, and where its last segment begins. */
  const best = new Float64Array(buckets.length + 1);
  const start = new Int32Array(buckets.length + 1);
  /** The same with a last segment that begins at an index. */
  const found = new Float64Array(buckets.length);
  let beginnings = [0];
  for (let to = 1; to <= buckets.length; to += 1) {
    let most = Number.NEGATIVE_INFINITY;
    for (const from of beginnings) {
      const failed = (errors[to] as number) - (errors[from] as number);
      const total = (totals[to] as number) - (totals[from] as number);
      const value = (best[from] as number) + logLikelihood(failed, total) - PENALTY;
      found[from] = value;
      if (value <= most) continue;
      most = value;
      start[to] = from;
    }
    best[to] = most;
    // One that does not make up for a cut here, were that free, never will: whatever follows gains as much by the cut.
    beginnings = beginnings.filter((from) => (found[from] as number) + PENALTY >= most);
    beginnings.push(to);
  }
  const cuts: number[] = [];
  for (let to = buckets.length; to > 0; to = start[to] as number) cuts.unshift(start[to] as number);
  return cuts;
};

/** Of a binomial sample at its own ratio. */
const logLikelihood = (errors: number, total: number): number => {
  const p = Math.min(1, Math.max(0, errors / total));
  return p === 0 || p === 1 ? 0 : total * (p * Math.log(p) + (1 - p) * Math.log(1 - p));
};
