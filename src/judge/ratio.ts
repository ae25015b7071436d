import type { Measurement } from '../api/incident.ts';
import { type Bucket, sumOf, together } from './course.ts';
import { type Onset, onsetOf } from './onset.ts';
import { segmentsOf } from './segments.ts';
import type { Counts } from './statistics.ts';
import { BEFORE_MS } from './time.ts';

/** What was counted of each release over the same span. */
export interface Courses {
  release: readonly Bucket[];
  /** undefined: requests are not counted by release; `release` is all of them, whatever ran. */
  other: readonly Bucket[] | undefined;
  /** Of a bucket, in milliseconds. */
  step: number;
}

type Ratio = NonNullable<Measurement['ratio']>;

/** What goes into a verdict, and is stored with it. */
export const ratioOf = ({ release, other, step }: Courses, releasedAt: number, threshold: number): Ratio => {
  const all = other ? together(release, other) : release;
  const course = segmentsOf(all, step, threshold);
  const onset = onsetOf(course, threshold);
  const since = Math.max(releasedAt, onset?.leftItsPast ? onset.at : releasedAt);
  const isSince = ({ at }: Bucket): boolean => at > since + step / 2;
  const both = other ? release.flatMap((mine, i) => pairOf(mine, other[i])).filter(([{ at }]) => at > since) : [];
  // Of its own pods every request counts; where all pods are counted, only buckets that are its own.
  const own = other ? release.filter(({ at }) => at > since) : release.filter(isSince);
  const before = sumOf(all.filter(({ at }) => at <= releasedAt && at > releasedAt - BEFORE_MS));
  return {
    threshold: text(threshold),
    resolutionSeconds: Math.round(step / 1000),
    release: countsOf(sumOf(own)),
    ...(both.length > 0
      ? { beside: { release: countsOf(sumOf(both.map(([a]) => a))), other: countsOf(sumOf(both.map(([, b]) => b))) } }
      : {}),
    ...(before.total > 0 ? { before: countsOf(before) } : {}),
    ...trafficOf(all, step, onset),
    course: course.map(({ from, ...counts }) => ({ time: new Date(from).toISOString(), ...countsOf(counts) })),
  };
};

/** Requests a second, before the burn and since. */
const trafficOf = (all: readonly Bucket[], step: number, onset: Onset | undefined): Pick<Ratio, 'traffic'> => {
  if (!onset?.leftItsPast) return {};
  const before = rateOf(
    all.filter(({ at }) => at <= onset.at && at > onset.at - BEFORE_MS),
    step,
  );
  const since = rateOf(
    all.filter(({ at }) => at > onset.at),
    step,
  );
  return before && since ? { traffic: { before: countsOf(before), since: countsOf(since) } } : {};
};

/** Of the buckets in which anything was recorded: a gap is no time without requests. */
const rateOf = (buckets: readonly Bucket[], step: number): Counts | undefined => {
  const known = buckets.filter(({ total }) => total > 0);
  const seconds = (known.length * step) / 1000;
  const { errors, total } = sumOf(known);
  return known.length === 0 ? undefined : { errors: errors / seconds, total: total / seconds };
};

/** Less than half a request is none: rates are extrapolated. */
const pairOf = (a: Bucket, b: Bucket | undefined): [Bucket, Bucket][] =>
  b && a.total >= 0.5 && b.total >= 0.5 ? [[a, b]] : [];

const countsOf = ({ errors, total }: Counts): { errors: string; requests: string } => ({
  errors: text(errors),
  requests: text(total),
});

/** As many digits as the statistics can use. */
const text = (value: number): string => String(Number(value.toPrecision(7)));
