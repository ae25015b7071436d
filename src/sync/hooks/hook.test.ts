import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { parseManifests } from '../../render/index.ts';
import { divideHooks } from './hook.ts';

const object = (kind: string, name: string, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: kind === 'Job' ? 'batch/v1' : 'v1',
  kind,
  metadata: { namespace: 'shop', name, annotations },
});
const argo = (hook: string, wave = '0') => ({ 'argocd.argoproj.io/hook': hook, 'argocd.argoproj.io/sync-wave': wave });
const helm = (hook: string, weight = '0') => ({ 'helm.sh/hook': hook, 'helm.sh/hook-weight': weight });
const namesOf = (objects: readonly KubeObject[], options = { helm: true }) =>
  divideHooks(objects, options).hooks.map(({ object: { metadata } }) => metadata.name);

describe('hooks among rendered objects', () => {
  it('run by wave or weight, then what a Job needs before Jobs, then by name', () => {
    const objects = [
      object('Job', 'b', argo('PreSync')),
      object('Job', 'late', helm('pre-upgrade', '5')),
      object('Job', 'a', argo('PreSync')),
      object('ConfigMap', 'script', argo('PreSync')),
      object('Job', 'early', argo('PostSync', '-1')),
    ];
    assert.deepEqual(namesOf(objects), ['early', 'script', 'a', 'b', 'late']);
  });

  it('of Helm are ordinary objects unless they are asked for; what is to be skipped always is', () => {
    const objects = [object('Job', 'a', helm('pre-install')), object('Job', 'b', argo('Skip'))];
    const { hooks, objects: ordinary } = divideHooks(objects, { helm: false });
    assert.deepEqual([hooks.length, ordinary], [0, objects]);
    assert.deepEqual(namesOf(objects), ['a']);
  });

  it('may leave their name to the API server; of Helm not where they are ordinary objects', () => {
    const text = (annotation: string) =>
      `apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-, annotations: {${annotation}}}`;
    const parse = (annotation: string) => parseManifests(text(annotation), 'a.yaml');
    assert.match(namesOf(parse('argocd.argoproj.io/hook: PreSync'), { helm: false })[0] ?? '', /^migrate-[0-9a-f]{8}$/);
    assert.equal(namesOf(parse('helm.sh/hook: pre-install')).length, 1);
    assert.throws(() => namesOf(parse('helm.sh/hook: pre-install'), { helm: false }), {
      code: 'InvalidManifest',
      message: /^Job .*migrate- has no metadata.name; generateName can't be synced but in hooks/,
    });
    assert.deepEqual(namesOf(parse('argocd.argoproj.io/hook: Skip'), { helm: false }), []);
  });

  it('are refused where they can not be run, and say what can be', () => {
    const refused = (one: KubeObject, says: RegExp) =>
      assert.throws(() => divideHooks([one], { helm: true }), { code: 'HookRefused', message: says });
    refused(
      object('Job', 'a', argo('Sync')),
      /^Job shop\/a: the hook phase Sync is not run; PreSync, PostSync, SyncFail are/,
    );
    refused(object('Pod', 'a', argo('PreSync')), /^Pod shop\/a: a hook is a Job, .*; write the Pod as a Job$/);
    refused(
      object('Service', 'a', helm('pre-install')),
      /^Service shop\/a: a hook is a Job, or what a Job needs \(Service/,
    );
    const many = Array.from({ length: 33 }, (_, i) => object('Job', `a${i}`, argo('PreSync')));
    assert.throws(() => divideHooks(many, { helm: false }), /there are 33 hooks; 32 are run/);
  });

  it('of Helm keep the times that are run, and lose those of a deletion', () => {
    const { hooks } = divideHooks([object('Job', 'a', helm('pre-upgrade,pre-delete'))], { helm: true });
    assert.deepEqual(hooks[0]?.times, [{ phase: 'PreSync', only: 'upgrade' }]);
  });
});
