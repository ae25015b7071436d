import type { Facts } from './facts.ts';
import type { Found } from './found.ts';
import { wilson } from './statistics.ts';
import { NEAR_MS, SOON_MS } from './time.ts';
import { plural, span } from './words.ts';

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
  const again = began.spells.length > 1 ? `, and came again ${plural(began.spells.length - 1, 'time')}` : '';
  if (isLate(facts))
    return finding(-2, 'BurnBeganLate', `the burn began ${span(began.at - readyAt)} the release was ready${again}`);
  // A rule looks back over its window, and begins to fire that much later.
  if (!facts.rule && began.at - readyAt > SOON_MS)
    return finding(0, 'BurnBeganLate', `the burn began ${span(began.at - readyAt)} the release was ready${again}`);
  return finding(3, 'ScoreTooLow', `the burn began ${lead} the release${again}`);
};

/** Whether the burn was seen to begin, and so long after the release that something else may have changed. */
export const isLate = ({ onset: began, readyAt }: Pick<Facts, 'onset' | 'readyAt'>): boolean =>
  began?.leftItsPast === true && began.at - readyAt > NEAR_MS;

/** What burned before the release is none of its doing. */
const burnedBefore = (facts: Facts): boolean => {
  const { onset: began, rule, ratio, releasedAt } = facts;
  if (!began) return false;
  // A rule that fires in the moment of the release looks back at requests from before it.
  if (rule) return began.at <= releasedAt;
  return ratio?.before !== undefined && hasPassed(facts, releasedAt) && wilson(ratio.before, Z).low > ratio.threshold;
};

/** Whether the first minute of the burn, as exactly as it is known, was over at that time. */
const hasPassed = ({ onset: began, ratio }: Facts, time: number): boolean =>
  began !== undefined && began.at + (ratio?.resolutionMs ?? 0) <= time;
