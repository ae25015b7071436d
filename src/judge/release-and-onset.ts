import type { Facts } from './facts.ts';
import type { Found } from './found.ts';
import { wilson } from './statistics.ts';
import { span } from './words.ts';

/** A fault of a release shows with its first requests, or when the traffic reaches what is broken. */
const NEAR_MS = 1_800_000;
/** One-sided 97.5 %. */
const Z = 1.96;

/** When the burn began, against when the release came. */
export const onset = (facts: Facts): Found => {
  const { readyAt, releasedAt, onset: began } = facts;
  const finding = (points: number, reason: Found['reason'], message: string): Found => ({
    name: 'Onset',
    points,
    reason,
    message,
  });
  if (facts.isTooOld)
    return finding(-3, 'ReleaseTooOld', `the release ran for more than ${facts.maxReleaseAge} before the burn began`);
  if (!began) return finding(0, 'NoComparison', 'nothing shows when the burn began');
  // It is known no more exactly than a bucket: what began in the one of the release began with it.
  const lead =
    Math.abs(began.at - releasedAt) <= (facts.ratio?.resolutionMs ?? 0) ? 'with' : span(began.at - releasedAt);
  if (burnedBefore(facts)) return finding(-3, 'BurnBeganBefore', `the burn began ${lead} the release, or earlier`);
  if (!began.leftItsPast)
    return finding(0, 'NoComparison', 'nothing shows when the burn began: no requests are recorded from before it');
  // Before the release, and yet not so many requests that it is sure.
  if (hasPassed(facts, releasedAt))
    return finding(0, 'InsufficientTraffic', `the burn may have begun ${lead} the release: too few requests to decide`);
  if (began.at - readyAt > NEAR_MS)
    return finding(-2, 'BurnBeganLate', `the burn began ${span(began.at - readyAt)} the release was ready`);
  return finding(3, 'ScoreTooLow', `the burn began ${lead} the release`);
};

/** What burned before the release is none of its doing. */
const burnedBefore = (facts: Facts): boolean => {
  const { onset: began, rule, ratio, releasedAt } = facts;
  if (!began) return false;
  if (rule) return began.at < releasedAt;
  return ratio?.before !== undefined && hasPassed(facts, releasedAt) && wilson(ratio.before, Z).low > ratio.threshold;
};

/** Whether the first minute of the burn, as exactly as it is known, was over at that time. */
const hasPassed = ({ onset: began, ratio }: Facts, time: number): boolean =>
  began !== undefined && began.at + (ratio?.resolutionMs ?? 0) <= time;
