import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { guardrails, isMeasured, type MeasuredObjective, objective as schema } from '../api/rollback-policy.ts';
import { PrometheusError, type Queries } from '../slo/index.ts';
import { burningAround } from './around.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const BEGAN = NOW - 120_000;

const objective = (name: string): MeasuredObjective => {
  const indicator = { ratio: { errors: `sum(rate(e_${name}[$window]))`, total: `sum(rate(t_${name}[$window]))` } };
  const parsed = schema.parse({ name, target: '99', indicator });
  assert.ok(isMeasured(parsed));
  return parsed;
};
const workload = (name: string) => ({ name, objectives: [objective(name)] });

/** Failed and all requests a second, of each workload, before the burn began and since. */
type Rates = Record<string, { before: [bad: number, all: number]; since: [bad: number, all: number] } | 'away'>;

const around = async (rates: Rates, countsWell = false, isAsSuspect = false) => {
  const asked: string[] = [];
  const query: Queries['query'] = async (expression, at = NOW) => {
    asked.push(expression);
    const name = /[et]_(\w+)\[/.exec(expression)?.[1] ?? '';
    const of = rates[name];
    if (of === undefined || of === 'away') throw new PrometheusError('PrometheusUnreachable', 'away');
    const [bad, all] = at > BEGAN ? of.since : of.before;
    const value = expression.includes('/') ? bad / all : expression.includes('e_') ? bad : all;
    return [{ labels: {}, value }];
  };
  const prometheus: Queries = {
    query,
    queryRange: () => Promise.reject(new Error('nobody asks')),
    alertingRules: () => Promise.reject(new Error('nobody asks')),
  };
  const others = Object.keys(rates).map((name) => ({ ...workload(name), isAsSuspect }));
  const question = { around: others, guardrails: guardrails.parse({}) };
  const burn = { began: BEGAN, at: NOW, windowMs: NOW - BEGAN, countsWell };
  const { burning, well } = await burningAround(burn, question, { prometheus });
  return { found: burning, well, asked };
};

describe('the other workloads of the namespace', () => {
  it('that burn since the burn began are named with their error ratio', async () => {
    const { found } = await around({ cart: { before: [0, 10], since: [5, 10] } });
    assert.deepEqual(found, [{ name: 'cart', errorRatio: '0.5' }]);
  });

  for (const [what, rates] of [
    ['do not burn', { before: [0, 10], since: [0.01, 10] }],
    ['burned before', { before: [5, 10], since: [5, 10] }],
    ['have too few requests to be sure', { before: [0, 0.01], since: [0.005, 0.01] }],
    ['have no requests', { before: [0, 0], since: [0, 0] }],
    ['can not be asked', 'away'],
  ] as const satisfies [string, Rates[string]][])
    it(`that ${what} are no evidence`, async () => {
      const { found } = await around({
        cart: typeof rates === 'string' ? rates : { before: [...rates.before], since: [...rates.since] },
      });
      assert.deepEqual(found, []);
    });

  it('cost one query each where they do not burn, and one that fails hides no other', async () => {
    const { found, asked } = await around({
      away: 'away',
      calm: { before: [0, 10], since: [0, 10] },
      cart: { before: [0, 10], since: [10, 10] },
    });
    assert.deepEqual(
      found.map(({ name }) => name),
      ['cart'],
    );
    assert.equal(asked.filter((expression) => expression.includes('calm')).length, 1);
  });

  it('are counted as well where they surely had requests and do not burn, if that was asked for', async () => {
    const rates: Rates = {
      calm: { before: [0, 10], since: [0.01, 10] },
      idle: { before: [0, 0.01], since: [0, 0.01] },
      burning: { before: [0, 10], since: [5, 10] },
      away: 'away',
    };
    assert.equal((await around(rates, true)).well, 1);
    assert.equal((await around(rates)).well, 0);
  });

  it("are not asked where the suspect's commit released them, too: they are as suspect", async () => {
    const { found, well, asked } = await around({ cart: { before: [0, 10], since: [5, 10] } }, true, true);
    assert.deepEqual([found, well, asked], [[], 0, []]);
  });

  it('are not well by a histogram that has no such bucket: it shows nothing', async () => {
    const { target, indicator } = {
      target: '99',
      indicator: { latency: { histogram: 'took_seconds', threshold: '1' } },
    };
    const latency = schema.parse({ name: 'latency', target, indicator });
    assert.ok(isMeasured(latency));
    const wellWith = async (ratio: readonly number[]): Promise<number> => {
      const query: Queries['query'] = async (expression) =>
        (expression.includes('/') ? ratio : [10]).map((value) => ({ labels: {}, value }));
      const never = () => Promise.reject(new Error('nobody asks'));
      const prometheus: Queries = { query, queryRange: never, alertingRules: never };
      const burn = { began: BEGAN, at: NOW, windowMs: NOW - BEGAN, countsWell: true };
      const question = { around: [{ name: 'cart', objectives: [latency] }], guardrails: guardrails.parse({}) };
      return (await burningAround(burn, question, { prometheus })).well;
    };
    assert.deepEqual([await wellWith([0]), await wellWith([])], [1, 0]);
  });
});
