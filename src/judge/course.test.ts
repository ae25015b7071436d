import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { courseOf, MAX_BUCKETS, spansOf, sumOf, together } from './course.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const MINUTE = 60_000;
const points = (...values: (number | undefined)[]) => ({
  labels: {},
  points: values.flatMap((value, i) => (value === undefined ? [] : [{ at: i * 5_000, value }])),
});
const SPAN = { start: 0, end: 15_000, step: 5_000 };

describe('the spans of a course', () => {
  for (const [what, reach, steps] of [
    ['ten seconds', 10_000, [5_000, 15_000, MINUTE, 5 * MINUTE, 15 * MINUTE]],
    ['ten minutes', 10 * MINUTE, [5_000, 15_000, MINUTE, 5 * MINUTE, 15 * MINUTE]],
    ['eleven minutes', 11 * MINUTE, [15_000, MINUTE, 5 * MINUTE, 15 * MINUTE]],
    ['two hours', 120 * MINUTE, [MINUTE, 5 * MINUTE, 15 * MINUTE]],
    ['a day', 1440 * MINUTE, [15 * MINUTE]],
    ['a month', 30 * 1440 * MINUTE, [15 * MINUTE]],
  ] as const)
    it(`begin with the finest one that reaches back ${what} in ${MAX_BUCKETS} buckets`, () => {
      const spans = spansOf(NOW - reach, NOW);
      assert.deepEqual(
        spans.map(({ step }) => step),
        steps,
      );
      for (const { start, end, step } of spans) {
        assert.equal(end, NOW);
        assert.ok((end - start) / step + 1 <= MAX_BUCKETS);
        if (reach <= 1440 * MINUTE) assert.ok(start - step <= NOW - reach);
      }
    });
});

describe('a course', () => {
  it('is counts in each bucket, of all series together', () => {
    const course = courseOf([points(0, 1, 2, 3)], [points(10, 10, 10, 10), points(undefined, 10, 10)], SPAN);
    assert.deepEqual(course, [
      { at: 0, errors: 0, total: 50 },
      { at: 5_000, errors: 5, total: 100 },
      { at: 10_000, errors: 10, total: 100 },
      { at: 15_000, errors: 15, total: 50 },
    ]);
    assert.deepEqual(sumOf(course), { errors: 30, total: 300 });
  });

  it('has no requests where nothing is recorded or what is recorded is no number, and never more failures than requests', () => {
    const course = courseOf([points(1, 9, 1, -1)], [points(undefined, 1, Number.NaN, 1)], SPAN);
    assert.deepEqual(
      course.map(({ errors, total }) => [errors, total]),
      [
        [0, 0],
        [5, 5],
        [0, 0],
        [0, 5],
      ],
    );
  });

  it('of two releases is the sum of both', () => {
    const a = [{ at: 1, errors: 1, total: 2 }];
    assert.deepEqual(together(a, [{ at: 1, errors: 3, total: 4 }]), [{ at: 1, errors: 4, total: 6 }]);
    assert.deepEqual(together(a, []), a);
  });
});
