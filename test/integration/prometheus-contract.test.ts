import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { after, before, describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import { isMeasured, type RollbackPolicy, rollbackPolicySpec } from '../../src/api/rollback-policy.ts';
import {
  callsOf,
  callsQuery,
  createPrometheus,
  createSelectors,
  ExpressionError,
  eventsOf,
  eventsOfPods,
  meanLatencyOf,
  type Prometheus,
  PrometheusError,
  type RuleGroup,
  rulesFor,
  type Sample,
  withWindow,
} from '../../src/slo/index.ts';
import { type PrometheusOf, startPrometheusWith } from '../support/prometheus.ts';
import { expressionsOf } from '../support/promql.ts';

const ROOT = join(import.meta.dirname, '../..');
/** An hour ago, as scrapes are: every 15 s for 10 minutes. */
const START = Math.floor(Date.now() / 1000) - 3600;
const AT = (START + 585) * 1000;

/** Metrics whose names are words of PromQL: wherever the grammar and Prometheus disagree, one of them is no metric. */
const WORDS = [
  ...['x', 'y', 'a:b', 'rate', 'sum', 'by', 'on', 'and', 'or', 'unless', 'offset', 'bool', 'ignoring', 'atan2'],
  ...[
    'group_left',
    'start',
    'end',
    'step',
    'range',
    'info',
    'fill',
    'anchored',
    'smoothed',
    'inf',
    'nan',
    'Inf',
    'NaN',
  ],
  ...['SUM', 'BY', 'AND', 'Offset', 'without', 'count_values', 'limitk', 'vector', 'time', 'absent', 'e5', '_'],
];

const seriesOf = (pod: string, factor: number): string[] =>
  WORDS.flatMap((name, i) =>
    Array.from({ length: 40 }, (_, t) =>
      [
        `${name}{code="200",le="1",pod="${pod}"} ${t * factor * (i + 3)} ${START + 15 * t}`,
        `${name}{code="500",le="+Inf",pod="${pod}"} ${t * factor} ${START + 15 * t}`,
      ].join('\n'),
    ),
  );
const text = (...series: string[][]): string => [...series.flat(), '# EOF', ''].join('\n');
const ofNew = [seriesOf('web-2-a', 1), seriesOf('web-2-b', 1.5)];

/** Of 10 requests in 15 s, 8 take 0.3 s or less and 9 a second or less. @param second how the client writes that bound */
const latenciesOf = (pod: string, second: string): string[] =>
  Object.entries({
    [`bucket{le="0.3",pod="${pod}"}`]: 8,
    [`bucket{le="${second}",pod="${pod}"}`]: 9,
    [`bucket{le="+Inf",pod="${pod}"}`]: 10,
    [`count{pod="${pod}"}`]: 10,
    [`sum{pod="${pod}"}`]: 5,
  }).flatMap(([series, each]) =>
    Array.from({ length: 40 }, (_, t) => `took_seconds_${series} ${t * each} ${START + 15 * t}`),
  );
const latencies = [latenciesOf('web-2-a', '1'), latenciesOf('web-2-b', '1.0')];
const calls = Array.from({ length: 40 }, (_, t) =>
  [
    `traces_service_graph_request_total{client="web",server="db"} ${t} ${START + 15 * t}`,
    `traces_service_graph_request_total{client="other",server="db"} ${t} ${START + 15 * t}`,
    `traces_service_graph_request_total{client="web",server="idle"} 7 ${START + 15 * t}`,
  ].join('\n'),
);

const policy: RollbackPolicy = {
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { namespace: 'shop', name: 'web' },
  spec: rollbackPolicySpec.parse({
    targetRef: { name: 'web' },
    objectives: [
      {
        name: 'availability',
        target: '99.5',
        indicator: {
          ratio: {
            errors: 'sum(rate(x{code="500"}[$window])) # what fails\nor vector(0) # nothing',
            total: 'sum(rate(x[$window])) # all',
          },
        },
      },
    ],
  }),
};
const { rules } = rulesFor(policy);

describe('a real Prometheus', () => {
  let both: PrometheusOf;
  let newOnly: PrometheusOf;
  let prometheus: Prometheus;
  let ofNewOnly: Prometheus;

  before(async function () {
    this.timeout(60_000);
    const other = { alert: 'Other', expr: 'vector(1)' };
    both = await startPrometheusWith(text(...ofNew, seriesOf('web-1-a', 7), ...latencies, calls), {
      groups: [{ name: 'shop', rules: [...rules, other] }],
    });
    newOnly = await startPrometheusWith(text(...ofNew), {});
    prometheus = createPrometheus({ url: both.url });
    ofNewOnly = createPrometheus({ url: newOnly.url });
  });
  after(async () => {
    await prometheus?.close();
    await ofNewOnly?.close();
    await both?.stop();
    await newOnly?.stop();
  });

  const { restrict } = createSelectors();
  const ofPods = (expression: string): string => withWindow(restrict(expression, 'pod', 'web-2-.+'), 120_000);

  /** The samples, which Prometheus sends in any order, or that there are none. */
  const outcome = async (asked: Promise<Sample[]>): Promise<Sample[] | 'refused'> => {
    try {
      const key = ({ labels }: Sample): string => JSON.stringify(labels);
      return (await asked).toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
    } catch (error) {
      assert.ok(error instanceof PrometheusError, String(error));
      assert.equal(error.reason, 'ExpressionRefused', error.message);
      return 'refused';
    }
  };

  /** What is asked of the new pods among others must be what a Prometheus says that has no others. */
  const compare = async (expression: string): Promise<'refused' | 'empty' | 'same'> => {
    let restricted: string;
    try {
      restricted = ofPods(expression);
    } catch (error) {
      if (error instanceof ExpressionError) return 'refused';
      throw error;
    }
    const [found, expected] = await Promise.all([
      outcome(prometheus.query(restricted, AT)),
      outcome(ofNewOnly.query(withWindow(expression, 120_000), AT)),
    ]);
    assert.deepEqual(found, expected, restricted);
    if (found === 'refused') return 'refused';
    return found.length > 0 ? 'same' : 'empty';
  };

  for (const expression of [
    'sum(rate(x[$window]))',
    'sum by (pod) (rate(x{code=~`5..`}[$window]))',
    'rate(x[$window]) / on(pod, code) rate(y[$window])',
    'max_over_time(rate(x[1m])[$window:30s]) # {pod="a"}',
    'x offset 1m - x @ end()',
    'x{code="500"} or on() vector(0)',
    'sum({__name__=~"x|y"}) by (pod)',
    'label_replace(sum by (code) (x), "pod", "$1", "code", "(.*)")',
    'histogram_quantile(0.9, sum by (le) (rate(x[$window])))',
    'topk(5, x) unless y{code="200"}',
    'x{pod="web-1-a"} or vector(7)',
    'count_values("pod", x)',
    "-x{code!='200',} ^ 2 ^ scalar(sum(y))",
  ])
    it(`says the same of the pods of one release as one that has no others: ${expression}`, async () =>
      assert.equal(await compare(expression), 'same'));

  it('refuses what the grammar takes and Prometheus does not, in words', async () => {
    await assert.rejects(prometheus.query(ofPods('rate(x)')), /Prometheus refused the query: .*expected type range/);
  });

  it('knows no metric that the grammar takes for anything else, whatever it is called', async function () {
    this.timeout(60_000);
    const found = new Map<string, number>();
    for (const name of WORDS)
      for (const expression of [
        name,
        `sum(${name})`,
        `rate(${name}[$window])`,
        `rate(${name}{code="500"}[$window] offset 1m)`,
        `-${name}`,
        `x + on(pod, code, le) ${name}`,
        `${name} == bool ${name}`,
        `sum by (pod) (${name} or ${name}{code="200"})`,
        `sum(${name}) by (${name})`,
        `${name} and ${name}`,
      ]) {
        const result = await compare(expression);
        found.set(result, (found.get(result) ?? 0) + 1);
      }
    assert.ok((found.get('same') ?? 0) > 150, JSON.stringify([...found]));
  });

  it('says the same of the pods of one release as one that has no others, whatever the expression', async function () {
    this.timeout(120_000);
    const found = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(expressionsOf({ quoted: false }), async (expression) => {
        const result = await compare(expression);
        found.set(result, (found.get(result) ?? 0) + 1);
      }),
      { numRuns: 300 },
    );
    assert.ok((found.get('same') ?? 0) > 20, JSON.stringify([...found]));
  });

  it('takes the rules that are made of an objective, those of the example, and those of metricops itself', async () => {
    const read = (path: string): { groups: RuleGroup[] } =>
      load(readFileSync(join(ROOT, path), 'utf8')) as { groups: RuleGroup[] };
    const shipped = ['examples/prometheus-rules.yaml', 'deploy/monitoring/rules.yaml'].flatMap((path) =>
      read(path).groups.flatMap((group) => group.rules),
    );
    for (const { expr } of [...rules, ...shipped]) await prometheus.query(expr, AT);
    const [page] = rules;
    assert.ok(page);
    const fires = await prometheus.query(page.expr.replaceAll(/\[\d+s\]/g, '[120s]'), AT);
    assert.equal(fires.length, 1, 'both of its ranges have data');
  });

  it('names the rules of an alert, and we pass over others where it names all', async () => {
    const [first] = await prometheus.alertingRules('ErrorBudgetBurn');
    assert.deepEqual(first, {
      name: 'ErrorBudgetBurn',
      expression: first?.expression,
      labels: rules[0]?.labels,
      file: both.ruleFile,
    });
    assert.equal((await prometheus.alertingRules('ErrorBudgetBurn')).length, rules.length);
    assert.deepEqual(
      (await prometheus.alertingRules('Other')).map(({ name, labels }) => [name, labels]),
      [['Other', {}]],
    );
    assert.deepEqual(await prometheus.alertingRules('None'), []);
    assert.equal((await prometheus.alertingRules('')).length, rules.length + 1);
  });

  describe('a latency', () => {
    const latency = (threshold: string) => {
      const indicator = { latency: { histogram: 'took_seconds', threshold } };
      const [objective] = rollbackPolicySpec.parse({
        targetRef: { name: 'web' },
        objectives: [{ name: 'latency', target: '99', indicator }],
      }).objectives;
      assert.ok(objective && isMeasured(objective));
      return objective;
    };
    const ask = async (expression: string): Promise<number[]> =>
      (await prometheus.query(withWindow(expression, 120_000), AT)).map(({ value }) => Number(value.toPrecision(6)));

    for (const [threshold, share] of [
      ['0.3', 0.2],
      ['0.30', 0.2],
      ['1', 0.1],
    ] as const)
      it(`of more than ${threshold} s is counted, however clients write the bound`, async () => {
        const { errors, total } = eventsOf(latency(threshold));
        assert.deepEqual(await ask(`(${errors}) / (${total})`), [share]);
        const { errors: ofPods } = eventsOfPods(latency(threshold), 'web-2-b', createSelectors());
        assert.deepEqual(await ask(`(${ofPods}) / (${total})`), [share / 2]);
      });

    it('has no result for a bound that is none', async () =>
      assert.deepEqual(await ask(eventsOf(latency('0.5')).errors), []));

    it('has a mean for each pod', async () => {
      const { indicator } = latency('1');
      assert.ok(indicator.latency);
      assert.deepEqual(await ask(meanLatencyOf(indicator.latency)), [0.5, 0.5]);
    });

    it('is counted pod by pod', async () => {
      const { errors } = eventsOf(latency('0.3'));
      assert.equal((await ask(createSelectors().split(errors, 'pod'))).length, 2);
    });
  });

  it('shows by its traces who called whom in the last hour', async () => {
    const samples = await prometheus.query(callsQuery('Traces', 'shop', ['web', 'cart']), AT);
    assert.deepEqual(callsOf('Traces', 'shop', samples), [
      { caller: 'web', callee: { namespace: 'shop', name: 'db' } },
    ]);
    for (const source of ['Istio', 'Linkerd'] as const)
      assert.deepEqual(await prometheus.query(callsQuery(source, 'shop', []), AT), []);
  });

  it('answers a range with the samples of each step', async () => {
    const range = { start: AT - 60_000, end: AT, step: 15_000 };
    const [series, ...others] = await prometheus.queryRange('x{pod="web-2-a",code="500"}', range);
    assert.deepEqual(others, []);
    assert.deepEqual(series?.labels, { __name__: 'x', code: '500', le: '+Inf', pod: 'web-2-a' });
    assert.deepEqual(
      series?.points,
      [35, 36, 37, 38, 39].map((value) => ({ at: (START + 15 * value) * 1000, value })),
    );
    assert.deepEqual(await prometheus.queryRange('x{pod="none"}', range), []);
    const [constant] = await prometheus.queryRange('1', range);
    assert.equal(constant?.points.length, 5);
  });

  it('answers a scalar, which is a sample, and a string, which is refused in words', async () => {
    assert.deepEqual(await prometheus.query('1 / 0'), [{ labels: {}, value: Number.POSITIVE_INFINITY }]);
    await assert.rejects(prometheus.query('"text"'), /no instant vector but string/);
    await assert.rejects(prometheus.query('x[5m]'), /no instant vector but matrix/);
  });
});
