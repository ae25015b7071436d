import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Incident } from '../api/incident.ts';
import { guardrails, type Objective } from '../api/rollback-policy.ts';
import { type AlertingRule, PrometheusError, type Queries } from '../slo/index.ts';
import { createJudge, type Question } from './analysis.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
const release = (number: number) => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [],
  revision: `r${number}`,
  firstSeenTime: ago(600 / number),
  readyTime: ago(600 / number),
  outcome: 'Active' as const,
});
const evidence = {
  source: 'Alertmanager' as const,
  fingerprint: 'f',
  alert: 'Burn',
  status: 'firing' as const,
  labels: { alertname: 'Burn', namespace: 'shop', severity: 'page' },
  receivedTime: ago(10),
};
const objective = (errors: string, total: string, podLabel = 'pod', name = 'availability'): Objective => ({
  name,
  target: '99',
  window: '30d',
  indicator: { ratio: { errors, total, podLabel } },
});
const question = (rest: Partial<Question> = {}): Question => ({
  incident: {
    metadata: { name: 'i', namespace: 'shop' },
    spec: { workloadRef: { kind: 'Deployment', name: 'web' }, evidence: [evidence] },
  } as unknown as Incident,
  suspect: release(2),
  before: release(1),
  objectives: [],
  guardrails: guardrails.parse({}),
  isTrustedRule: (file) => file === 'own',
  now: NOW,
  ...rest,
});
/** Prometheus with some rules; each expression has the value that the test says. */
const prometheus = (
  value: (query: string, at: number | undefined) => number | undefined,
  rules: AlertingRule[] = [],
) => {
  const asked: string[] = [];
  const queries: Queries = {
    async query(expression, at) {
      asked.push(expression);
      const found = value(expression, at);
      return found === undefined ? [] : [{ labels: {}, value: found }];
    },
    alertingRules: async (name) => rules.filter((r) => r.name === name),
  };
  return { judge: createJudge(() => queries), asked };
};
const rule = (file: string, rest: Partial<AlertingRule> = {}): AlertingRule => ({
  name: 'Burn',
  expression: `from_${file}`,
  labels: { severity: 'page' },
  file,
  ...rest,
});
const firing = (_query: string, at = NOW): number | undefined => (at === NOW ? 1 : undefined);

describe('what Prometheus is asked', () => {
  it('is of the pods of one release only, in every selector', async () => {
    const { judge, asked } = prometheus(() => 10);
    await judge.judge(
      question({ objectives: [objective('sum(rate(e { a="b" } [ $window ]))', 'sum(rate(t[$window]))')] }),
    );
    assert.deepEqual(
      asked.filter((q) => q.includes('r2')),
      ['sum(rate(e {pod=~"web-r2-.+", a="b" } [ 300s ]))', 'sum(rate(t{pod=~"web-r2-.+"}[300s]))'],
    );
  });

  it('is nothing where an expression can not be asked of some pods: a person is told which, and why', async () => {
    const { judge, asked } = prometheus(() => 10);
    const bad = objective('rate("utf8.metric"[$window])', 'sum(rate(t[$window]))');
    const { verdict } = await judge.judge(question({ objectives: [bad] }));
    assert.deepEqual([verdict.result, verdict.reason], ['Inconclusive', 'ExpressionRefused']);
    assert.match(verdict.message, /indicator.ratio.errors of objective availability .* write \{"utf8.metric"\}/);
    assert.deepEqual(
      asked.filter((q) => q.includes('utf8')),
      [],
    );
  });

  it('is nothing of an objective of which one expression is refused', async () => {
    const { judge, asked } = prometheus(() => {
      throw new PrometheusError('PrometheusUnreachable', 'away');
    });
    const { verdict } = await judge.judge(
      question({ objectives: [objective('sum(rate(e[$window]))', 'rate(t[$window]')] }),
    );
    assert.equal(verdict.reason, 'ExpressionRefused');
    assert.deepEqual(
      asked.filter((q) => q.includes('r2')),
      [],
    );
  });

  it('is as it stands where the metric has no pods', async () => {
    const { judge, asked } = prometheus(() => 10);
    await judge.judge(question({ objectives: [objective('a [$window]', 'b[$window]', '')] }));
    assert.ok(asked.includes('a [300s]'));
  });

  it('makes a verdict that the schema takes, however long it is', async () => {
    const { judge } = prometheus(() => 10);
    const long = (name: string): string => `sum(rate(${name}{a="${'x'.repeat(8000)}"}[$window]))`;
    const { verdict } = await judge.judge(question({ objectives: [objective(long('e'), long('t'), '')] }));
    assert.equal(verdict.objectives?.[0]?.query?.length, 8192);
  });

  it('is no evidence when a part of the data is missing', async () => {
    const { judge } = prometheus(() => {
      throw new PrometheusError('PartialData', 'a store is away');
    });
    const { verdict } = await judge.judge(question({ objectives: [objective('e', 't', '')] }));
    assert.deepEqual(
      [verdict.result, verdict.reason, verdict.message],
      ['Inconclusive', 'PartialData', 'a store is away'],
    );
    assert.equal(await judge.isBurning(question({ objectives: [objective('e', 't', '')] })), undefined);
  });
});

describe('the rule of an alert', () => {
  it('speaks for itself when it is of the namespace of the workload', async () => {
    const { judge } = prometheus(firing, [rule('own')]);
    const { verdict, caution } = await judge.judge(question());
    assert.deepEqual([verdict.result, caution], ['Guilty', undefined]);
  });

  it('needs a person when it is of anybody else, whatever its labels say', async () => {
    const { judge } = prometheus(firing, [rule('foreign', { labels: { namespace: 'shop', severity: 'page' } })]);
    const { verdict, caution } = await judge.judge(question());
    assert.equal(verdict.result, 'Guilty');
    assert.match(caution ?? '', /rule, of foreign, is not one of namespace shop/);
  });

  it('is not hidden by another of the same name and labels', async () => {
    const { judge, asked } = prometheus(firing, [rule('foreign'), rule('own')]);
    assert.equal((await judge.judge(question())).caution, undefined);
    assert.deepEqual([...new Set(asked)], ['from_own']);
  });
});
