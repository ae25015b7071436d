import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createMetrics } from '../telemetry/index.ts';
import { PrometheusError } from './answer.ts';
import type { Queries } from './prometheus.ts';
import { createQueryQueue } from './query-queue.ts';

/** Queries that wait until they are let go. */
const slow = () => {
  const running: string[] = [];
  const ends: (() => void)[] = [];
  let rules = 0;
  const queries: Queries = {
    async query(expression) {
      running.push(expression);
      await new Promise<void>((resolve) => ends.push(resolve));
      return [];
    },
    queryRange: async () => [],
    async alertingRules() {
      rules += 1;
      throw new PrometheusError('PrometheusUnreachable', 'away');
    },
  };
  return { queries, running, rules: () => rules, endAll: () => ends.splice(0).forEach((end) => void end()) };
};

describe('what is asked of Prometheus at a time', () => {
  it('is a few queries of one namespace, and leaves places for others', async () => {
    const { queries, running, endAll } = slow();
    const look = createQueryQueue(queries, { now: () => 0 });
    const loud = Array.from({ length: 50 }, (_, i) => look('loud').query(`loud-${i}`));
    const quiet = look('quiet').query('quiet');
    await Promise.resolve();
    assert.equal(running.filter((q) => q.startsWith('loud')).length, 3);
    assert.ok(running.includes('quiet'));
    for (let i = 0; i < 100 && running.length < 51; i += 1) {
      endAll();
      await new Promise(setImmediate);
    }
    endAll();
    await Promise.all([...loud, quiet]);
    assert.equal(running.length, 51);
  });

  it('is the same query once in a look, and again in the next', async () => {
    const { queries, running, endAll } = slow();
    const look = createQueryQueue(queries, { now: () => 0 });
    const first = look('shop');
    const answers = [first.query('x', 1), first.query('x', 1), first.query('x', 2), look('shop').query('x', 1)];
    await Promise.resolve();
    endAll();
    await Promise.all(answers);
    assert.deepEqual(running, ['x', 'x', 'x']);
  });

  it('goes round the namespaces, whoever asked first', async () => {
    const { queries, running, endAll } = slow();
    const look = createQueryQueue(queries, { now: () => 0 });
    const asked = ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'b', 'b', 'c'].map((ns, i) => look(ns).query(`${ns}${i}`));
    while (running.length < asked.length) {
      endAll();
      await new Promise(setImmediate);
    }
    endAll();
    await Promise.all(asked);
    assert.equal(running.length, asked.length);
    for (const later of ['a3', 'a4', 'b8']) assert.ok(running.indexOf('c9') < running.indexOf(later), running.join());
  });

  it('is not sent where its turn comes too late, which is said in words', async () => {
    const { queries, running, endAll } = slow();
    let now = 0;
    const look = createQueryQueue(queries, { now: () => now });
    const sent = ['1', '2', '3'].map((name) => look('shop').query(name));
    const late = [look('shop').query('4'), look('shop').query('5')];
    await Promise.resolve();
    now = 12_000;
    const fresh = look('shop').query('6');
    endAll();
    const isTooLate = (error: unknown): boolean =>
      error instanceof PrometheusError &&
      error.reason === 'PrometheusBusy' &&
      /waited 12 s for its turn, and after 10 s it is not sent/.test(error.message);
    await Promise.all(late.map((each) => assert.rejects(each, isTooLate)));
    await new Promise(setImmediate);
    endAll();
    await Promise.all([...sent, fresh]);
    assert.deepEqual(running, ['1', '2', '3', '6']);
  });

  it('is counted while it waits, and by how long it waited', async () => {
    const { queries, endAll } = slow();
    const metrics = createMetrics();
    let now = 0;
    const look = createQueryQueue(queries, { now: () => now }, metrics);
    const asked = ['1', '2', '3', '4', '5'].map((name) => look('shop').query(name));
    await Promise.resolve();
    assert.match(await metrics.registry.metrics(), /^metricops_prometheus_queries_waiting 2$/m);
    now = 2000;
    endAll();
    await new Promise(setImmediate);
    endAll();
    await Promise.all(asked);
    const text = await metrics.registry.metrics();
    assert.match(text, /^metricops_prometheus_queries_waiting 0$/m);
    assert.match(text, /^metricops_prometheus_wait_duration_seconds_bucket{le="0.001"} 3$/m);
    assert.match(text, /^metricops_prometheus_wait_duration_seconds_sum 4$/m);
  });

  it('is a rule of all at once, behind no queries of a namespace that waits', async () => {
    const { queries, rules, endAll } = slow();
    const look = createQueryQueue(queries, { now: () => 0 });
    const loud = Array.from({ length: 9 }, (_, i) => look('loud').query(`${i}`));
    await assert.rejects(look('loud').alertingRules('A'), PrometheusError);
    assert.equal(rules(), 1);
    for (let i = 0; i < 9; i += 1) {
      endAll();
      await new Promise(setImmediate);
    }
    await Promise.all(loud);
  });

  it('is a rule once in five seconds, by whoever needs it, also when that fails', async () => {
    const { queries, rules } = slow();
    let now = 0;
    const look = createQueryQueue(queries, { now: () => now });
    for (let i = 0; i < 50; i += 1) await assert.rejects(look(`ns-${i}`).alertingRules('A'), PrometheusError);
    assert.equal(rules(), 1);
    now = 5_000;
    await assert.rejects(look('shop').alertingRules('A'), PrometheusError);
    assert.equal(rules(), 2);
  });
});
