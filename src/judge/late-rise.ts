import type { Facts, RatioFacts } from './facts.ts';
import type { Found } from './found.ts';
import { isLate } from './release-and-onset.ts';
import type { Rise } from './rise.ts';
import { duration, plural } from './words.ts';

/** A step may fill a part of two buckets. */
const BUCKETS_OF_A_STEP = 2;
/** So many more requests may fill a queue or a cache by themselves. */
const MORE_REQUESTS = 1.3;
/** How often callers try again what failed. */
const RETRIES = 2;

/**
 * A leak: long after the release its failures rise, not all at once, under the traffic of always, and all others are
 * well. An outage of something that only this workload needs is a step, and none of this.
 */
export const lateRise = (facts: Facts): Found | undefined => {
  const { ratio, isTooOld, well } = facts;
  const rise = ratio?.rise;
  if (!rise || isTooOld || !isLate(facts)) return undefined;
  const traffic = trafficOf(rise, ratio);
  if (rise.leastMs < BUCKETS_OF_A_STEP * ratio.resolutionMs || traffic === undefined) return undefined;
  const words = `its failures rose for ${duration(rise.leastMs)} or longer ${traffic}, as of a leak`;
  const finding = (points: number, others: string): Found => ({
    name: 'Rise',
    points,
    reason: 'BurnBeganLate',
    message: `${words}, and ${others}`,
  });
  if (well === undefined || well === 0) return finding(0, 'no other workload of the namespace could be measured');
  return finding(5, `${plural(well, 'other workload')} of the namespace ${well === 1 ? 'is' : 'are'} well`);
};

/**
 * Under which traffic the failures rose, in words, where it is not the cause: they began under that of always. More
 * requests may be the retries of what failed: then there were no more of them before, for what overruns slowly is there
 * before anything fails. Whatever came later is no cause, nor is what is over while it fails as much as before. A beginning
 * that does not burn is none: the failures came later, and nothing of it says under which traffic.
 */
const trafficOf = (
  { requests, first: began, last }: Rise,
  { threshold, release: since }: Pick<RatioFacts, 'threshold' | 'release'>,
): string | undefined => {
  const first = began && began.failed > threshold ? began : undefined;
  if ((first?.requests ?? requests) <= MORE_REQUESTS) return 'under the same traffic';
  if (!first || !last) return undefined;
  if (first.lead <= MORE_REQUESTS && first.requests <= 1 + RETRIES * first.failed)
    return 'with no more requests than retries explain';
  const isOver = last.requests <= MORE_REQUESTS && since !== undefined && last.failed >= since.errors / since.total;
  return isOver ? 'and still fail as much, though no more requests come any more' : undefined;
};

/** Whether it says by itself that the traffic is not the cause. */
export const isUnderUsualTraffic = (found: Found | undefined, { ratio }: Facts): boolean =>
  found !== undefined && found.points > 0 && ratio?.rise?.first !== undefined;
