import { type Bucket, sumOf } from './course.ts';
import type { Counts } from './statistics.ts';

/** How the error ratio rose, in steps of a course. */
export interface Rise {
  /** How long it most likely rose, and how long at least: whatever is shorter, a step too, is ruled out. Milliseconds. */
  forMs: number;
  leastMs: number;
  /** Requests since it began to rise, as a multiple of those before. */
  requests: number;
}

/** Lengths that are tried, in steps of the course. Within one, a rise is a step: it may come anywhere in a bucket. */
const LENGTHS = [0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48] as const;
/** Buckets from before it, at least: they show what is usual. */
const MIN_CALM = 10;
const MIN_BUCKETS = 15;
/** How much likelier than any shorter rise it has to be: three standard deviations, as twice the log-likelihood. */
const RULED_OUT = 9;
/** Ratio, height of the rise, and dispersion are estimated, and where it begins. */
const PARAMETERS = 4;

/**
 * How long the ratio rose from what it was to what it is: a line between two levels, fitted for each beginning and
 * length by its binomial deviance. Counts that scatter more than independent requests would make every fit worse, and
 * weigh less in proportion (quasi-likelihood: R. Wedderburn, 1974).
 *
 * @param step of a bucket, in milliseconds
 * @returns undefined: it did not rise, or too little is recorded
 */
export const riseOf = (course: readonly Bucket[], step: number): Rise | undefined => {
  const buckets = course.filter(({ total }) => total > 0);
  if (buckets.length < MIN_BUCKETS) return undefined;
  const between = sumsOf(buckets);
  const fits = LENGTHS.map((length) => bestOf(buckets, between, length));
  const best = fits.reduce((a, b) => (a.likelihood >= b.likelihood ? a : b));
  if (best.height <= 0) return undefined;
  const deviance = 2 * (perfect(buckets) - best.likelihood);
  const dispersion = Math.max(1, deviance / (buckets.length - PARAMETERS));
  const isRuledOut = ({ likelihood }: Fit): boolean => (2 * (best.likelihood - likelihood)) / dispersion > RULED_OUT;
  const least = fits.find((fit) => !isRuledOut(fit)) ?? best;
  const rate = (from: number, to: number): number => between(from, to).total / (to - from);
  return {
    forMs: best.length * step,
    leastMs: least.length * step,
    requests: rate(best.from, buckets.length) / rate(0, best.from),
  };
};

interface Fit {
  /** Index of the first bucket that is higher. */
  from: number;
  length: number;
  height: number;
  /** Its logarithm. Of a single bucket between the levels, as if it fitted: any part of it may be of the time after. */
  likelihood: number;
}

/** What was counted from one bucket until another. */
type Between = (from: number, to: number) => Counts;

const sumsOf = (buckets: readonly Bucket[]): Between => {
  const sums: Counts[] = [{ errors: 0, total: 0 }];
  for (const [i, bucket] of buckets.entries()) sums.push(sumOf([sums[i] as Counts, bucket]));
  return (from, to) => {
    const [a, b] = [sums[from] as Counts, sums[Math.max(from, to)] as Counts];
    return { errors: b.errors - a.errors, total: b.total - a.total };
  };
};

const bestOf = (buckets: readonly Bucket[], between: Between, length: number): Fit => {
  let best = fitOf(buckets, between, { from: MIN_CALM, length });
  for (let from = MIN_CALM + 1; from < buckets.length; from += 1) {
    const fit = fitOf(buckets, between, { from, length });
    if (fit.likelihood > best.likelihood) best = fit;
  }
  return best;
};

/** The level before is the mean, the height by least squares, weighted by requests. */
const fitOf = (
  buckets: readonly Bucket[],
  between: Between,
  { from, length }: { from: number; length: number },
): Fit => {
  const top = Math.min(from + length, buckets.length);
  const [before, after] = [between(0, from), between(top, buckets.length)];
  const level = before.errors / before.total;
  const rising = buckets.slice(from, top).map((bucket, i) => ({ ...bucket, share: (i + 0.5) / length }));
  const isFree = length === 1;
  let sum = after.errors - level * after.total;
  let weight = after.total;
  for (const { errors, total, share } of isFree ? [] : rising) {
    sum += share * (errors - level * total);
    weight += share ** 2 * total;
  }
  const height = weight > 0 ? sum / weight : 0;
  let likelihood = likelihoodOf(before, level) + likelihoodOf(after, level + height);
  for (const one of rising)
    likelihood += likelihoodOf(one, isFree ? one.errors / one.total : level + height * one.share);
  return { from, length, height, likelihood };
};

/** The likelihood of what was counted, were each bucket of a ratio of its own. */
const perfect = (buckets: readonly Bucket[]): number =>
  buckets.reduce((sum, bucket) => sum + likelihoodOf(bucket, bucket.errors / bucket.total), 0);

/** The logarithm of the likelihood of these counts at a ratio. */
const likelihoodOf = ({ errors, total }: Counts, ratio: number): number => {
  const p = Math.min(1 - 1e-9, Math.max(1e-9, ratio));
  return errors * Math.log(p) + Math.max(0, total - errors) * Math.log1p(-p);
};
