import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { budgetSpentPercent, burnWindowsOf, canFire, clearMs, detectMs } from './burn.ts';

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < expected * 1e-3, `${actual} is not ${expected}`);

describe('burn-rate arithmetic', () => {
  // Target, error ratio, seconds until 1h/14.4 and 6h/6 fire, seconds until 5m and 30m are quiet again.
  for (const [target, errorRatio, fast, slow, quietFast, quietSlow] of [
    [99.9, 1, 51.84, 129.6, 295.68, 1789.2],
    [99.9, 0.1, 518.4, 1296, 256.8, 1692],
    [99, 1, 518.4, 1296, 256.8, 1692],
  ] as const) {
    it(`detects an error ratio of ${errorRatio} against ${target} % in ${fast} s`, () => {
      near(detectMs({ target, factor: 14.4, longMs: 3_600_000, errorRatio }) / 1000, fast);
      near(detectMs({ target, factor: 6, longMs: 21_600_000, errorRatio }) / 1000, slow);
      near(clearMs({ target, factor: 14.4, shortMs: 300_000, errorRatio }) / 1000, quietFast);
      near(clearMs({ target, factor: 6, shortMs: 1_800_000, errorRatio }) / 1000, quietSlow);
    });
  }

  it('scales the windows of the workbook to the period', () => {
    const [first] = burnWindowsOf({ window: '3d' });
    assert.deepEqual(first, { longMs: 360_000, shortMs: 30_000, factor: 14.4, severity: 'page' });
  });

  it("takes an objective's own windows as they are", () => {
    const burnWindows = [{ long: '2h', short: '10m', factor: '3.5', severity: 'ticket' as const }];
    assert.deepEqual(burnWindowsOf({ window: '3d', burnWindows }), [
      { longMs: 7_200_000, shortMs: 600_000, factor: 3.5, severity: 'ticket' },
    ]);
  });

  it('takes the windows of the workbook where an objective says neither windows nor a period', () => {
    assert.deepEqual(
      burnWindowsOf({}).map(({ longMs }) => longMs / 3_600_000),
      [1, 6, 24, 72],
    );
  });

  it('never detects an error ratio at or below the threshold', () => {
    const at = { target: 99, factor: 10, longMs: 3_600_000 };
    assert.equal(detectMs({ ...at, errorRatio: 0.1 }), Number.POSITIVE_INFINITY);
    assert.equal(detectMs({ ...at, errorRatio: 0.05 }), Number.POSITIVE_INFINITY);
  });

  it('says which windows can never fire', () => {
    assert.equal(canFire(10, 90), false);
    assert.equal(canFire(14.4, 90), false);
    assert.equal(canFire(14.4, 99), true);
  });

  it('has spent B·W/P of the budget when a window fires, whatever the error ratio', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 90, max: 99.99, noNaN: true }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (target, errorRatio) => {
          const durationMs = detectMs({ target, factor: 2, longMs: 3_600_000, errorRatio });
          fc.pre(Number.isFinite(durationMs));
          const spent = budgetSpentPercent({ errorRatio, durationMs, target, periodMs: 30 * 86_400_000 });
          near(spent, (100 * 2 * 3600) / (30 * 86_400));
        },
      ),
    );
  });
});
