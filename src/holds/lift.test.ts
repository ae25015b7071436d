import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RollbackHold } from '../api/hold.ts';
import { type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import { liftOf, numbersOf, recordLift } from './lift.ts';
import { newAcceptance, newRollback } from './new-hold.ts';

const digest = (letter: string): string => `v1:${letter.repeat(64)}`;
const workload = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const target = { number: 1, sourceDigest: digest('a'), snapshotRef: { name: 's' } };
const made = newRollback({ workload, digest: digest('b'), target, origin: 'Manual', message: '' });
const hold = (creationTimestamp: string, rejectedDigests = [digest('b')]): RollbackHold => ({
  ...made,
  metadata: { ...made.metadata, creationTimestamp },
  spec: { ...made.spec, rejectedDigests },
});
const release = (letter: string, liftedTime?: string) => ({
  sourceDigest: digest(letter),
  ...(liftedTime === undefined ? {} : { liftedTime }),
});
const NOON = '2026-01-01T12:00:00Z';
const LATER = '2026-01-01T13:00:00Z';

describe('lifting a Hold', () => {
  it('lets its releases run on probation the first time', () => {
    assert.deepEqual(liftOf(hold(NOON), [release('b')], []), { lifted: [digest('b')], kept: [] });
    assert.deepEqual(liftOf(hold(NOON), [], []), { lifted: [digest('b')], kept: [] });
  });

  it('keeps out what was rejected again after a lift, and lets the others run', () => {
    const twice = hold(LATER, [digest('b'), digest('c')]);
    const known = [release('b', NOON), release('c')];
    assert.deepEqual(liftOf(twice, known, []), { lifted: [digest('c')], kept: [digest('b')] });
  });

  it('keeps out what was rejected again in the very second of the lift', () => {
    assert.deepEqual(liftOf(hold(NOON), [release('b', NOON)], []).kept, [digest('b')]);
  });

  it('says of which releases, by their numbers', () => {
    const releases = ['c', 'b', 'a', 'b'].map((letter, i) => ({ ...release(letter), number: 4 - i }));
    assert.deepEqual(numbersOf(releases, [digest('b'), digest('x')]), [3, 1]);
  });

  it('counts no Hold as a second rejection that was there before the lift', () => {
    assert.deepEqual(liftOf(hold(NOON), [release('b', LATER)], []).kept, []);
  });

  it('lets run what a person accepted, however often it was rejected', () => {
    const acceptance = newAcceptance({ workload, digest: digest('b'), message: '' });
    assert.deepEqual(liftOf(hold(LATER), [release('b', NOON)], [acceptance]).kept, []);
  });

  it('is recorded with its time on those releases, and on no other', () => {
    const history: ReleaseHistory = {
      apiVersion: 'metricops.dev/v1alpha1',
      kind: 'ReleaseHistory',
      metadata: { namespace: 'shop', name: 'deployment-web' },
      spec: {
        workloadRef: { kind: 'Deployment', name: 'web' },
        releases: ['b', 'a'].map((letter, i) => ({
          number: 2 - i,
          sourceDigest: digest(letter),
          workloadUID: 'u',
          images: [],
          firstSeenTime: NOON,
          outcome: 'Active',
        })),
      },
    };
    const after = recordLift(history, [digest('b')], Date.parse(LATER));
    assert.deepEqual(
      releasesOf(after).map(({ liftedTime }) => liftedTime),
      [new Date(LATER).toISOString(), undefined],
    );
  });
});
