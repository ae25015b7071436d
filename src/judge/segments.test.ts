import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { onsetOf } from './onset.ts';
import { MAX_SEGMENTS, segmentsOf } from './segments.ts';

const STEP = 5_000;
const THRESHOLD = 0.01;

/** Numbers from 0 to 1, the same each time: Lehmer, "Mathematical Methods in Large-scale Computing Units", 1951. */
const lehmer = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
};
/** A course with so many requests in each bucket, each of which fails by chance. */
const course = (ratios: readonly number[], requests: (i: number) => number = () => 200, seed = 7) => {
  const random = lehmer(seed);
  return ratios.map((ratio, i) => {
    const total = requests(i);
    let errors = 0;
    for (let request = 0; request < total; request += 1) if (random() < ratio) errors += 1;
    return { at: i * STEP, total, errors };
  });
};
/** In buckets. */
const MINUTES_15 = 900_000 / STEP;
const level = (ratio: number, buckets: number): number[] => Array(buckets).fill(ratio);
/** Number of the bucket in which the burn began, and whether its past was seen. */
const began = (buckets: ReturnType<typeof course>, releasedAt = 0) => {
  const onset = onsetOf(segmentsOf(buckets, STEP, THRESHOLD), THRESHOLD, { releasedAt, until: buckets.at(-1)?.at });
  return onset && { bucket: onset.at / STEP + 1, leftItsPast: onset.leftItsPast };
};

describe('the onset of a burn', () => {
  it('is where the ratio steps up, to the bucket', () => {
    assert.deepEqual(began(course([...level(0.001, 60), ...level(0.2, 20)])), { bucket: 60, leftItsPast: true });
  });

  it('is found among noise and gaps, and where the traffic is low', () => {
    const ratios = [...level(0.004, 60), ...level(0.15, 20)];
    assert.equal(began(course(ratios, (i) => (i % 3 === 0 ? 0 : 120)))?.bucket, 61, 'bucket 60 is a gap');
    const low = began(course(ratios, () => 4));
    assert.ok(low && Math.abs(low.bucket - 60) <= 3, `${low?.bucket}`);
  });

  it('of a slow rise is where it left the level of before, by a fourth of what it is now', () => {
    const ramp = Array.from({ length: 60 }, (_, i) => 0.001 + Math.max(0, (i - 20) / 40) * 0.2);
    const onset = began(course(ramp));
    assert.ok(onset?.leftItsPast && onset.bucket >= 22 && onset.bucket <= 35, `${onset?.bucket}`);
  });

  it('is not an earlier burn that ended: before the release, or for more than fifteen minutes', () => {
    const twice = (pause: number) => [
      ...level(0.001, 20),
      ...level(0.3, 20),
      ...level(0.001, pause),
      ...level(0.3, 20),
    ];
    assert.equal(began(course(twice(20)), 50 * STEP)?.bucket, 60);
    assert.equal(began(course(twice(MINUTES_15 + 2)))?.bucket, 40 + MINUTES_15 + 2);
  });

  it('is the first of several spells that only pauses part from each other', () => {
    const spells = [...level(0.001, 20), ...level(0.3, 10), ...level(0.001, 10), ...level(0.3, 10)];
    assert.equal(began(course(spells))?.bucket, 20);
    assert.equal(began(course([...spells, ...level(0.001, 15)]))?.bucket, 20, 'in a pause');
    assert.equal(began(course([...spells, ...level(0.001, 30)])), undefined, 'calm for longer than twice its pause');
  });

  it('is the great step, not a small burn that was there before', () => {
    assert.equal(began(course([...level(0.001, 20), ...level(0.02, 30), ...level(0.4, 20)]))?.bucket, 50);
  });

  it('is before all that is recorded where nothing else was seen', () => {
    assert.deepEqual(began(course(level(0.2, 40))), { bucket: 0, leftItsPast: false });
  });

  it('is none where it burns no more, where it never did, and where nothing is recorded', () => {
    assert.equal(began(course([...level(0.001, 20), ...level(0.3, 20), ...level(0.001, 20)])), undefined);
    assert.equal(began(course(level(0.001, 60))), undefined);
    assert.equal(began(course(level(0.2, 20), () => 0)), undefined);
  });

  it('is no change that is sure, and does not matter', () => {
    const real = [...level(0.0055, 60), ...level(0.0062, 60)].map((ratio, i) => ({
      at: i * STEP,
      total: 2_000_000,
      errors: 2_000_000 * ratio,
    }));
    assert.equal(segmentsOf(real, STEP, 0.005).length, 1);
  });

  it('is found by chance alone one time in a hundred at most', () => {
    const random = lehmer(3);
    const wrong = Array.from({ length: 300 }).filter(() => {
      const seed = 1 + Math.floor(random() * 1e6);
      return began(course(level(0.015, 60), () => 40, seed))?.leftItsPast === true;
    });
    assert.ok(wrong.length <= 3, `${wrong.length} of 300`);
  });
});

describe('the segments of a course', () => {
  /** The same share of 1,000 requests in each bucket. */
  const exact = (ratios: readonly number[]) =>
    ratios.map((ratio, i) => ({ at: (i + 1) * STEP, total: 1000, errors: 1000 * ratio }));
  const segments = (ratios: readonly number[], threshold = THRESHOLD) =>
    segmentsOf(exact(ratios), STEP, threshold).map(({ from, errors, total }) => [from / STEP, errors, total]);

  it('begin where the ratio changes, also from and to where everything fails', () => {
    assert.deepEqual(segments([...level(0, 10), ...level(1, 10), ...level(0.5, 10)]), [
      [0, 0, 10_000],
      [10, 10_000, 10_000],
      [20, 5000, 10_000],
    ]);
    assert.deepEqual(segments([...level(1, 5), 0]), [
      [0, 5000, 5000],
      [5, 0, 1000],
    ]);
  });

  it('are one where the ratios differ by less than matters, and the two that differ least become one first', () => {
    const ramp = [...level(0.1, 20), ...level(0.13, 20), ...level(0.18, 20)];
    assert.deepEqual(segments(ramp), [
      [0, 4600, 40_000],
      [40, 3600, 20_000],
    ]);
    assert.deepEqual(segments(ramp, 0.06), [
      [0, 4600, 40_000],
      [40, 3600, 20_000],
    ]);
    assert.deepEqual(segments(ramp, 0.2), [[0, 8200, 60_000]]);
    assert.equal(segments([...level(0.1, 20), ...level(0.2, 20)], 0.2).length, 2, 'by just as much as matters');
  });

  it('are as few as a status takes where the ratio jumps up and down without end', () => {
    const jumps = (times: number) => Array.from({ length: times }, (_, i) => level(i % 2 === 0 ? 0.1 : 0.5, 5)).flat();
    assert.equal(segments(jumps(MAX_SEGMENTS)).length, MAX_SEGMENTS);
    assert.ok(segments(jumps(20)).length <= MAX_SEGMENTS);
  });

  it('hold all of its requests, in order, and are few', () => {
    const bucket = fc
      .integer({ min: 0, max: 500 })
      .chain((total) => fc.record({ total: fc.constant(total), errors: fc.integer({ min: 0, max: total }) }));
    fc.assert(
      fc.property(fc.array(bucket, { maxLength: 60 }), (counts) => {
        const buckets = counts.map((one, i) => ({ at: i * STEP, ...one }));
        const segments = segmentsOf(buckets, STEP, THRESHOLD);
        const sum = (of: readonly { errors: number; total: number }[], what: 'errors' | 'total'): number =>
          of.reduce((all, one) => all + one[what], 0);
        assert.equal(sum(segments, 'total'), sum(buckets, 'total'));
        assert.equal(sum(segments, 'errors'), sum(buckets, 'errors'));
        assert.ok(segments.length <= MAX_SEGMENTS);
        assert.ok(segments.every(({ from }, i) => from > (segments[i - 1]?.from ?? Number.NEGATIVE_INFINITY)));
      }),
      { numRuns: 50 },
    );
  });
});
