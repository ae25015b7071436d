import { type Bucket, runningSums } from './course.ts';
import type { Counts } from './statistics.ts';

/** How the error ratio rose, in steps of a course. */
export interface Rise {
  /** How long it most likely rose, and how long at least: whatever is shorter, a step too, is ruled out. Milliseconds. */
  forMs: number;
  leastMs: number;
  /** Requests since it began to rise, as a multiple of those before. */
  requests: number;
  /** As it began, and now; undefined: an Incident of before that was measured. */
  first?: FirstOfRise | undefined;
  last?: PartOfRise | undefined;
}

export interface PartOfRise {
  /** Requests, as a multiple of what was usual some minutes before it. */
  requests: number;
  /** Part of them that failed. */
  failed: number;
}

/** The beginning of a rise: what causes it is there then. */
export interface FirstOfRise extends PartOfRise {
  /** Requests in the last bucket before it, as such a multiple. */
  lead: number;
}

/** Lengths that are tried, in steps of the course. Within one, a rise is a step: it may come anywhere in a bucket. */
const LENGTHS = [0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48] as const;
/** Buckets from before it, at least: they show what is usual. */
const MIN_CALM = 10;
const MIN_BUCKETS = 15;
/** Buckets that show how many requests are usual: some before the rise, for more of them may come before anything fails. */
const USUAL = { buckets: 15, before: 5 };
/** Buckets of which a rise consists at least. */
const FIRST = 2;
/** Buckets that show how many requests come now. */
const LAST = 10;
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
export const riseOf = (recorded: readonly Bucket[], step: number): Rise | undefined => {
  const buckets = recorded.filter(({ total }) => total > 0);
  if (buckets.length < MIN_BUCKETS) return undefined;
  const course = withSums(buckets);
  const fits: Fit[] = [];
  for (const length of LENGTHS) fits.push(bestOf(course, length, fits.at(-1)?.from ?? MIN_CALM));
  const best = fits.reduce((a, b) => (a.likelihood >= b.likelihood ? a : b));
  if (best.height <= 0) return undefined;
  const deviance = 2 * ((course.perfect[buckets.length] as number) - best.likelihood);
  const dispersion = Math.max(1, deviance / (buckets.length - PARAMETERS));
  const isRuledOut = ({ likelihood }: Fit): boolean => (2 * (best.likelihood - likelihood)) / dispersion > RULED_OUT;
  const least = fits.find((fit) => !isRuledOut(fit)) ?? best;
  const rate = (from: number, to: number): number => course.between(from, to).total / (to - from);
  return {
    forMs: best.length * step,
    leastMs: least.length * step,
    requests: rate(best.from, buckets.length) / rate(0, best.from),
    ...endsOf(course, best.from, Math.max(FIRST, least.length)),
  };
};

const endsOf = ({ buckets, between }: Course, from: number, length: number): Pick<Rise, 'first' | 'last'> => {
  const rate = (a: number, b: number): number => between(a, b).total / (b - a);
  const earlier = from - USUAL.before;
  const usual = rate(Math.max(0, earlier - USUAL.buckets), earlier);
  const partOf = (a: number, b: number): PartOfRise => ({
    requests: rate(a, b) / usual,
    failed: ratioOf(between(a, b)),
  });
  return {
    first: { ...partOf(from, Math.min(from + length, buckets.length)), lead: partOf(from - 1, from).requests },
    last: partOf(buckets.length - LAST, buckets.length),
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

/** Logarithms of likelihoods are by index: of the buckets before it, or from it on. */
interface Course {
  buckets: readonly Counts[];
  /** What was counted from one bucket until another. */
  between: (from: number, to: number) => Counts;
  /** Of the buckets before, each of a ratio of its own. */
  perfect: Float64Array;
  /** Of the buckets before, and of those from the index on, were they of one ratio. */
  before: Float64Array;
  after: Float64Array;
}

const withSums = (buckets: readonly Counts[]): Course => {
  const errors = runningSums(buckets, (bucket) => bucket.errors);
  const totals = runningSums(buckets, (bucket) => bucket.total);
  const between = (from: number, to: number): Counts => ({
    errors: (errors[to] as number) - (errors[from] as number),
    total: (totals[to] as number) - (totals[from] as number),
  });
  const atOwnRatio = (counts: Counts): number => likelihoodOf(counts, ratioOf(counts));
  return {
    buckets,
    between,
    perfect: runningSums(buckets, atOwnRatio),
    before: errors.map((_, i) => atOwnRatio(between(0, i))),
    after: errors.map((_, i) => atOwnRatio(between(i, buckets.length))),
  };
};

/**
 * Of all beginnings, `likely` the first that is fitted. One that would be no better were each bucket of the rise as it
 * should be is not.
 */
const bestOf = (course: Course, length: number, likely: number): Fit => {
  let best = fitOf(course, likely, length);
  for (let from = MIN_CALM; from < course.buckets.length; from += 1) {
    if (mostOf(course, from, length) <= best.likelihood) continue;
    const fit = fitOf(course, from, length, best.likelihood);
    if (fit.likelihood > best.likelihood) best = fit;
  }
  return best;
};

const topOf = ({ buckets }: Course, from: number, length: number): number => Math.min(from + length, buckets.length);

/** No fit is likelier than that: each part of it at the ratio that suits it best. */
const mostOf = (course: Course, from: number, length: number): number => {
  const top = topOf(course, from, length);
  const { before, perfect, after } = course;
  return (before[from] as number) + ((perfect[top] as number) - (perfect[from] as number)) + (after[top] as number);
};

/**
 * The level before is the mean, the height by least squares, weighted by requests.
 *
 * @param least what is not likelier is not fitted to its end, and has no likelihood
 */
const fitOf = (course: Course, from: number, length: number, least = Number.NEGATIVE_INFINITY): Fit => {
  const { buckets, between, perfect } = course;
  const top = topOf(course, from, length);
  const [before, after] = [between(0, from), between(top, buckets.length)];
  const level = ratioOf(before);
  const shareAt = (i: number): number => (i - from + 0.5) / length;
  const isFree = length === 1;
  let sum = after.errors - level * after.total;
  let weight = after.total;
  for (let i = from; i < top && !isFree; i += 1) {
    const { errors, total } = buckets[i] as Counts;
    const share = shareAt(i);
    sum += share * (errors - level * total);
    weight += share ** 2 * total;
  }
  const height = weight > 0 ? sum / weight : 0;
  let likelihood = likelihoodOf(before, level) + likelihoodOf(after, level + height);
  for (let i = from; i < top; i += 1) {
    const rest = (perfect[top] as number) - (perfect[i] as number);
    if (likelihood + rest <= least) return { from, length, height, likelihood: Number.NEGATIVE_INFINITY };
    const bucket = buckets[i] as Counts;
    likelihood += likelihoodOf(bucket, isFree ? ratioOf(bucket) : level + height * shareAt(i));
  }
  return { from, length, height, likelihood };
};

const ratioOf = ({ errors, total }: Counts): number => (total > 0 ? errors / total : 0);

/** The logarithm of the likelihood of these counts at a ratio. */
const likelihoodOf = ({ errors, total }: Counts, ratio: number): number => {
  const p = Math.min(1 - 1e-9, Math.max(1e-9, ratio));
  return errors * Math.log(p) + Math.max(0, total - errors) * Math.log1p(-p);
};
