import type { Facts } from './facts.ts';
import type { Found } from './found.ts';
import { isLate } from './release-and-onset.ts';
import { duration, plural } from './words.ts';

/** A step may fill a part of two buckets. */
const BUCKETS_OF_A_STEP = 2;
/** So many more requests may fill a queue or a cache by themselves. */
const MORE_REQUESTS = 1.3;

/**
 * A leak: long after the release its failures rise, not all at once, under the traffic of always, and all others are
 * well. An outage of something that only this workload needs is a step, and none of this.
 */
export const lateRise = (facts: Facts): Found | undefined => {
  const { ratio, isTooOld, well } = facts;
  const rise = ratio?.rise;
  if (!rise || isTooOld || !isLate(facts)) return undefined;
  if (rise.leastMs < BUCKETS_OF_A_STEP * ratio.resolutionMs || rise.requests > MORE_REQUESTS) return undefined;
  const words = `its failures rose for ${duration(rise.leastMs)} or longer under the same traffic, as of a leak`;
  const finding = (points: number, others: string): Found => ({
    name: 'Rise',
    points,
    reason: 'BurnBeganLate',
    message: `${words}, and ${others}`,
  });
  if (well === undefined || well === 0) return finding(0, 'no other workload of the namespace could be measured');
  return finding(5, `${plural(well, 'other workload')} of the namespace ${well === 1 ? 'is' : 'are'} well`);
};
