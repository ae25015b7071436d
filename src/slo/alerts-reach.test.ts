import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type Deliveries, NO_DELIVERIES } from '../alertmanager/index.ts';
import { type AlertFacts, alertsReach, canHave } from './alerts-reach.ts';
import type { AlertingRule } from './responses.ts';

const rule = (
  labels: Record<string, string>,
  expression = 'vector(1)',
  more: Partial<AlertingRule> = {},
): AlertingRule => ({
  name: 'Burn',
  expression,
  labels,
  file: 'shop.yaml',
  ...more,
});
const at = (minute: number) => ({ count: 1, lastTime: `2026-01-01T12:0${minute}:00Z` });
const delivered: Deliveries = { ...NO_DELIVERIES, accepted: at(1) };
const named = { namespace: 'shop', deployment: 'web' };
const said = (facts: Partial<AlertFacts>): string => {
  const { type, status, reason, message } = alertsReach({
    ways: [named, { namespace: 'shop', metricops_policy: 'web' }],
    rules: [rule(named)],
    deliveries: delivered,
    reachedBefore: false,
    ...facts,
  });
  return `${type} ${status} ${reason}: ${message}`;
};

describe('whether an alert would reach a workload', () => {
  it('is yes where a rule has its labels and Alertmanager delivers', () => {
    assert.equal(said({}), 'AlertsReach true AlertRuleLoaded: alerting rule Burn reports a burn');
  });

  it('is no where no rule has them, and says which it needs', () => {
    assert.equal(
      said({ rules: [rule({ namespace: 'shop', deployment: 'api' }), rule({})] }),
      'AlertsReach false NoAlertRule: no alerting rule that Prometheus has loaded makes alerts that reach a workload of it: they need namespace="shop", deployment="web"; or namespace="shop", metricops_policy="web"',
    );
  });

  it('is yes where alerts have reached it before, by whatever rule', () => {
    assert.match(said({ rules: [], reachedBefore: true }), /true AlertRuleLoaded: alerts have reached it before$/);
  });

  it('is no where Prometheus can not evaluate the only rule', () => {
    const broken = rule(named, 'x', { problem: 'many-to-many matching' });
    assert.match(said({ rules: [broken] }), /false ExpressionRefused: Prometheus can't evaluate .* Burn: many-to-many/);
    assert.match(said({ rules: [broken, rule(named)] }), /^AlertsReach true/);
  });

  it('is no while the last delivery was refused', () => {
    const refused = { ...delivered, refused: { Unauthorized: at(2) } };
    assert.match(
      said({ deliveries: refused }),
      /false Unauthorized: the last delivery .* 2026-01-01T12:02:00Z, was refused/,
    );
    assert.match(said({ deliveries: { ...refused, accepted: at(3) } }), /^AlertsReach true/);
  });

  it('is not known where the rules are not', () => {
    assert.match(
      said({ rules: 'Prometheus is away' }),
      /^AlertsReach Unknown PrometheusUnreachable: Prometheus is away$/,
    );
  });

  it('says that no Alertmanager ever came, which is no failure: nothing may have fired', () => {
    assert.match(
      said({ deliveries: NO_DELIVERIES }),
      /true AlertRuleLoaded: .*; no Alertmanager has delivered an alert yet/,
    );
    const test = { id: 'a', time: at(1).lastTime, labels: {}, workloads: [] };
    assert.doesNotMatch(said({ deliveries: { ...NO_DELIVERIES, tests: [test] } }), /no Alertmanager/);
    assert.doesNotMatch(said({ deliveries: undefined }), /no Alertmanager/);
  });
});

describe('whether alerts of a rule can have labels', () => {
  for (const [what, made, wanted, expected] of [
    ['it sets them', rule({ namespace: 'shop', deployment: 'web', severity: 'page' }), named, true],
    ['it sets another value', rule({ namespace: 'shop', deployment: 'api' }), named, false],
    ['it sets some of them', rule({ namespace: 'shop' }), named, false],
    ['its expression groups by them', rule({}, 'sum by (namespace, deployment) (x) > 1'), named, true],
    [
      'its expression has one, and it sets the other',
      rule({ deployment: 'web' }, 'x{namespace="shop"} > 1'),
      named,
      true,
    ],
    [
      'only a text of its expression says them',
      rule({}, 'x{a="namespace deployment"} # deployment namespace'),
      named,
      false,
    ],
    ['only a metric is called like them', rule({}, 'namespace:deployment:x > 1'), named, false],
    ['a template makes one', rule({ namespace: 'shop' }, 'x', { templates: ['deployment'] }), named, true],
    ['its name is wanted', rule({}), { alertname: 'Burn' }, true],
    ['another name is wanted', rule({}), { alertname: 'Other' }, false],
  ] as const)
    it(`is ${expected ? 'yes' : 'no'} where ${what}`, () => assert.equal(canHave(made, wanted), expected));
});
