import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { nextDelay } from './backoff.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const failures = fc.integer({ min: 1, max: 100_000 });

describe('the pause between reports', () => {
  it('grows to a minute and never ends, for what passes by itself', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 202, 401, 403, 404, 429, 500, 503), failures, random, (status, n, r) => {
        const delay = nextDelay({ status }, n, r);
        assert.ok(delay >= 250 && delay <= 60_000, `${delay}`);
      }),
    );
    assert.ok(nextDelay({ status: 503 }, 1, 0) < 1000, 'the first comes soon');
    assert.ok(nextDelay({ status: 503 }, 20, 0) >= 30_000);
  });

  it('is minutes for a request that the server calls wrong', () => {
    assert.ok(nextDelay({ status: 400 }, 1, 0) >= 200_000);
  });

  it('is what the server asks for, within reason', () => {
    assert.ok(nextDelay({ status: 202, retryAfter: 2 }, 1, 0) >= 2000);
    assert.ok(nextDelay({ status: 503, retryAfter: 1e9 }, 1, 0.99) <= 750_000);
  });

  it('spreads a crowd that is told the same second, the more often the wider', () => {
    const spread = (n: number): number =>
      nextDelay({ status: 429, retryAfter: 1 }, n, 0.99) - nextDelay({ status: 429, retryAfter: 1 }, n, 0);
    assert.ok(spread(8) > 50_000, `${spread(8)} ms`);
    fc.assert(
      fc.property(failures, random, (n, r) => {
        const delay = nextDelay({ status: 429, retryAfter: 1 }, n, r);
        assert.ok(delay >= 1000 && delay <= 61_000, `${delay}`);
      }),
    );
  });

  it('is about half an hour after a success', () => {
    for (const r of [0, 0.99]) {
      const minutes = nextDelay({ status: 200 }, 0, r) / 60_000;
      assert.ok(minutes > 20 && minutes < 40);
    }
  });

  it('differs between pods that start together', () => {
    assert.notEqual(nextDelay({ status: 503 }, 3, 0.1), nextDelay({ status: 503 }, 3, 0.9));
  });
});
