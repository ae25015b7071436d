import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { policy } from '../../test/support/objects.ts';
import { createMatcher } from './match.ts';
import { prometheusRuleFor, rulesFor, whyNoRules } from './rules.ts';

const indicator = { ratio: { errors: 'sum(rate(e[$window])) # failed', total: 'sum(rate(t[$window]))' } };
const objective = { name: 'availability', target: '99.9', indicator };
const guard = (more: object = {}) => policy('web', { targetRef: { name: 'web' }, objectives: [objective], ...more });

describe('the rules of a RollbackPolicy', () => {
  it('make alerts that reach its workload', () => {
    const policies = [guard()];
    const matchesOf = createMatcher({ policies, workloads: [], namespaceOf: () => undefined, withoutNamespace: false });
    const { rules } = rulesFor(guard());
    assert.equal(rules.length, 4);
    for (const { labels } of rules)
      assert.deepEqual(
        matchesOf(labels).map(({ workload }) => `${workload.namespace}/${workload.name}`),
        ['shop/web'],
      );
  });

  it('leave out windows that can never fire', () => {
    const low = guard({ objectives: [{ ...objective, target: '90' }] });
    assert.deepEqual(
      rulesFor(low).rules.map(({ labels }) => labels.window),
      ['21600s', '86400s', '259200s'],
    );
  });

  it('are an object that goes with its policy, in its namespace', () => {
    const made = guard();
    const { kind, metadata } = prometheusRuleFor(
      { ...made, metadata: { ...made.metadata, uid: 'u' } },
      { release: 'prometheus' },
    );
    assert.deepEqual([kind, metadata.namespace, metadata.name], ['PrometheusRule', 'shop', 'metricops-web']);
    assert.deepEqual(metadata.labels, { 'app.kubernetes.io/managed-by': 'metricops', release: 'prometheus' });
    assert.deepEqual(
      metadata.ownerReferences?.map(({ name, uid }) => [name, uid]),
      [['web', 'u']],
    );
    assert.equal(prometheusRuleFor(made, {}).metadata.ownerReferences, undefined);
  });

  for (const [what, found, expected] of [
    ['its objectives are measured by others', guard({ objectives: [] }), /no objective has a target and an indicator/],
    ['it guards many workloads', guard({ targetRef: undefined, selector: {} }), /give each a policy with targetRef/],
    [
      'no window can fire',
      guard({ objectives: [{ ...objective, burnWindows: [{ long: '1h', short: '5m', factor: '2000' }] }] }),
      /can ever fire/,
    ],
  ] as const)
    it(`are none where ${what}`, () => assert.match(whyNoRules(found) ?? '', expected));

  it('are there otherwise', () => assert.equal(whyNoRules(guard()), undefined));
});
