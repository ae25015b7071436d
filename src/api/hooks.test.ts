import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { applyRuleOf } from './apply-rule.ts';
import { deletedAfter, helmWeightOf, hookSaidBy, timeOf } from './hooks.ts';

const ARGO_CD = 'argocd.argoproj.io/hook';

describe('the annotations of hooks', () => {
  it('are those of Argo CD and of Helm; of both, Argo CD’s count', () => {
    assert.deepEqual(hookSaidBy({ annotations: { [ARGO_CD]: 'PreSync, PostSync' } }), {
      tool: 'Argo CD',
      words: ['PreSync', 'PostSync'],
    });
    const both = { [ARGO_CD]: 'PostSync', 'helm.sh/hook': 'pre-upgrade' };
    assert.equal(hookSaidBy({ annotations: both })?.tool, 'Argo CD');
    assert.equal(hookSaidBy({ annotations: { 'helm.sh/hook': 'test' } })?.tool, 'Helm');
    for (const annotations of [{}, { [ARGO_CD]: '' }, { [ARGO_CD]: ' , ' }, { [ARGO_CD]: null }])
      assert.equal(hookSaidBy({ annotations }), undefined);
    assert.equal(hookSaidBy({ annotations: null }), undefined);
  });

  it('have a time for each word that is run, and for no other', () => {
    assert.deepEqual(timeOf('PreSync'), { phase: 'PreSync' });
    assert.deepEqual(timeOf('post-install'), { phase: 'PostSync', only: 'install' });
    for (const word of ['Sync', 'presync', 'PostDelete', 'pre-delete', 'test', 'constructor'])
      assert.equal(timeOf(word), undefined, word);
  });

  it('say after which end a hook is deleted, in the words of either tool', () => {
    const policy = (text: string) => deletedAfter({ annotations: { [`${ARGO_CD}-delete-policy`]: text } });
    assert.deepEqual(policy('HookSucceeded'), { succeeded: true, failed: false });
    assert.deepEqual(policy('BeforeHookCreation'), { succeeded: false, failed: false });
    const ofHelm = { 'helm.sh/hook-delete-policy': 'before-hook-creation,hook-failed' };
    assert.deepEqual(deletedAfter({ annotations: ofHelm }), { succeeded: false, failed: true });
  });

  it('have a weight that is a whole number, or none', () => {
    const weight = (text: unknown) => helmWeightOf({ annotations: { 'helm.sh/hook-weight': text } });
    assert.deepEqual(['-5', '3', 'x', '1.5', 7].map(weight), [-5, 3, 0, 0, 7]);
  });

  it('leave an object alone that is to be skipped', () => {
    const object = (hook: string) => ({
      apiVersion: 'v1',
      kind: 'A',
      metadata: { name: 'a', annotations: { [ARGO_CD]: hook } },
    });
    assert.equal(applyRuleOf(object('Skip')), 'Ignore');
    assert.equal(applyRuleOf(object('PreSync')), undefined);
  });
});
