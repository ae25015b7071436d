import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { traffic } from './traffic.ts';

/** Failed and all requests a second. */
type Rate = readonly [errors: number, total: number];
const of = ([errors, total]: Rate) => ({ errors, total });
const found = (before: Rate, since: Rate, { release = [0, 0], early }: { release?: Rate; early?: Rate } = {}) =>
  traffic({
    ratio: {
      threshold: 0.01,
      traffic: { before: of(before), since: of(since) },
      release: of(release),
      early: early && of(early),
    },
  });

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

  it('speaks for a release that was well until they came, however many fail', () => {
    const release: Rate = [180, 190];
    assert.equal(found([0, 10], [18, 19], { release, early: [0, 50] })?.reason, 'TrafficSurge');
    assert.equal(found([0, 10], [18, 19], { release, early: [1, 2] }), undefined, 'it failed from the first on');
    assert.equal(found([0, 10], [18, 19], { release }), undefined, 'retries of what a new release fails');
  });

  it('speaks for it also where nothing succeeds any more, and there are more requests than retries explain', () =>
    assert.equal(found([0, 10], [32, 32])?.points, -3));
});
