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
  const fits = LENGTHS.map((length) => bestOf(buckets, length)).filter((fit) => fit !== undefined);
  const best = fits.reduce<Fit | undefined>((a, b) => (a && a.deviance <= b.deviance ? a : b), undefined);
  if (!best || best.height <= 0) return undefined;
  const dispersion = Math.max(1, best.deviance / (buckets.length - PARAMETERS));
  const least = fits.find(({ deviance }) => (deviance - best.deviance) / dispersion <= RULED_OUT) ?? best;
  const rate = (part: readonly Bucket[]): number => sumOf(part).total / part.length;
  return {
    forMs: best.length * step,
    leastMs: least.length * step,
    requests: rate(buckets.slice(best.from)) / rate(buckets.slice(0, best.from)),
  };
};

interface Fit {
  /** Index of the first bucket that is higher. */
  from: number;
  length: number;
  height: number;
  deviance: number;
}

const bestOf = (buckets: readonly Bucket[], length: number): Fit | undefined => {
  let best: Fit | undefined;
  for (let from = MIN_CALM; from < buckets.length; from += 1) {
    const fit = fitOf(buckets, from, length);
    if (!best || fit.deviance < best.deviance) best = fit;
  }
  return best;
};

/** The level before is the mean, the height by least squares, weighted by requests. */
const fitOf = (buckets: readonly Bucket[], from: number, length: number): Fit => {
  const before = sumOf(buckets.slice(0, from));
  const level = before.errors / before.total;
  const shareOf = (i: number): number => (length === 0 ? 1 : Math.min(1, (i - from + 0.5) / length));
  // Of a single bucket in between, any part may be of the time after.
  const isFree = (i: number): boolean => length === 1 && i === from;
  let [sum, weight] = [0, 0];
  for (let i = from; i < buckets.length; i += 1) {
    const { errors, total } = buckets[i] as Bucket;
    if (isFree(i)) continue;
    sum += shareOf(i) * (errors - level * total);
    weight += shareOf(i) ** 2 * total;
  }
  const height = weight > 0 ? sum / weight : 0;
  let deviance = 0;
  for (const [i, bucket] of buckets.entries())
    if (!isFree(i)) deviance += devianceOf(bucket, i < from ? level : level + height * shareOf(i));
  return { from, length, height, deviance };
};

/** Twice how much likelier the counts are at their own ratio than at another. */
const devianceOf = ({ errors, total }: Counts, ratio: number): number => {
  const p = Math.min(1 - 1e-9, Math.max(1e-9, ratio));
  const good = Math.max(0, total - errors);
  const part = (count: number, expected: number): number => (count > 0 ? count * Math.log(count / expected) : 0);
  return 2 * (part(errors, total * p) + part(good, total * (1 - p)));
};
