import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { gitSync } from '../../test/support/leader.ts';
import type { GitSync, HookEntry } from '../api/gitsync.ts';
import { failedCheckOf } from './failed-check.ts';

const COMMIT = 'a'.repeat(40);
const finishTime = '2026-01-01T12:00:00Z';
const run = { state: 'Failed', version: 'v', content: 'c', hooksContent: 'h', id: 'i', isInstall: false } as const;
const smoke: HookEntry = {
  ...({ kind: 'Job', namespace: 'shop', name: 'smoke', phase: 'PostSync', state: 'Failed' } as const),
  ...{ reason: 'BackoffLimitExceeded', finishTime },
};
const suspect = { commit: COMMIT, gitSyncRef: { namespace: 'shop', name: 'all' } };

describe('a check after the commit that brought a release', () => {
  const found = (hooks: HookEntry[], commit = COMMIT) =>
    failedCheckOf(suspect, {
      get: ({ name }) =>
        name === 'all'
          ? {
              ...(gitSync('shop', 'all', {}) as GitSync),
              status: { hookRun: { ...run, revision: `main@${commit}`, requestedAt: '' }, hooks },
            }
          : undefined,
    });

  it('is known by its name and reason where it failed', () =>
    assert.deepEqual(found([{ ...smoke, name: 'first', state: 'Succeeded' }, smoke]), {
      name: 'Job shop/smoke',
      reason: 'BackoffLimitExceeded',
      finishTime,
    }));

  it('is none where all passed, or what failed comes before a revision, or after a failure', () => {
    assert.equal(found([{ ...smoke, state: 'Succeeded' }]), undefined);
    assert.equal(found([{ ...smoke, phase: 'PreSync' }]), undefined);
    assert.equal(found([{ ...smoke, phase: 'SyncFail' }]), undefined);
  });

  it('is none where nobody knows how it ended', () => {
    assert.equal(found([{ ...smoke, reason: 'Deleted' }]), undefined);
    assert.equal(found([{ ...smoke, reason: 'Renamed' }]), undefined);
  });

  it('of another commit is none, nor is one of a release that no GitSync applied', () => {
    assert.equal(found([smoke], 'b'.repeat(40)), undefined);
    const { commit, gitSyncRef } = suspect;
    const none = { get: () => undefined };
    for (const release of [undefined, { commit }, { gitSyncRef }, suspect])
      assert.equal(failedCheckOf(release, none), undefined);
  });
});
