import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Release } from '../api/release-history.ts';
import { selectLastGood } from './last-good.ts';

const at = (minute: number): string => `2026-03-01T12:${String(minute).padStart(2, '0')}:00Z`;
const release = (number: number, minute: number, rest: Partial<Release> = {}): Release => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [],
  firstSeenTime: at(minute),
  readyTime: at(minute),
  snapshotRef: { name: `s${number}` },
  outcome: 'Superseded',
  ...rest,
});
const good = (number: number, minute: number, rest: Partial<Release> = {}): Release =>
  release(number, minute, { goodTime: at(minute), outcome: 'Good', ...rest });
const targetOf = (releases: Release[], currentRelease: number, burn = 50, suspect?: number) => {
  const found = selectLastGood({ releases, currentRelease }, { burnStart: Date.parse(at(burn)), suspect });
  return found.release ? `${found.release.number} ${found.rule}` : `${found.reason}: ${found.message}`;
};

describe('the target of a rollback', () => {
  it('is, of those that were good, the one that was current last, however they are listed', () => {
    const [one, two, back] = [good(1, 1), good(2, 5), good(3, 3, { restoredTime: at(9) })];
    for (const releases of [
      [one, two, back],
      [back, two, one],
      [two, back, one],
    ])
      assert.equal(targetOf([...releases, release(9, 20)], 9), '3 Good');
    assert.equal(targetOf([one, two, good(4, 5), release(9, 20)], 9), '4 Good', 'of the same moment the newer');
    assert.equal(targetOf([good(4, 5), two, one, release(9, 20)], 9), '4 Good', 'of the same moment the newer');
  });

  it('is, of those that were ready before the burn, the one that was current last', () => {
    const [one, two, back] = [release(1, 1), release(2, 5), release(3, 3, { restoredTime: at(9) })];
    for (const releases of [
      [one, two, back],
      [back, two, one],
      [two, back, one],
    ])
      assert.equal(targetOf([...releases, release(9, 20)], 9), '3 ReadyBeforeBurn');
    assert.equal(targetOf([two, release(4, 5), release(9, 20)], 9), '4 ReadyBeforeBurn');
    assert.equal(targetOf([release(4, 5), two, release(9, 20)], 9), '4 ReadyBeforeBurn');
  });

  it('was ready before the burn began, not in that moment', () => {
    const none = 'NoGoodRelease: None of the 1 other releases was ready before the burn began.';
    assert.equal(targetOf([release(1, 10), release(2, 20)], 2, 10), none);
    assert.equal(targetOf([release(1, 10), release(2, 20)], 2, 11), '1 ReadyBeforeBurn');
    const { readyTime: _, ...never } = release(1, 1);
    assert.equal(targetOf([never, release(2, 20)], 2), none);
  });

  it('is never the release under suspicion, which need not be the current one', () => {
    assert.equal(targetOf([good(1, 1), good(2, 5), release(3, 20)], 3, 50, 2), '1 Good');
    assert.equal(targetOf([good(2, 5), good(3, 20)], 3, 50, 2), '3 Good');
  });

  it('is none that a Hold keeps out, and none that was found guilty, whatever it was before', () => {
    for (const outcome of ['Rejected', 'Guilty'] as const) {
      assert.equal(targetOf([good(1, 1), good(2, 5, { outcome }), release(3, 20)], 3), '1 Good');
      const none = 'NoGoodRelease: There is no other release.';
      assert.equal(targetOf([release(1, 5, { outcome }), release(2, 20)], 2), none);
    }
  });

  it('is none that burned when it was current last: N-1 bad and N still bad goes to N-2, or nowhere', () => {
    const burned = new Map([[2, 'incident web-1']]);
    const targetPast = (releases: Release[]) => {
      const found = selectLastGood(
        { releases, currentRelease: 3 },
        { burnStart: Date.parse(at(50)), suspect: undefined, burned },
      );
      return found.release ? `${found.release.number} ${found.rule}` : `${found.reason}: ${found.message}`;
    };
    assert.equal(targetPast([good(1, 1), good(2, 5), release(3, 20)]), '1 Good');
    assert.equal(targetPast([good(1, 1), release(2, 5), release(3, 20)]), '1 Good');
    const words = 'NoGoodRelease: Release 2 was good, but burned when it was current last: incident web-1.';
    assert.equal(targetPast([good(2, 5), release(3, 20)]), words);
    assert.equal(targetPast([release(2, 5), release(3, 20)]), 'NoGoodRelease: There is no other release.');
  });

  it('is none, in words, where there is nothing to go back to', () => {
    assert.equal(targetOf([], 1), 'NoHistory: No release is recorded.');
    assert.equal(targetOf([good(1, 1)], 1), 'NoGoodRelease: There is no other release.');
    const { snapshotRef: _, ...bare } = good(1, 1);
    const lost = 'SnapshotMissing: Release 1 was good, but what was applied for it was not recorded.';
    assert.equal(targetOf([bare, release(2, 20)], 2), lost);
    assert.equal(targetOf([bare, release(2, 5), release(3, 20)], 3), '2 ReadyBeforeBurn');
  });
});
