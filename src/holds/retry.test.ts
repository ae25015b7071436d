import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { retryIn } from './retry.ts';

describe('the next try of a rollback that failed', () => {
  it('is twice as late each time, at most five minutes', () => {
    const half = (attempts: number): number => retryIn(attempts, () => 0.5);
    assert.deepEqual([1, 2, 3, 9, 10, 99].map(half), [1000, 2000, 4000, 256_000, 300_000, 300_000]);
  });

  it('is up to a quarter earlier or later, so that not all come at once', () => {
    assert.deepEqual([retryIn(3, () => 0), retryIn(3, () => 1)], [3000, 5000]);
  });
});
