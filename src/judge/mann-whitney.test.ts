import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { chanceOfRanks, rank, superiority } from './mann-whitney.ts';

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

describe('the Mann–Whitney test', () => {
  for (const [n, published] of [
    [3, [0.05, 0.1, 0.2, 0.35, 0.5]],
    [4, [0.014, 0.029, 0.057, 0.1, 0.171, 0.243, 0.343, 0.443]],
    [5, [0.004, 0.008, 0.016, 0.028, 0.048, 0.075, 0.111, 0.155, 0.21, 0.274, 0.345, 0.421, 0.5]],
  ] as const)
    it(`has the table of Mann and Whitney (1947) for ${n} and ${n} values`, () =>
      assert.deepEqual(
        published.map((_, u) => rounded(chanceOfRanks({ n, m: n, u: n * n - u, ties: 0 }), 3)),
        published,
      ));

  it('has the example of SciPy: U = 17, and twice 0.0556', () => {
    const found = rank([19, 22, 16, 29, 24], [20, 11, 17, 12]);
    assert.deepEqual([found.u, rounded(2 * chanceOfRanks(found), 12)], [17, rounded(0.1111111111111111, 12)]);
  });

  it('has the example of Hollander and Wolfe (1973), as R prints it: W = 35, p = 0.1272', () => {
    const x = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    const found = rank(x, [1.15, 0.88, 0.9, 0.74, 1.21]);
    assert.deepEqual([found.u, rounded(chanceOfRanks(found), 4)], [35, 0.1272]);
  });

  it('has the normal approximation of SciPy, with its correction for continuity, for many values', () => {
    // The same example twenty times over: ranks are tied, so nothing is counted.
    const many = (values: readonly number[]): number[] => Array.from({ length: 20 }, () => values).flat();
    const found = rank(many([1, 3]), many([2, 3]));
    assert.deepEqual([found.u, found.ties], [600, 20 ** 3 - 20 + (20 ** 3 - 20) + (40 ** 3 - 40)]);
    const variance = (1600 / 12) * (81 - found.ties / (80 * 79));
    assert.ok(Math.abs(chanceOfRanks(found) - upperTail((600 - 800 - 0.5) / Math.sqrt(variance))) < 1e-6);
  });

  it('is about the same counted and approximated', () => {
    const one = { n: 25, m: 25, u: 420, ties: 0 };
    const counted = chanceOfRanks(one);
    assert.ok(Math.abs(counted - chanceOfRanks({ ...one, ties: 1e-9 })) < 0.001, String(counted));
  });

  it('says nothing of an empty sample, or of one value over and over', () => {
    assert.deepEqual([chanceOfRanks(rank([], [1])), superiority(rank([1], []))], [1, 0.5]);
    const same = rank([2, 2, 2], [2, 2]);
    assert.deepEqual([chanceOfRanks(same), superiority(same)], [1, 0.5]);
  });

  const values = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 30 });

  it('counts the pairs of which the first is larger', () =>
    fc.assert(
      fc.property(values, values, (a, b) => {
        const pairs = a.flatMap((x) => b.map((y): number => (x > y ? 1 : x === y ? 0.5 : 0)));
        const found = rank(a, b);
        assert.equal(
          found.u,
          pairs.reduce((sum, one) => sum + one, 0),
        );
        assert.equal(found.u + rank(b, a).u, a.length * b.length);
        assert.ok(Math.abs(superiority(found) + superiority(rank(b, a)) - 1) < 1e-12);
      }),
    ));
});

/** By numeric integration. */
const upperTail = (z: number): number => {
  const step = 1e-3;
  let sum = 0;
  for (let x = z; x < z + 12; x += step) sum += Math.exp(-((x + step / 2) ** 2) / 2) * step;
  return sum / Math.sqrt(2 * Math.PI);
};
