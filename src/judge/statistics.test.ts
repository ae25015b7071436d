import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { chanceOf, newcombe, wilson } from './statistics.ts';

const counts = (errors: number, total: number) => ({ errors, total });
const near = (actual: number, expected: number, part = 1e-6): void =>
  assert.ok(Math.abs(actual - expected) <= part * Math.abs(expected), `${actual} is not ${expected}`);

/** C(n, k), for small n. */
const choose = (n: number, k: number): number => {
  let product = 1;
  for (let i = 1; i <= k; i += 1) product = (product * (n - k + i)) / i;
  return product;
};
const binomial = (n: number, k: number, p: number): number => choose(n, k) * p ** k * (1 - p) ** (n - k);

describe("Fisher's exact test", () => {
  it('is the share of all ways to place the failures that are at least as bad', () => {
    near(chanceOf(counts(3, 4), counts(1, 4)), 17 / 70); // the lady who tasted tea
    near(chanceOf(counts(4, 4), counts(0, 4)), 1 / 70);
    near(chanceOf(counts(5, 10), counts(0, 10)), choose(10, 5) / choose(20, 5), 1e-9);
    near(
      chanceOf(counts(9, 10), counts(1, 11)),
      (choose(10, 9) * choose(11, 1) + choose(11, 0)) / choose(21, 10),
      1e-9,
    );
  });

  it('is certain where nothing failed, where everything did, and where no request was made', () => {
    for (const [a, b] of [
      [counts(0, 20), counts(0, 50)],
      [counts(20, 20), counts(50, 50)],
      [counts(0, 0), counts(5, 50)],
      [counts(0, 20), counts(5, 50)],
    ] as const)
      assert.equal(chanceOf(a, b), 1);
  });

  it('agrees with its normal approximation where that takes over', () => {
    // 4,999 and 5,001 terms of the tail.
    const exact = chanceOf(counts(5_100, 10_099), counts(5_000, 10_099));
    const approximate = chanceOf(counts(5_100, 10_101), counts(5_000, 10_101));
    near(exact, approximate, 0.02);
    assert.ok(exact > 0.05 && exact < 0.1, `${exact}`);
  });

  it('is the sum of the tail, to a part in a thousand, where it is approximated', () => {
    /** By the ratio of each term to the one before it, from the likeliest. */
    const tail = (x: number, n: number, m: number, errors: number): number => {
      const mode = Math.round((errors * n) / (n + m));
      const up = (k: number): number => ((n - k) * (errors - k)) / ((k + 1) * (m - errors + k + 1));
      let [all, above] = [0, 0];
      const add = (k: number, term: number): void => {
        all += term;
        if (k >= x) above += term;
      };
      for (let k = mode, term = 1; k <= n && term > 1e-20; k += 1, term *= up(k - 1)) add(k, term);
      for (let k = mode - 1, term = 1 / up(mode - 1); k >= 0 && term > 1e-20; k -= 1, term /= up(k)) add(k, term);
      return above / all;
    };
    for (const x of [20_000, 20_150, 20_300, 20_400]) {
      const chance = chanceOf(counts(x, 100_000), counts(50_500 - x, 150_000));
      near(chance, tail(x, 100_000, 150_000, 50_500), 1e-3 * (x > 20_300 ? 5 : 1));
    }
  });

  it('stays a probability for millions of requests', () => {
    const million = chanceOf(counts(62_000, 10_000_000), counts(55_000, 10_000_000));
    assert.ok(million >= 0 && million < 1e-9, `${million}`);
    near(chanceOf(counts(55_000, 10_000_000), counts(55_000, 10_000_000)), 0.5, 0.01);
  });

  it('is wrong no more often than it says, whatever the ratio and the number of requests', () => {
    const size = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(size, size, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (n, m, p) => {
        for (const alpha of [0.05, 0.001]) {
          let wrong = 0;
          for (let a = 0; a <= n; a += 1)
            for (let b = 0; b <= m; b += 1)
              if (chanceOf(counts(a, n), counts(b, m)) < alpha) wrong += binomial(n, a, p) * binomial(m, b, p);
          assert.ok(wrong <= alpha, `${wrong} at ${alpha}`);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('the interval of a ratio', () => {
  it("is Wilson's", () => {
    // Newcombe 1998, table I: 81 of 263, and 0 of 20, at 95 %.
    const some = wilson(counts(81, 263), 1.959964);
    assert.deepEqual([some.low.toFixed(4), some.high.toFixed(4)], ['0.2553', '0.3662']);
    const none = wilson(counts(0, 20), 1.959964);
    assert.deepEqual([none.low.toFixed(4), none.high.toFixed(4)], ['0.0000', '0.1611']);
  });

  it('is everything where no request was made', () => assert.deepEqual(wilson(counts(0, 0), 2), { low: 0, high: 1 }));
});

describe('the interval of a difference of ratios', () => {
  it("is Newcombe's", () => {
    // Newcombe 1998, part II, table II, method 10: 56 of 70 and 48 of 80; 10 of 10 and 0 of 20.
    const some = newcombe(counts(56, 70), counts(48, 80), 1.959964);
    assert.deepEqual([some.low.toFixed(4), some.high.toFixed(4)], ['0.0524', '0.3339']);
    const all = newcombe(counts(10, 10), counts(0, 20), 1.959964);
    assert.deepEqual([all.low.toFixed(4), all.high.toFixed(4)], ['0.6791', '1.0000']);
  });

  it('is everything where one side made no request', () => {
    assert.deepEqual(newcombe(counts(0, 0), counts(1, 9), 2), { low: -1, high: 1 });
    assert.deepEqual(newcombe(counts(1, 9), counts(0, 0), 2), { low: -1, high: 1 });
  });
});
