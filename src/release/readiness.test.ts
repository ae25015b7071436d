import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import { hasStarted, predecessorOf } from './readiness.ts';

const SEEN = '2026-03-01T12:00:00.500Z';
const release = (number: number, rest: Partial<Release> = {}): Release => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [],
  firstSeenTime: SEEN,
  outcome: 'Active',
  ...rest,
});
const pod = (creationTimestamp: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', creationTimestamp },
});
const [old, young] = [pod('2026-03-01T11:00:00Z'), pod('2026-03-01T12:00:00Z')];

describe('whether pods started with a release', () => {
  const before = release(1, { revision: 'a' });
  for (const [what, current, pods, expected] of [
    ['of pods of another revision, they did', release(2, { revision: 'b' }), [old], true],
    [
      'of the pods of the release before, they did not: they read the configuration before',
      release(2, { revision: 'a' }),
      [old],
      false,
    ],
    ['while one of them is older, they did not', release(2, { revision: 'a' }), [old, young], false],
    ['once all of them were made again, they did', release(2, { revision: 'a' }), [young, young], true],
    ['without pods, nobody can say', release(2, { revision: 'a' }), [], false],
    ['while the revision is not known, they did not', release(2), [old], false],
  ] as [string, Release, KubeObject[], boolean][])
    it(what, () => {
      assert.equal(
        hasStarted(current, before, () => pods),
        expected,
      );
    });

  it('of the first release they did', () => {
    assert.ok(hasStarted(release(1, { revision: 'a' }), undefined, () => []));
    assert.ok(hasStarted(release(2, { revision: 'a' }), release(1), () => []));
  });

  it('the release before is the one that it superseded, or that is current while it is not recorded', () => {
    const first = { supersededTime: SEEN, firstSeenTime: '2026-03-01T11:00:00Z' };
    const [two, one] = [release(2), release(1, first)];
    assert.equal(predecessorOf(two, [two, one], 2), one);
    assert.equal(predecessorOf(undefined, [one], 1), one);
    assert.equal(predecessorOf(one, [one], 1), undefined);
  });
});
