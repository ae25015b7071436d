import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { counterOf } from './counters.ts';
import { createDatabase } from './promql.ts';

/** Each 15 s from 0 to 10 minutes. */
const times = Array.from({ length: 41 }, (_, i) => i * 15_000);
const counter = (code: string, pod: string, perScrape: number) =>
  counterOf({ __name__: 'x', code, pod }, { times, values: times.map((_, i) => i * perScrape) });
const database = createDatabase([
  counter('200', 'a-1', 30),
  counter('500', 'a-1', 3),
  counter('200', 'b-1', 15),
  counter('500', 'b-1', 0),
]);
const AT = 600_000;
const value = (expression: string): number | undefined => database.query(expression, AT)[0]?.value;
const close = (found: number | undefined, expected: number): void =>
  assert.ok(found !== undefined && Math.abs(found - expected) < 1e-9, `${found} is not ${expected}`);

describe('the simulated Prometheus', () => {
  it('counts a rate by what a counter rises in a second', () => {
    close(value('rate(x{code="200",pod="a-1"}[5m])'), 2);
    close(value('increase(x{code="200",pod="a-1"}[5m])'), 600);
  });

  it('takes a counter that has just begun back to where it would have been zero, and no further', () => {
    const young = counterOf({ __name__: 'y' }, { times: [60_000, 75_000, 90_000], values: [10, 20, 30] });
    const found = createDatabase([young]).query('increase(y[5m])', 90_000)[0]?.value;
    close(found, 30);
  });

  it('counts on where a process began again', () => {
    const restarted = counterOf({ __name__: 'y' }, { times: [0, 15_000, 30_000, 45_000], values: [1000, 1010, 5, 15] });
    const found = createDatabase([restarted]).query('increase(y[45s])', 45_000)[0]?.value;
    close(found, 25);
  });

  it('has no rate of a single sample, and none of a time without any', () => {
    const one = createDatabase([counterOf({ __name__: 'y' }, { times: [0], values: [1] })]);
    assert.deepEqual(one.query('sum(rate(y[1m]))', 10_000), []);
    assert.deepEqual(database.query('sum(rate(x[1m]))', AT + 3_600_000), []);
  });

  it('adds up, by labels or all', () => {
    close(value('sum(rate(x[5m]))'), 3.2);
    const byPod = database.query('sum by (pod) (rate(x[5m]))', AT);
    assert.deepEqual(
      byPod.map(({ labels }) => labels),
      [{ pod: 'a-1' }, { pod: 'b-1' }],
    );
  });

  it('matches labels by text and by pattern, and one that is missing as empty', () => {
    close(value('sum(rate(x{code=~"5..",pod!~"b-.+"}[5m]))'), 0.2);
    close(value('sum(rate(x{code!="200",none=""}[5m]))'), 0.2);
  });

  it('divides, compares and joins as alerting rules do', () => {
    const ratio = 'sum(rate(x{code="500"}[5m])) / sum(rate(x[5m]))';
    close(value(ratio), 0.0625);
    close(value(`${ratio} > 0.05 and ${ratio} > 0.06`), 0.0625);
    assert.deepEqual(database.query(`${ratio} > 0.05 and ${ratio} > 0.07`, AT), []);
    close(value('sum(rate(none[5m])) or vector(0) # none'), 0);
  });

  it('answers a range with the samples of each step', () => {
    const [series] = database.queryRange('sum(rate(x[1m]))', { start: AT - 60_000, end: AT, step: 15_000 });
    assert.deepEqual(
      series?.points.map(({ at }) => at),
      [540_000, 555_000, 570_000, 585_000, 600_000],
    );
  });

  it('refuses what it does not evaluate, in words', () => {
    assert.throws(() => database.query('max(x)', AT), /evaluates no AggregateExpr: max\(x\)/);
    assert.throws(() => database.query('x', AT), /evaluates no VectorSelector: x/);
    assert.throws(() => database.query('sum(', AT));
  });
});
