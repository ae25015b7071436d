import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, release } from '../../test/support/incident.ts';
import type { Release, RestorableRelease } from '../api/release-history.ts';
import { predecessorsOf } from './predecessors.ts';

const MINUTE = 60;
/** Current from a minute to another one, before noon. */
const ran = (number: number, from: number, to: number, rest: Partial<RestorableRelease> = {}): Release =>
  release(number, { firstSeenTime: at(-from * MINUTE), supersededTime: at(-to * MINUTE), ...rest });
const suspect = release(9, { firstSeenTime: at(-MINUTE) });
const found = (...releases: Release[]): string => {
  const { before, earlier } = predecessorsOf(suspect, [suspect, ...releases]);
  return [before, ...earlier].map((one) => one?.number).join(' ');
};

describe('what ran before the release under suspicion', () => {
  it('is the release before it, where that ran for an hour', () =>
    assert.equal(found(ran(8, 61, 1), ran(7, 200, 61)), '8'));

  it('is also what ran before one that was current for less than an hour, as far as that goes on', () => {
    assert.equal(found(ran(8, 60, 1), ran(7, 200, 60)), '8 7');
    assert.equal(found(ran(8, 6, 1), ran(7, 10, 6), ran(6, 200, 10), ran(5, 300, 200)), '8 7 6');
  });

  it('is four releases at most', () =>
    assert.equal(found(ran(8, 3, 1), ran(7, 5, 3), ran(6, 7, 5), ran(5, 9, 7), ran(4, 11, 9)), '8 7 6 5'));

  it('ends with one that came back: it was there before', () =>
    assert.equal(found(ran(8, 6, 1, { restoredTime: at(-3 * MINUTE) }), ran(7, 200, 6)), '8'));

  it('is none for the first release', () => assert.deepEqual(predecessorsOf(suspect, [suspect]).earlier, []));
});
