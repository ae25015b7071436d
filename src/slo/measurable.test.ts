import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { policy } from '../../test/support/objects.ts';
import { PrometheusError } from './answer.ts';
import { measuredNow } from './measurable.ts';
import { createSelectors } from './selectors.ts';

const total = 'sum(rate(http_requests_total{job="web"}[$window]))';
const errors = 'sum(rate(http_requests_total{job="web",code=~"5.."}[$window]))';
const guard = (more: object = {}, ratio: object = {}) =>
  policy('web', {
    targetRef: { name: 'web' },
    objectives: [{ name: 'availability', target: '99.9', indicator: { ratio: { errors, total, ...ratio } }, ...more }],
  });

/** Values a second, or no sample, by what is asked. */
const said = async (
  answers: { total?: number | undefined; probes?: number; errors?: PrometheusError },
  asked = guard(),
): Promise<string> => {
  const queries = {
    async query(expression: string) {
      if (answers.errors && expression.includes('5..')) throw answers.errors;
      const value = expression.includes('path=~') ? answers.probes : answers.total;
      return value === undefined ? [] : [{ labels: {}, value }];
    },
    queryRange: () => assert.fail('not asked'),
    alertingRules: () => assert.fail('not asked'),
  };
  const { type, status, reason, message } = await measuredNow(asked, queries, createSelectors());
  return `${type} ${status} ${reason}: ${message}`;
};

describe('whether a burn would be measured', () => {
  it('is yes where Prometheus has enough requests', async () => {
    assert.equal(
      await said({ total: 10 }),
      'Measured true IndicatorMeasured: Prometheus has the requests of availability',
    );
  });

  it('is no without samples, and where they are no number', async () => {
    for (const none of [undefined, Number.NaN])
      assert.match(
        await said({ total: none }),
        /^Measured false NoData: objective availability: total has no samples in the last hour: sum\(rate\(http_requests_total/,
      );
  });

  it('is no with fewer requests than a verdict needs, and says how many', async () => {
    assert.match(
      await said({ total: 0.001 }),
      /false InsufficientTraffic: objective availability: 4 requests in the last hour, and a verdict needs 20 \(minRequests\)$/,
    );
    assert.match(await said({ total: 0 }), /false InsufficientTraffic: .* 0 requests/);
  });

  it('is no where most requests are probes', async () => {
    assert.match(
      await said({ total: 10, probes: 8.2 }),
      /false MostlyProbes: objective availability: 82 % of its requests/,
    );
    assert.match(await said({ total: 10, probes: 5 }), /^Measured true/);
  });

  it('asks for probes by label only where the expression can be restricted', async () => {
    assert.match(
      await said({ total: 10, probes: 10 }, guard({}, { total: 'whatever($window', podLabel: '' })),
      /^Measured true/,
    );
  });

  it('is no where no burn window can fire', async () => {
    const low = guard({ burnWindows: [{ long: '1h', short: '5m', factor: '1500' }] });
    assert.match(
      await said({ total: 10 }, low),
      /false WindowsCannotFire: objective availability: with a target of 99.9 %/,
    );
  });

  it('is no where Prometheus refuses an expression, and unknown where it does not answer', async () => {
    const refused = new PrometheusError('ExpressionRefused', 'Prometheus refused the query: unknown function');
    assert.match(
      await said({ total: 10, errors: refused }),
      /false ExpressionRefused: objective availability: .*unknown function$/,
    );
    assert.match(
      await said({ total: 10 }, guard({}, { total: 'sum(t)' })),
      /false ExpressionRefused: .* has no \$window/,
    );
    const away = new PrometheusError('PrometheusUnreachable', "Prometheus can't be asked: refused");
    assert.match(await said({ total: 10, errors: away }), /Unknown PrometheusUnreachable: /);
  });

  it('is left to the alerting rule without an indicator', async () => {
    const byAlert = policy('web', {
      targetRef: { name: 'web' },
      objectives: [{ name: 'a', alerts: { matchLabels: { a: 'b' } } }],
    });
    assert.match(await said({}, byAlert), /^Measured true ByAlertRule: /);
  });
});
