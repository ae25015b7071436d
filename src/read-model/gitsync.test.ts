import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { conditionWith, digestOf, gitSync } from '../../test/support/objects.ts';
import { syncView } from './gitsync.ts';

describe('a GitSync', () => {
  it('that is new has a source, and nothing applied', () => {
    const view = syncView(gitSync('app', undefined, { path: 'deploy' }));
    assert.deepEqual([view.source, view.path], [{ url: 'https://git.example.com/shop.git', ref: 'main' }, 'deploy']);
    assert.deepEqual([view.ready, view.appliedRevision, view.failedRevision], [undefined, undefined, undefined]);
    assert.deepEqual([view.held, view.toDelete.count, view.isSuspended], [[], 0, false]);
  });

  it('has a failed revision only while the last attempt is not what is applied', () => {
    const failed = { lastAppliedRevision: 'main@1', lastAttemptedRevision: 'main@2' };
    assert.equal(syncView(gitSync('app', failed)).failedRevision, 'main@2');
    assert.equal(syncView(gitSync('app', { ...failed, lastAppliedRevision: 'main@2' })).failedRevision, undefined);
  });

  it('follows the tag, then the commit, then the branch', () => {
    const refOf = (ref: object): string | undefined =>
      syncView(gitSync('app', undefined, { source: { git: { url: 'https://x.example/a.git', ref } } })).source?.ref;
    assert.equal(refOf({ tag: 'v1' }), 'v1');
    assert.equal(refOf({ commit: 'a'.repeat(40) }), 'a'.repeat(40));
    assert.equal(refOf({ branch: 'next' }), 'next');
  });

  it('says how far each hook is, and of which revision', () => {
    const hookRun = {
      revision: 'main@1',
      state: 'Failed',
      id: 'a',
      version: 'a',
      content: 'b',
      hooksContent: 'c',
      isInstall: false,
      requestedAt: '',
    } as const;
    const job = { kind: 'Job', namespace: 'shop', name: 'migrate', phase: 'PreSync' } as const;
    const { hooks, hookRevision } = syncView(
      gitSync('app', { hookRun, hooks: [{ ...job, state: 'Failed', message: 'BackoffLimitExceeded' }] }),
    );
    assert.equal(hookRevision, 'main@1');
    const failed = { object: 'Job shop/migrate', phase: 'PreSync', state: 'Failed', message: 'BackoffLimitExceeded' };
    assert.deepEqual(hooks, [failed]);
  });

  it('names what is held, what waits to be deleted and what drifted, while its conditions say so', () => {
    const workloadRef = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
    const prunePending = [{ id: 'shop_data__ConfigMap', reason: 'HandoverPending', message: '' }];
    const held = [{ workloadRef, holdRef: { name: 'web-1' }, digest: digestOf(3) }];
    const say = (status: 'True' | 'False') =>
      syncView(
        gitSync('app', {
          held,
          prunePending,
          conditions: [conditionWith('PrunePending', { status }), conditionWith('Drifted', { status })],
        }),
      );
    assert.deepEqual(say('True').held, [{ workload: workloadRef, hold: 'web-1' }]);
    assert.deepEqual(say('True').toDelete, { count: 1, message: 'PrunePending says so' });
    assert.equal(say('True').drift, 'Drifted says so');
    assert.deepEqual([say('False').toDelete.message, say('False').drift], [undefined, undefined]);
  });
});
