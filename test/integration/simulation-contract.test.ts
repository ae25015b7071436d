import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { createPrometheus, createSelectors, type Prometheus, rulesFor, type Sample } from '../../src/slo/index.ts';
import { type Counter, counterOf, openMetricsOf } from '../simulation/counters.ts';
import { worldOf } from '../simulation/faults.ts';
import { policyOf } from '../simulation/manifests.ts';
import { createDatabase } from '../simulation/promql.ts';
import { createRandom } from '../simulation/random.ts';
import { countersOf, independent, METRIC } from '../simulation/series.ts';
import type { Service } from '../simulation/world.ts';
import { type PrometheusOf, startPrometheusWith } from '../support/prometheus.ts';

/** Of one service, an hour ago: Prometheus keeps days, and the simulator knows its own. */
const KEPT_MS = 3 * 3_600_000;
const lately = (counters: readonly Counter[], end: number, now: number): Counter[] =>
  counters.map(({ labels, times, values }) => {
    const kept = Array.from(times, (at, i) => ({ at, value: values[i] as number })).filter(
      ({ at }) => at > end - KEPT_MS && at <= end,
    );
    const shifted = kept.map(({ at }) => at - end + now);
    return counterOf(labels, { times: shifted, values: kept.map(({ value }) => value) });
  });

describe('the simulated Prometheus beside a real one', () => {
  const random = createRandom(7);
  const world = worldOf('metricGap', random.fork());
  const web = world.services.find(({ name }) => name === 'web') as Service;
  const now = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
  const own = countersOf(world, random.fork(), independent).filter(({ labels }) => labels.service === 'web');
  const restarted = counterOf(
    { __name__: METRIC, namespace: 'shop', service: 'web', pod: 'web-again', code: '200' },
    {
      times: Array.from({ length: 40 }, (_, i) => now - i * 15_000).reverse(),
      values: Array.from({ length: 40 }, (_, i) => (i % 13) * 5),
    },
  );
  const counters = [...lately(own, world.end, now), restarted].filter(({ times }) => times.length > 0);
  const database = createDatabase(counters);
  const revisions = web.releases.map(({ revision }) => revision);
  let real: PrometheusOf;
  let prometheus: Prometheus;

  before(async function () {
    this.timeout(60_000);
    real = await startPrometheusWith(openMetricsOf(counters), {});
    prometheus = createPrometheus({ url: real.url });
  });
  after(async () => {
    await prometheus?.close();
    await real?.stop();
  });

  const isNear = (a: number | undefined, b: number): boolean =>
    a !== undefined && (Number.isNaN(b) ? Number.isNaN(a) : Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)));
  const keyOf = ({ labels }: Sample): string => JSON.stringify(Object.entries(labels).sort());
  const same = (found: readonly Sample[], expected: readonly Sample[], expression: string): void => {
    assert.equal(found.length, expected.length, expression);
    const values = new Map(found.map((sample) => [keyOf(sample), sample.value]));
    for (const sample of expected)
      assert.ok(isNear(values.get(keyOf(sample)), sample.value), `${expression}: ${JSON.stringify(sample)}`);
  };

  const errors = `sum(rate(${METRIC}{namespace="shop",service="web",code=~"5.."}[$window]))`;
  for (const expression of [
    ...rulesFor(policyOf(web)).rules.map(({ expr }) => expr),
    ...['5s', '15s', '60s', '300s', '1h'].map((window) => `sum(${errors.replace('$window', window)}\n)`),
    ...revisions.map((revision) => `sum(rate(${METRIC}{pod=~"web-${revision}-.+",service="web"}[1m]))`),
    createSelectors().split(errors.replace('$window', '120s'), 'pod'),
    `increase(${METRIC}[90s])`,
    `sum by (pod, code) (rate(${METRIC}[2m]))`,
    `sum(rate(${METRIC}{code!~"5.."}[5m])) / sum(rate(${METRIC}[5m])) >= 0.5 or vector(1)`,
    `sum by (code) (rate(${METRIC}[5m])) unless sum by (code) (rate(${METRIC}{code="500"}[5m])) < 1000`,
  ])
    it(`says the same of ${expression.slice(0, 120)}`, async () => {
      for (const at of [now, now - 7_000, now - 61_003, now - 5_400_000, now + 40_000, now + 600_000])
        same(database.query(expression, at), await prometheus.query(expression, at), `${expression} at ${at - now}`);
      const range = { start: now - 30 * 60_000, end: now, step: 15_000 };
      const [found, expected] = [
        database.queryRange(expression, range),
        await prometheus.queryRange(expression, range),
      ];
      const flat = (series: typeof found): Sample[] =>
        series.flatMap(({ labels, points }) =>
          points.map(({ at, value }) => ({ labels: { ...labels, at: String(Math.round(at)) }, value })),
        );
      same(flat(found), flat(expected), expression);
    });
});
