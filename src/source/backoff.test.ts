import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fetchTimeoutOf, intervalOf, retryIn } from './backoff.ts';

const MINUTE = 60_000;
const half = () => 0.5;

describe('intervals and back-off', () => {
  for (const [text, ms] of [
    ['0s', 5_000],
    ['1ms', 5_000],
    ['30s', 30_000],
    ['1.5ms', 5_000],
    ['2h', 120 * MINUTE],
    ['1440h', 24 * 24 * 60 * MINUTE],
  ] as const) {
    it(`asks every ${ms} ms for an interval of ${text}`, () => {
      assert.equal(intervalOf({ spec: { interval: text } }), ms);
      assert.ok(ms < 2 ** 31, 'a timer takes it');
    });
  }

  for (const [text, ms] of [
    ['0s', 1_000],
    ['1500.5ms', 1_501],
    ['600h', 10 * MINUTE],
  ] as const) {
    it(`gives a fetch ${ms} ms for a timeout of ${text}`, () =>
      assert.equal(fetchTimeoutOf({ spec: { timeout: text } }), ms));
  }

  for (const [interval, longest] of [
    [5_000, MINUTE],
    [MINUTE, MINUTE],
    [3 * MINUTE, 3 * MINUTE],
    [60 * MINUTE, 10 * MINUTE],
  ] as const) {
    it(`tries again after 5, 10, 20 s and so on to ${longest / 1000} s with an interval of ${interval / 1000} s`, () => {
      assert.deepEqual(
        [1, 2, 3].map((n) => retryIn(n, interval, half)),
        [5_000, 10_000, 20_000],
      );
      assert.equal(retryIn(1_000, interval, half), longest);
    });
  }

  it('brings back at different times what failed together', () => {
    assert.ok(retryIn(3, MINUTE, () => 0) < retryIn(3, MINUTE, () => 0.99));
  });
});
