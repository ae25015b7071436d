import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, incident, NOON, release } from '../../test/support/incident.ts';
import { guardrails, type MeasuredObjective } from '../api/rollback-policy.ts';
import { createSelectors, PrometheusError, type Queries } from '../slo/index.ts';
import type { Question } from './question.ts';
import { measureRestored } from './restored.ts';

const ago = (seconds: number): string => at(-seconds);
const objective = (name = 'availability'): MeasuredObjective => ({
  name,
  target: '99',
  window: '30d',
  burnWindows: [{ long: '1h', short: '5m', factor: '1', severity: 'page' }],
  indicator: { ratio: { errors: `${name}_errors[$window]`, total: `${name}_total[$window]`, podLabel: 'pod' } },
});
/** Ten minutes after release 2 was rolled back to release 1. */
const question = (rest: Partial<Question> = {}): Question => ({
  incident: incident({
    rolledBackTime: ago(600),
    target: { number: 1, sourceDigest: digest(1), revision: 'r1', snapshotRef: { name: 's' } },
  }),
  suspect: release(2, { revision: 'r2' }),
  before: release(1, { revision: 'r1' }),
  objectives: [],
  guardrails: guardrails.parse({}),
  neighbours: [],
  around: [],
  podOf: () => undefined,
  isTrustedRule: () => true,
  now: NOON,
  ...rest,
});
const prometheusWith = (value: (query: string) => number) => {
  const asked: string[] = [];
  const prometheus: Queries = {
    async query(query) {
      asked.push(query);
      return [{ labels: {}, value: value(query) }];
    },
    queryRange: async () => [],
    alertingRules: async () => [],
  };
  return { asked, witness: { prometheus, selectors: createSelectors() } };
};
const failing = (ratio: number, total = 100) =>
  prometheusWith((query) => (query.includes('total') ? total : total * ratio));

describe('what the restored release fails', () => {
  it('is counted over the last five minutes, of its own pods', async () => {
    const { asked, witness } = failing(0.2);
    const found = await measureRestored([objective()], question(), witness);
    assert.deepEqual(asked, [
      'availability_errors{pod=~"web-r1-.+"}[300s]',
      'availability_total{pod=~"web-r1-.+"}[300s]',
    ]);
    assert.deepEqual(found, {
      burns: true,
      message: 'availability: 20 % of 30000 requests fail, the error budget burns above 1 %',
    });
  });

  it('is a burn above the threshold of the verdict, and not at it', async () => {
    const burns = async (ratio: number) =>
      (await measureRestored([objective()], question(), failing(ratio).witness))?.burns;
    assert.deepEqual([await burns(0.0101), await burns(0.01)], [true, false]);
  });

  it('is counted since the rollback where five minutes have too few requests, and unknown where these have', async () => {
    const quiet = failing(0.5, 0.05);
    const found = await measureRestored([objective()], question(), quiet.witness);
    assert.deepEqual([quiet.asked.length, found?.burns], [4, true]);
    assert.match(found?.message ?? '', /50 % of 30 requests/);
    assert.equal(await measureRestored([objective()], question(), failing(0.5, 0.03).witness), undefined);
  });

  it('is counted of the pods that the release has now: a pinned image gives it others', async () => {
    const { asked, witness } = failing(0.2);
    await measureRestored([objective()], question({ restored: release(1, { revision: 'pinned' }) }), witness);
    assert.match(asked[0] ?? '', /web-pinned-/);
  });

  it('is what it fails most, of several objectives, and says nothing of one that Prometheus refuses', async () => {
    const { witness } = prometheusWith((query) => {
      if (query.startsWith('refused')) throw new PrometheusError('ExpressionRefused', 'no such function');
      return query.includes('total') ? 100 : query.startsWith('worse') ? 40 : 20;
    });
    const found = await measureRestored([objective('refused'), objective(), objective('worse')], question(), witness);
    assert.match(found?.message ?? '', /^worse: 40 %/);
    assert.equal(await measureRestored([objective('refused')], question(), witness), undefined);
  });
});
