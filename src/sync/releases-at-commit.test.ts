import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AT, at, history, release } from '../../test/support/objects.ts';
import { releaseAt } from './releases-at-commit.ts';

const COMMIT = 'a'.repeat(40);
const ref = (number: number) => ({ snapshotRef: { name: `s-${number}` } });

describe('the release of a workload at a commit', () => {
  const releases = [
    release(3, { ...ref(3), commit: 'c'.repeat(40), firstSeenTime: at(200) }),
    release(2, { ...ref(2), commit: COMMIT, firstSeenTime: at(110) }),
    release(1, { ...ref(1), commit: 'b'.repeat(40), firstSeenTime: AT }),
  ];
  const of = (commit: string, time: string | undefined, list = releases) =>
    releaseAt(history({ releases: list }), commit, time)?.number;

  it('is that of the commit, though it was seen a moment later', () => {
    assert.equal(of(COMMIT, at(100)), 2);
  });

  it('is the one next to the time of the target where the GitSync made several of one commit', () => {
    const several = [
      release(3, { ...ref(3), commit: COMMIT, firstSeenTime: at(400) }),
      release(2, { ...ref(2), commit: COMMIT, firstSeenTime: at(205) }),
      release(1, { ...ref(1), commit: COMMIT, firstSeenTime: at(2) }),
    ];
    assert.deepEqual(
      [AT, at(200), at(401), undefined].map((time) => of(COMMIT, time, several)),
      [1, 2, 3, 3],
    );
  });

  it('is the newest of before where the commit did not change the workload', () => {
    assert.equal(of('d'.repeat(40), at(150)), 2);
    assert.equal(of('d'.repeat(40), at(50)), 1);
  });

  it('is none where none is recorded, or none can be restored', () => {
    assert.equal(of('d'.repeat(40), undefined), undefined);
    assert.equal(of(COMMIT, at(100), [release(1, { commit: COMMIT })]), undefined);
    assert.equal(releaseAt(undefined, COMMIT, AT), undefined);
  });

  for (const outcome of ['Rejected', 'Guilty'] as const)
    it(`is none where that release is ${outcome}: no rollback goes to it, whichever Hold asks`, () => {
      assert.equal(of(COMMIT, at(100), [release(1, { ...ref(1), commit: COMMIT, outcome })]), undefined);
    });
});
