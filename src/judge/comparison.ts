import { type Counts, chanceOf, newcombe, wilson } from './statistics.ts';

/**
 * Worse: chance does not explain the difference, and the difference matters. Alike: a difference that matters is ruled
 * out. Unclear: the requests so far say neither.
 */
export type Comparison = 'Worse' | 'Alike' | 'Unclear';

/**
 * One time in a thousand chance alone passes for a difference. It is asked again and again while an alert fires, of
 * counts that are mostly the same: several looks are worth a few independent ones.
 */
const ALPHA = 0.001;
/** One-sided 97.5 %: what lies outside of the interval is ruled out. */
const Z = 1.96;
/** Of the threshold above which the budget burns, and of the other side's own ratio. */
const PART_THAT_MATTERS = 0.5;

/** Where the other side burns as well, both have a cause in common, which may hit one of them harder: a node, a shard. */
const FAR_WORSE = 3;

/** The least difference of error ratios that matters: half of what burns the budget, and half of what fails anyway. */
export const differenceThatMatters = (threshold: number, otherRatio: number): number =>
  PART_THAT_MATTERS * Math.max(threshold, otherRatio);

/** Whether a release fails more of its requests than the other side, by as much as matters where `threshold` burns. */
export const compare = (release: Counts, other: Counts, threshold: number): Comparison => {
  if (release.total <= 0 || other.total <= 0) return 'Unclear';
  const otherRatio = other.errors / other.total;
  const difference = release.errors / release.total - otherRatio;
  const matters = difference >= differenceThatMatters(threshold, otherRatio);
  const stands = otherRatio <= threshold || release.errors / release.total >= FAR_WORSE * otherRatio;
  if (matters && stands && chanceOf(release, other) < ALPHA) return 'Worse';
  // Of the other side's ratio, too, only what is sure.
  const ruledOut = differenceThatMatters(threshold, wilson(other, Z).low);
  return newcombe(release, other, Z).high < ruledOut ? 'Alike' : 'Unclear';
};
