import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { compare, differenceThatMatters } from './comparison.ts';

const counts = (errors: number, total: number) => ({ errors, total });

describe('two releases compared', () => {
  for (const [what, release, other, threshold, found] of [
    ['20.7 % of 127 requests beside none of 20: too few to tell', counts(26.3, 127), counts(0, 20.67), 0.05, 'Unclear'],
    ['20.7 % of 127 requests beside none of 120', counts(26.3, 127), counts(0, 120), 0.05, 'Worse'],
    [
      '0.55 % that become 0.62 % of 1.8 million: real, and irrelevant',
      counts(11_160, 1_800_000),
      counts(9_900, 1_800_000),
      0.005,
      'Alike',
    ],
    ['all of a few requests fail, none of a few others', counts(8, 8), counts(0, 8), 0.01, 'Worse'],
    ['all of three requests fail', counts(3, 3), counts(0, 3), 0.01, 'Unclear'],
    ['nothing fails in either', counts(0, 20_000), counts(0, 20_000), 0.001, 'Alike'],
    ['nothing fails in either of 50 requests, at 99.9 %', counts(0, 50), counts(0, 50), 0.001, 'Unclear'],
    ['half fails in both: an outage', counts(500, 1000), counts(480, 1000), 0.005, 'Alike'],
    [
      'a fifth fails of what was there, and twice as much of the new',
      counts(400, 1000),
      counts(200, 1000),
      0.01,
      'Unclear',
    ],
    [
      'a fifth fails of what was there, and more than three times as much of the new',
      counts(601, 1000),
      counts(200, 1000),
      0.01,
      'Worse',
    ],
    ['the release is the better one', counts(10, 1000), counts(200, 1000), 0.01, 'Alike'],
    ['there is nothing of the release', counts(0, 0), counts(0, 1000), 0.01, 'Unclear'],
    ['there is nothing of the other', counts(200, 1000), counts(0, 0), 0.01, 'Unclear'],
  ] as const)
    it(`are ${found} where ${what}`, () => assert.equal(compare(release, other, threshold), found));

  it('differ by as much as matters from half of what burns on, and from half of what fails anyway', () => {
    assert.equal(differenceThatMatters(0.01, 0), 0.005);
    assert.equal(differenceThatMatters(0.01, 0.5), 0.25);
    assert.equal(compare(counts(149, 10_000), counts(100, 10_000), 0.01), 'Unclear');
    assert.equal(compare(counts(151, 10_000), counts(100, 10_000), 0.01), 'Worse');
  });

  it('are Worse one time in a thousand where both are alike, and Alike one time in twenty where they differ by what matters', () => {
    /** Of 400 and 300 requests, all outcomes that are not next to impossible. */
    const chance = (p: number, q: number, wanted: string): number => {
      let sum = 0;
      for (const a of outcomes(400, p))
        for (const b of outcomes(300, q))
          if (compare(counts(a.errors, 400), counts(b.errors, 300), 0.02) === wanted) sum += a.chance * b.chance;
      return sum;
    };
    assert.ok(chance(0.03, 0.03, 'Worse') <= 0.001);
    assert.ok(chance(0.06, 0.04, 'Alike') <= 0.05);
    assert.ok(chance(0.3, 0.04, 'Worse') >= 0.999);
    assert.ok(chance(0.001, 0.2, 'Alike') >= 0.999);
  });

  it('are never Worse where the release is no worse, and never Alike where it fails twice what burns', () => {
    const side = fc
      .integer({ min: 0, max: 5000 })
      .chain((total) => fc.record({ total: fc.constant(total), errors: fc.integer({ min: 0, max: total }) }));
    fc.assert(
      fc.property(side, side, (release, other) => {
        const found = compare(release, other, 0.01);
        const [p, q] = [release.errors / release.total, other.errors / other.total];
        if (p <= q) assert.notEqual(found, 'Worse');
        if (p - q >= 0.5 * Math.max(0.01, q)) assert.notEqual(found, 'Alike');
      }),
    );
  });
});

/** How many of `n` requests fail, and how likely that is, where each fails with probability `p`. */
const outcomes = (n: number, p: number): { errors: number; chance: number }[] => {
  const all = [];
  let chance = (1 - p) ** n;
  for (let errors = 0; errors <= n; errors += 1) {
    all.push({ errors, chance });
    chance *= ((n - errors) / (errors + 1)) * (p / (1 - p));
  }
  return all.filter((one) => one.chance > 1e-9);
};
