import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { lookAgain, lookAgainForPerson } from './timing.ts';

describe('the next look at Prometheus', () => {
  it('is a tenth of the age later, between one and fifteen seconds', () => {
    assert.deepEqual(
      [0, 10_000, 20_000, 150_000, 160_000, 9e9].map(lookAgain),
      [1000, 1000, 2000, 15_000, 15_000, 15_000],
    );
  });

  it('is up to a minute later while a person is needed', () => {
    assert.deepEqual([0, 20_000, 160_000, 600_000, 9e9].map(lookAgainForPerson), [1000, 2000, 16_000, 60_000, 60_000]);
  });
});
