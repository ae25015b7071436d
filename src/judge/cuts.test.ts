import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { cutsOf } from './cuts.ts';
import type { Counts } from './statistics.ts';

/** e^8 likelier with each cut, or it is none. */
const PENALTY = 8;

const likelihood = (buckets: readonly Counts[]): number => {
  const errors = buckets.reduce((sum, bucket) => sum + bucket.errors, 0);
  const total = buckets.reduce((sum, bucket) => sum + bucket.total, 0);
  const p = errors / total;
  return p === 0 || p === 1 ? 0 : errors * Math.log(p) + (total - errors) * Math.log(1 - p);
};

/** How good a partition is. */
const scoreOf = (buckets: readonly Counts[], cuts: readonly number[]): number =>
  cuts.reduce((sum, from, i) => sum + likelihood(buckets.slice(from, cuts[i + 1])) - PENALTY, 0);

/** The score of the best partition: each index is tried as the beginning of the last segment. */
const bestScore = (buckets: readonly Counts[]): number => {
  const best = [0];
  for (let to = 1; to <= buckets.length; to += 1)
    best[to] = Math.max(
      ...Array.from({ length: to }, (_, from) => (best[from] ?? 0) + likelihood(buckets.slice(from, to)) - PENALTY),
    );
  return best.at(-1) ?? 0;
};

/** Levels of a ratio, some buckets long each. */
const course = fc
  .array(
    fc.record({
      ratio: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
      totals: fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 12 }),
    }),
    { maxLength: 6 },
  )
  .map((levels) =>
    levels.flatMap(({ ratio, totals }) =>
      totals.map((total, i) => ({
        total,
        errors: Math.min(total, Math.max(0, Math.round(total * ratio) + (i % 3) - 1)),
      })),
    ),
  );

describe('the cuts of a course', () => {
  it('make its counts as likely as any cuts do, although not all are tried', () => {
    fc.assert(
      fc.property(course, (buckets) => {
        const cuts = cutsOf(buckets);
        const [own, best] = [scoreOf(buckets, cuts), bestScore(buckets)];
        assert.ok(Math.abs(own - best) <= 1e-6 * Math.max(1, Math.abs(best)), `${cuts}: ${own}, and not ${best}`);
      }),
      { numRuns: 300 },
    );
  });

  it('begin with the first bucket; none are of no buckets', () => {
    assert.deepEqual(cutsOf([]), []);
    assert.deepEqual(cutsOf([{ errors: 1, total: 10 }]), [0]);
  });

  it('come back where a level does', () => {
    const level = (errors: number) => Array.from({ length: 8 }, () => ({ errors, total: 100 }));
    assert.deepEqual(cutsOf([...level(1), ...level(40), ...level(1), ...level(40)]), [0, 8, 16, 24]);
  });
});
