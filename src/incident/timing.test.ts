import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { lookAgain, lookAgainForPerson } from './timing.ts';

describe('the next look at Prometheus', () => {
  it('is a tenth of the age later, between five and fifteen seconds', () => {
    assert.deepEqual(
      [0, 50_000, 100_000, 150_000, 160_000, 9e9].map(lookAgain),
      [5000, 5000, 10_000, 15_000, 15_000, 15_000],
    );
  });

  it('is up to five minutes later while a person is needed', () => {
    assert.deepEqual([0, 60_000, 160_000, 600_000, 9e9].map(lookAgainForPerson), [5000, 6000, 16_000, 60_000, 300_000]);
  });
});
