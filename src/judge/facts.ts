import { parseDuration } from '../api/common.ts';
import type { Measurement } from '../api/incident.ts';
import type { Ranked } from './mann-whitney.ts';
import { type Onset, onsetOf } from './onset.ts';
import { countsOf } from './ratio.ts';
import type { PartOfRise, Rise } from './rise.ts';
import type { Segment } from './segments.ts';
import type { Counts } from './statistics.ts';

/** A stored measurement as numbers: times in milliseconds since the epoch. */
export interface Facts {
  releasedAt: number;
  readyAt: number;
  /** When the burn began, as far as the ratio or the rule shows it. */
  onset: Onset | undefined;
  /** By the onset, or by the first alert where no onset is known. */
  isTooOld: boolean;
  maxReleaseAge: string;
  minRequests: number;
  minScore: number;
  ratio: RatioFacts | undefined;
  /** undefined: there was an indicator instead. */
  rule: { fires: boolean; since: number | undefined; from: number } | undefined;
  /** What failed after the commit that brought the release. */
  check: { name: string; reason: string } | undefined;
  neighbours: readonly { name: string; sameNodes?: boolean | undefined; dependency?: boolean | undefined }[];
  /** Other workloads: their pods on the nodes on which the release burns, and those elsewhere. */
  byNode: readonly { name: string; here: Counts; elsewhere: Counts }[];
  /** Other workloads that were measured and do not burn; undefined: nobody measured them. */
  well: number | undefined;
}

export interface RatioFacts {
  threshold: number;
  resolutionMs: number;
  release: Counts | undefined;
  /** The release, before it burned. */
  early: Counts | undefined;
  beside: { release: Counts; other: Counts } | undefined;
  before: Counts | undefined;
  /** A second, of all pods. */
  traffic: { before: Counts; since: Counts } | undefined;
  rise: Rise | undefined;
  pods: PodFacts | undefined;
  latencies: LatencyFacts | undefined;
  course: readonly Segment[];
}

/** Mean latencies of pods and minutes, of the release and of the one before it. */
export interface LatencyFacts {
  ranked: Ranked;
  /** Medians. */
  release: number;
  other: number;
  /** With the space before it; '': not known. */
  unit: string;
}

/** Pods of the release by themselves. */
export interface PodFacts {
  burning: Counts & { pods: number; nodes: readonly string[] };
  well: Counts & { pods: number };
  /** Each that burns is older than each that is well. */
  byAge: boolean;
}

export const factsOf = (measured: Measurement): Facts => {
  const ratio = measured.ratio && ratioOf(measured.ratio);
  const rule = measured.rule && ruleOf(measured.rule);
  const releasedAt = Date.parse(measured.releasedTime);
  const readyAt = Date.parse(measured.readyTime);
  const until = measured.ratio?.untilTime;
  const onset = ratio
    ? onsetOf(ratio.course, ratio.threshold, { releasedAt, until: until === undefined ? undefined : Date.parse(until) })
    : rule && onsetOfRule(rule);
  const began = onset?.leftItsPast ? onset.at : Date.parse(measured.alertTime);
  return {
    releasedAt,
    readyAt,
    onset,
    isTooOld: began - readyAt > parseDuration(measured.maxReleaseAge),
    maxReleaseAge: measured.maxReleaseAge,
    minRequests: measured.minRequests,
    minScore: measured.minScore,
    ratio,
    rule,
    check: measured.check,
    neighbours: measured.neighbours ?? [],
    byNode: (measured.byNode ?? []).map(({ name, here, elsewhere }) => ({
      name,
      here: countsOf(here),
      elsewhere: countsOf(elsewhere),
    })),
    well: measured.well,
  };
};

type Stored = NonNullable<Measurement['ratio']>;

const ratioOf = (stored: Stored): RatioFacts => {
  const { threshold, resolutionSeconds, release, early, beside, before, traffic, rise, pods, course } = stored;
  const { latencies, slowerThan = '' } = stored;
  return {
    threshold: Number(threshold),
    resolutionMs: resolutionSeconds * 1000,
    release: release && countsOf(release),
    early: early && countsOf(early),
    beside: beside && { release: countsOf(beside.release), other: countsOf(beside.other) },
    before: before && countsOf(before),
    traffic: traffic && { before: countsOf(traffic.before), since: countsOf(traffic.since) },
    rise: rise && {
      forMs: rise.seconds * 1000,
      leastMs: rise.leastSeconds * 1000,
      requests: Number(rise.requests),
      first: rise.first && { ...partOf(rise.first), lead: Number(rise.first.lead) },
      last: rise.last && partOf(rise.last),
    },
    pods: pods && {
      burning: { ...countsOf(pods.burning), pods: pods.burning.pods, nodes: pods.burning.nodes },
      well: { ...countsOf(pods.well), pods: pods.well.pods },
      byAge: pods.byAge,
    },
    latencies: latencies && {
      ranked: {
        n: latencies.release.values,
        m: latencies.other.values,
        u: Number(latencies.u),
        ties: Number(latencies.ties),
      },
      release: Number(latencies.release.median),
      other: Number(latencies.other.median),
      unit: slowerThan.replace(/^[^ ]*/, ''),
    },
    course: course.map(({ time, ...counts }) => ({ from: Date.parse(time), ...countsOf(counts) })),
  };
};

const partOf = ({ requests, errorRatio }: { requests: string; errorRatio: string }): PartOfRise => ({
  requests: Number(requests),
  failed: Number(errorRatio),
});

const ruleOf = ({ fires, sinceTime, fromTime }: NonNullable<Measurement['rule']>): NonNullable<Facts['rule']> => ({
  fires,
  since: sinceTime === undefined ? undefined : Date.parse(sinceTime),
  from: Date.parse(fromTime),
});

const onsetOfRule = ({ fires, since, from }: NonNullable<Facts['rule']>): Onset | undefined =>
  fires && since !== undefined
    ? { at: since, leftItsPast: since > from, spells: [{ from: since, to: undefined }] }
    : undefined;
