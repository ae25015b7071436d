import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { API_VERSION } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../api/rollback-policy.ts';
import { createMatcher, type MatchInput } from './match.ts';

const policyWith = (namespace: string, name: string, spec: object): RollbackPolicy => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { namespace, name },
  spec: rollbackPolicySpec.parse(spec),
});
const policy = (namespace: string, name: string, matchLabels?: Record<string, string>): RollbackPolicy =>
  policyWith(namespace, name, {
    targetRef: { name },
    objectives: matchLabels ? [{ name: 'one', alerts: { matchLabels } }] : [],
  });
const workload = (namespace: string, name: string, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name, annotations },
});
const match = (labels: Record<string, string>, input: Partial<MatchInput>): string[] =>
  createMatcher({ policies: [], workloads: [], namespaceOf: () => undefined, withoutNamespace: false, ...input })(
    labels,
  ).map((m) => `${m.workload.namespace}/${m.workload.name}${m.policy ? ` by ${m.policy.metadata.name}` : ''}`);

describe('the workloads of an alert', () => {
  const claimed = { 'metricops.dev/alerts': 'team=shop' };
  const input = {
    policies: [policy('shop', 'checkout', { team: 'shop' }), policy('thief', 'nothing', { team: 'shop' })],
    workloads: [workload('shop', 'cart', claimed), workload('thief', 'web', claimed), workload('shop', 'other')],
  };

  it('are those of the namespace that it names, by policy and by annotation', () => {
    assert.deepEqual(match({ namespace: 'shop', team: 'shop' }, input), ['shop/checkout by checkout', 'shop/cart']);
    assert.deepEqual(match({ namespace: 'thief', team: 'shop' }, input), ['thief/nothing by nothing', 'thief/web']);
    assert.deepEqual(match({ namespace: 'nowhere', team: 'shop' }, input), []);
  });

  it('are none when it names no namespace: nobody claims what may be of anybody', () => {
    assert.deepEqual(match({ team: 'shop' }, input), []);
  });

  it('are all that claim it where the platform says that its alerts name no namespace', () => {
    const all = ['shop/checkout by checkout', 'thief/nothing by nothing', 'shop/cart', 'thief/web'];
    assert.deepEqual(match({ team: 'shop' }, { ...input, withoutNamespace: true }), all);
    assert.deepEqual(match({ metricops_policy: 'checkout' }, { ...input, withoutNamespace: true }), []);
  });

  it('are the one that it names and each whose policy or annotation claims it: none hides another', () => {
    const own = workload('shop', 'web', { 'metricops.dev/rollback': 'Auto' });
    const together = { policies: input.policies, workloads: [...input.workloads, own] };
    const labels = { namespace: 'shop', team: 'shop', deployment: 'web' };
    assert.deepEqual(match(labels, together), ['shop/checkout by checkout', 'shop/cart', 'shop/web']);
  });

  it('are never of another namespace than the alert names, whatever a policy there says', () => {
    const greedy = policyWith('thief', 'web', {
      targetRef: { name: 'web' },
      objectives: [{ name: 'one', alerts: { matchLabels: { namespace: 'shop', team: 'shop' } } }],
    });
    const policies = [policy('shop', 'web', { team: 'shop' }), greedy];
    for (const withoutNamespace of [false, true]) {
      const found = match({ namespace: 'shop', team: 'shop', deployment: 'web' }, { policies, withoutNamespace });
      assert.deepEqual(found, ['shop/web by web']);
    }
  });

  it('are none by name alone where the alert names no namespace, also where the platform allows such alerts', () => {
    const workloads = [workload('shop', 'web', { 'metricops.dev/rollback': 'Auto' })];
    assert.deepEqual(match({ deployment: 'web' }, { workloads, withoutNamespace: true }), []);
    assert.deepEqual(match({ namespace: '', deployment: 'web' }, { workloads, withoutNamespace: true }), []);
  });

  it('are named once, with their policy, however many ways lead to them', () => {
    const both = {
      policies: [policy('shop', 'cart')],
      workloads: [workload('shop', 'cart', { ...claimed, 'metricops.dev/rollback': 'Auto' })],
    };
    const labels = { namespace: 'shop', metricops_policy: 'cart', deployment: 'cart', team: 'shop' };
    assert.deepEqual(match(labels, both), ['shop/cart by cart']);
  });

  it('have the policy that guards them also where the alert names them, or their annotation claims it', () => {
    const guarded = { policies: [policy('shop', 'cart')], workloads: [workload('shop', 'cart', claimed)] };
    assert.deepEqual(match({ namespace: 'shop', deployment: 'cart' }, guarded), ['shop/cart by cart']);
    assert.deepEqual(match({ namespace: 'shop', team: 'shop' }, guarded), ['shop/cart by cart']);
  });

  it('are those that opted in, where it names them only', () => {
    const named = { namespace: 'shop', deployment: 'web' };
    assert.deepEqual(match(named, { workloads: [workload('shop', 'web')] }), []);
    const opted = [workload('shop', 'web', { 'metricops.dev/rollback': 'Auto' })];
    assert.deepEqual(match(named, { workloads: opted }), ['shop/web']);
  });

  it('are, of a policy that selects many, the one that it names, and never all of them', () => {
    const page = { objectives: [{ name: 'one', alerts: { matchLabels: { severity: 'page' } } }] };
    const all = {
      policies: [policyWith('shop', 'default', { selector: {}, ...page })],
      workloads: [workload('shop', 'web'), workload('shop', 'cart')],
    };
    assert.deepEqual(match({ namespace: 'shop', severity: 'page' }, all), []);
    assert.deepEqual(match({ namespace: 'shop', severity: 'page', deployment: 'web' }, all), ['shop/web by default']);
    assert.deepEqual(match({ namespace: 'shop', deployment: 'cart' }, all), ['shop/cart by default']);
  });

  it('are none of a policy that another one overrides', () => {
    const [counts, overridden] = [
      policyWith('shop', 'a', { targetRef: { name: 'web' } }),
      policyWith('shop', 'b', {
        targetRef: { name: 'web' },
        objectives: [{ name: 'one', alerts: { matchLabels: { team: 'shop' } } }],
      }),
    ];
    assert.deepEqual(match({ namespace: 'shop', team: 'shop' }, { policies: [counts, overridden] }), []);
    assert.deepEqual(match({ namespace: 'shop', metricops_policy: 'a' }, { policies: [overridden, counts] }), [
      'shop/web by a',
    ]);
  });

  it('are none of another cluster, and none of a namespace that is going away', () => {
    const labels = { namespace: 'shop', team: 'shop' };
    assert.deepEqual(match(labels, { ...input, cluster: { label: 'cluster', value: 'eu' } }), []);
    const ending = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', deletionTimestamp: 'now' } };
    assert.deepEqual(match(labels, { ...input, namespaceOf: () => ending }), []);
  });

  it('are those of its cluster, where Alertmanager serves many', () => {
    const labels = { namespace: 'shop', team: 'shop', cluster: 'eu' };
    const cluster = { label: 'cluster', value: 'eu' };
    assert.deepEqual(match(labels, { ...input, cluster }), ['shop/checkout by checkout', 'shop/cart']);
    assert.deepEqual(match({ ...labels, cluster: 'us' }, { ...input, cluster }), []);
  });

  it('are those that a rule which we wrote names by its policy, in the same namespace only', () => {
    const policies = [policy('shop', 'cart'), policy('thief', 'cart')];
    assert.deepEqual(match({ namespace: 'shop', metricops_policy: 'cart' }, { policies }), ['shop/cart by cart']);
    const everywhere = { policies, withoutNamespace: true };
    assert.deepEqual(match({ metricops_policy: 'cart' }, everywhere), []);
  });

  it('are none of kinds whose releases are not recorded', () => {
    const rollout = policyWith('shop', 'web', {
      targetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'web' },
      objectives: [{ name: 'one', alerts: { matchLabels: { team: 'shop' } } }],
    });
    const job = { ...workload('shop', 'web', claimed), apiVersion: 'batch/v1', kind: 'Job' };
    assert.deepEqual(match({ namespace: 'shop', team: 'shop' }, { policies: [rollout], workloads: [job] }), []);
  });

  it('are none by an annotation that says nothing, and need no annotations at all', () => {
    const { annotations: _, ...metadata } = workload('shop', 'web').metadata;
    const workloads = [
      workload('shop', 'empty', { 'metricops.dev/alerts': '' }),
      workload('shop', 'words', { 'metricops.dev/alerts': 'team' }),
      { ...workload('shop', 'web'), metadata },
    ];
    assert.deepEqual(match({ namespace: 'shop', team: 'shop' }, { workloads }), []);
    assert.deepEqual(match({ namespace: 'shop', deployment: 'web' }, { workloads }), []);
  });

  it('are none by a policy that names a workload which is not there, for which nobody speaks', () => {
    const overridden = policyWith('shop', 'web', { targetRef: { apiVersion: 'example.com/v1', name: 'web' } });
    assert.deepEqual(match({ namespace: 'shop', deployment: 'web' }, { policies: [overridden] }), []);
  });

  for (const [text, labels] of [
    ['team=shop,severity=page', { team: 'shop', severity: 'page' }],
    [' team = shop , severity = page ', { team: 'shop', severity: 'page' }],
    ['team="shop"', { team: 'shop' }],
    ['team=a"b', { team: 'a"b' }],
    ['team=shop,severity', { team: 'shop' }],
    ['team=', { team: '' }],
  ] as const)
    it(`are claimed by the annotation ${text}`, () => {
      const workloads = [workload('shop', 'cart', { 'metricops.dev/alerts': text })];
      assert.deepEqual(match({ namespace: 'shop', ...labels }, { workloads }), ['shop/cart']);
      assert.deepEqual(match({ namespace: 'shop', ...labels, team: 'other' }, { workloads }), []);
    });

  it('are named by the label of their kind, and opted in by their namespace', () => {
    const set = { ...workload('shop', 'db'), kind: 'StatefulSet' };
    const optedIn = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'metricops.dev/inject': 'enabled' } },
    };
    const around = { workloads: [set], namespaceOf: (name: string) => (name === 'shop' ? optedIn : undefined) };
    assert.deepEqual(match({ namespace: 'shop', statefulset: 'db' }, around), ['shop/db']);
    assert.deepEqual(match({ namespace: 'shop', deployment: 'db' }, around), []);
    assert.deepEqual(match({ statefulset: 'db' }, { ...around, withoutNamespace: true }), []);
  });
});
