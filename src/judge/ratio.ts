import type { Measurement } from '../api/incident.ts';
import { compare } from './comparison.ts';
import { type Bucket, sumOf, together } from './course.ts';
import { type Onset, onsetOf } from './onset.ts';
import { type PartOfRise, riseOf } from './rise.ts';
import { segmentsOf } from './segments.ts';
import { type Counts, chanceOf } from './statistics.ts';
import { BEFORE_MS, NEAR_MS } from './time.ts';

/** What was counted of each release over the same span. */
export interface Courses {
  release: readonly Bucket[];
  /** undefined: requests are not counted by release; `release` is all of them, whatever ran. */
  other: readonly Bucket[] | undefined;
  /** Of a bucket, in milliseconds. */
  step: number;
}

type Ratio = NonNullable<Measurement['ratio']>;

/** Enough to leave a bucket out. */
const BY_CHANCE = 0.05;

/**
 * What goes into a verdict, and is stored with it. Times are milliseconds since the epoch.
 *
 * @param times.from since when requests count as from before the release
 * @param times.ownFrom since when what is counted is the release's own: where all pods are counted, or only configuration
 *   changed, that is later than the release
 * @param times.tooOldFrom of a burn that began later the release is too old to be suspected: nobody asks how it rose
 */
export const ratioOf = (
  { release, other, step }: Courses,
  {
    releasedAt,
    from,
    ownFrom = releasedAt,
    tooOldFrom = Number.POSITIVE_INFINITY,
  }: { releasedAt: number; from?: number; ownFrom?: number; tooOldFrom?: number },
  threshold: number,
): Ratio => {
  const all = other ? together(release, other) : release;
  const course = segmentsOf(all, step, threshold);
  const until = all.at(-1)?.at;
  const onset = onsetOf(course, threshold, { releasedAt, until });
  const since = Math.max(releasedAt, onset?.leftItsPast ? onset.at : releasedAt);
  const burned = burnedIn(onset);
  const isSince = ({ at }: Bucket): boolean => at > since + step / 2 && burned(at);
  const comparedFrom = onset?.leftItsPast && isMixed(release, onset, step) ? Math.max(since, onset.at + step) : since;
  const both = other
    ? release.flatMap((mine, i) => pairOf(mine, other[i])).filter(([{ at }]) => at > comparedFrom && burned(at))
    : [];
  // Of its own pods every request counts; where all pods are counted, only buckets that are its own.
  const own = other ? release.filter(({ at }) => at > since && burned(at)) : release.filter(isSince);
  const isEarly = ({ at }: Bucket): boolean => onset?.leftItsPast === true && at > ownFrom && at <= onset.at;
  const early = sumOf(release.filter(isEarly));
  const earliest = Math.min(from ?? releasedAt, releasedAt - BEFORE_MS);
  const before = sumOf(all.filter(({ at }) => at <= releasedAt && at > earliest));
  return {
    threshold: text(threshold),
    resolutionSeconds: Math.round(step / 1000),
    ...(until === undefined ? {} : { untilTime: new Date(until).toISOString() }),
    release: storedCounts(sumOf(own)),
    ...(both.length > 0
      ? {
          beside: {
            release: storedCounts(sumOf(both.map(([a]) => a))),
            other: storedCounts(sumOf(both.map(([, b]) => b))),
          },
        }
      : {}),
    ...(early.total > 0 ? { early: storedCounts(early) } : {}),
    ...(before.total > 0 ? { before: storedCounts(before) } : {}),
    ...trafficOf(all, step, onset),
    ...(onset?.leftItsPast && onset.at - releasedAt > NEAR_MS && onset.at <= tooOldFrom ? riseIn(release, step) : {}),
    course: course.map(({ from, ...counts }) => ({ time: new Date(from).toISOString(), ...storedCounts(counts) })),
  };
};

/** Whether it burns, and neither the same minutes nor those before it say that this is more, or that it is not. */
export const hasTooFewBefore = ({ threshold, release, beside, before }: Ratio): boolean => {
  const isUnclear = (a: StoredCounts | undefined, b: StoredCounts | undefined): boolean =>
    !a || !b || compare(countsOf(a), countsOf(b), Number(threshold)) === 'Unclear';
  const burns = release && Number(release.errors) > Number(threshold) * Number(release.requests);
  return burns === true && isUnclear(beside?.release, beside?.other) && isUnclear(release, before);
};

/**
 * Whether the release fails a smaller part in the bucket in which the burn began than later: then it was well in a part
 * of it, and a release that ended in that part was never there in the burn.
 */
const isMixed = (release: readonly Bucket[], { at: began }: Onset, step: number): boolean => {
  const end = began + step * 1.5;
  const first = sumOf(release.filter(({ at }) => at > began + step / 2 && at < end));
  const later = sumOf(release.filter(({ at }) => at >= end));
  return first.total > 0 && later.total > 0 && chanceOf(later, first) < BY_CHANCE;
};

/** A burn that comes and goes is judged by when it was there: its pauses say nothing of it. */
const burnedIn = (onset: Onset | undefined): ((at: number) => boolean) => {
  const { spells = [] } = onset ?? {};
  return spells.length < 2
    ? () => true
    : (at) => spells.some(({ from, to = Number.POSITIVE_INFINITY }) => at > from && at <= to);
};

const riseIn = (release: readonly Bucket[], step: number): Pick<Ratio, 'rise'> => {
  const found = riseOf(release, step);
  if (!found) return {};
  const { forMs, leastMs, requests, first, last } = found;
  const partOf = (part: PartOfRise) => ({ requests: text(part.requests), errorRatio: text(part.failed) });
  return {
    rise: {
      seconds: forMs / 1000,
      leastSeconds: leastMs / 1000,
      requests: text(requests),
      ...(first ? { first: { ...partOf(first), lead: text(first.lead) } } : {}),
      ...(last ? { last: partOf(last) } : {}),
    },
  };
};

/** So many show within a tenth how many come: by chance half as many again would be a surge. */
const ENOUGH_REQUESTS = 100;

/**
 * Requests a second, before the burn and since. Before: some minutes before, for it is a rise that overruns; all that is
 * recorded from before these, where few requests came.
 */
const trafficOf = (all: readonly Bucket[], step: number, onset: Onset | undefined): Pick<Ratio, 'traffic'> => {
  if (!onset?.leftItsPast) return {};
  const between = (earliest: number, latest: number): Bucket[] => all.filter(({ at }) => at > earliest && at <= latest);
  const calm = onset.at - BEFORE_MS;
  const minutes = between(calm - BEFORE_MS, calm);
  const isEnough = sumOf(minutes).total >= ENOUGH_REQUESTS;
  const before = rateOf(isEnough ? minutes : between(0, calm), step) ?? rateOf(between(calm, onset.at), step);
  const since = rateOf(
    all.filter(({ at }) => at > onset.at),
    step,
  );
  return before && since ? { traffic: { before: storedCounts(before), since: storedCounts(since) } } : {};
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

/** As they are stored with the verdict. */
interface StoredCounts {
  errors: string;
  requests: string;
}

export const storedCounts = ({ errors, total }: Counts): StoredCounts => ({
  errors: text(errors),
  requests: text(total),
});

export const countsOf = ({ errors, requests }: StoredCounts): Counts => ({
  errors: Number(errors),
  total: Number(requests),
});

/** As many digits as the statistics can use. */
const text = (value: number): string => String(Number(value.toPrecision(7)));
