import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { upgradeHookIn } from './upgrade-hook.ts';

const job = (name: string, annotations: object, namespace = 'shop', kind = 'Job') => ({
  apiVersion: 'batch/v1',
  kind,
  metadata: { name, namespace, annotations: annotations as Record<string, string> },
});
const hook = (annotations: object): string | undefined => upgradeHookIn('shop', [job('migrate', annotations)]);

describe('a Job that runs at each upgrade', () => {
  it('is a hook of Helm or of Argo CD', () => {
    assert.equal(hook({ 'helm.sh/hook': 'pre-install, pre-upgrade' }), 'pre-upgrade hook Job migrate');
    assert.equal(hook({ 'argocd.argoproj.io/hook': 'PreSync' }), 'PreSync hook Job migrate');
  });

  it('is none that runs once, for a test, or after a failure', () => {
    assert.equal(hook({}), undefined);
    for (const name of ['pre-install', 'test', 'pre-delete', 'post-rollback'])
      assert.equal(hook({ 'helm.sh/hook': name }), undefined);
    assert.equal(hook({ 'argocd.argoproj.io/hook': 'SyncFail' }), undefined);
    assert.equal(hook({ 'helm.sh/hook': 7 }), undefined);
  });

  it('is none that says of itself that it does no harm', () => {
    const check = { 'argocd.argoproj.io/hook': 'PostSync' };
    assert.equal(hook(check), 'PostSync hook Job migrate');
    assert.equal(hook({ ...check, 'metricops.dev/irreversible': 'false' }), undefined);
    assert.equal(hook({ ...check, 'metricops.dev/irreversible': 'true' }), 'PostSync hook Job migrate');
  });

  it('is one of the namespace, the first by name', () => {
    const ofHelm = { 'helm.sh/hook': 'post-upgrade' };
    const objects = [job('b', ofHelm), job('a', ofHelm), job('0', ofHelm, 'bank'), job('1', ofHelm, 'shop', 'Pod')];
    assert.equal(upgradeHookIn('shop', objects), 'post-upgrade hook Job a');
    assert.equal(upgradeHookIn('test', objects), undefined);
  });
});
