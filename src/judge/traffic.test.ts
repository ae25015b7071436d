import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { traffic } from './traffic.ts';

/** Failed and all requests a second. */
type Rate = readonly [errors: number, total: number];
const found = (before: Rate, since: Rate) => {
  const of = ([errors, total]: Rate) => ({ errors, total });
  return traffic({ ratio: { traffic: { before: of(before), since: of(since) } } });
};

describe('the traffic when a burn began', () => {
  it('speaks for the release where nearly twice as many requests came, and as many as before succeed', () => {
    assert.deepEqual(found([0, 10], [8, 18]), {
      name: 'Traffic',
      points: -3,
      message: '1.8 times as many requests came when the burn began',
      reason: 'TrafficSurge',
    });
  });

  for (const [what, before, since] of [
    ['fewer', [0, 10], [5, 17.9]],
    ['retries of what failed', [0, 10], [22, 31]],
    ['none before', [0, 0], [5, 10]],
  ] as const)
    it(`says nothing where it was ${what}`, () => assert.equal(found(before, since), undefined));

  it('speaks for it also where nothing succeeds any more, and there are more requests than retries explain', () =>
    assert.equal(found([0, 10], [32, 32])?.points, -3));
});
