import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { combine } from './verdict.ts';

const TIME = '2026-01-01T12:00:00Z';

describe('the verdict on a release', () => {
  const said = (name: string, result: 'Guilty' | 'NotGuilty' | 'Inconclusive', reason: string) => ({
    name,
    result,
    reason,
    message: `${name} says so`,
  });
  const guilty = said('latency', 'Guilty', 'ErrorRateIncreased');
  const not = said('availability', 'NotGuilty', 'NotBurning');
  const open = said('other', 'Inconclusive', 'NoData');
  for (const [what, objectives, result, reason, message] of [
    ['one Guilty objective suffices', [not, open, guilty], 'Guilty', 'ErrorRateIncreased', 'latency: latency says so'],
    ['all are NotGuilty', [not, { ...not, name: 'second' }], 'NotGuilty', 'NotBurning', /^availability: .*; second: /],
    ['one can not be judged, and none is Guilty', [not, open], 'Inconclusive', 'NoData', 'other: other says so'],
    ['there is one objective, which needs no name', [guilty], 'Guilty', 'ErrorRateIncreased', 'latency says so'],
  ] as const) {
    it(`is ${result} where ${what}`, () => {
      const verdict = combine(objectives, TIME);
      assert.deepEqual([verdict.result, verdict.reason, verdict.objectives], [result, reason, objectives]);
      if (typeof message === 'string') assert.equal(verdict.message, message);
      else assert.match(verdict.message, message);
    });
  }

  it('is as long as its schema takes', () => {
    assert.equal(combine([{ ...guilty, message: 'x'.repeat(5000) }], TIME).message.length, 4096);
  });
});
