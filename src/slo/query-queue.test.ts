import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Queries } from './prometheus.ts';
import { createQueryQueue } from './query-queue.ts';
import { PrometheusError } from './responses.ts';

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
