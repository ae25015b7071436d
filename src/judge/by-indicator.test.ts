import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Incident } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { guardrails, type MeasuredObjective } from '../api/rollback-policy.ts';
import { createSelectors, type Queries } from '../slo/index.ts';
import { burnsByIndicator, judgeByIndicator } from './by-indicator.ts';
import type { Question } from './question.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
const release = (number: number, rest: Partial<Release> = {}): Release => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [],
  revision: `r${number}`,
  firstSeenTime: ago(600),
  outcome: 'Active',
  ...rest,
});
const { revision: _, ...withoutRevision } = release(2);
const objective = (rest: Partial<MeasuredObjective> = {}, podLabel = 'pod'): MeasuredObjective => ({
  name: 'availability',
  target: '99',
  window: '30d',
  indicator: { ratio: { errors: 'errors[$window]', total: 'total[$window]', podLabel } },
  ...rest,
});
const question = (rest: Partial<Question & { suspect: Release }> = {}): Question & { suspect: Release } => ({
  incident: {
    metadata: { name: 'i', namespace: 'shop' },
    spec: { workloadRef: { kind: 'Deployment', name: 'web' } },
  } as Incident,
  suspect: release(2),
  before: release(1),
  objectives: [],
  guardrails: guardrails.parse({}),
  isTrustedRule: () => true,
  now: NOW,
  ...rest,
});
/** Prometheus in which each query has the samples that the test says. */
const prometheusWith = (samples: (query: string) => readonly number[]) => {
  const asked: string[] = [];
  const prometheus: Queries = {
    async query(query) {
      asked.push(query);
      return samples(query).map((value) => ({ labels: {}, value }));
    },
    queryRange: async () => [],
    alertingRules: async () => [],
  };
  return { asked, witness: { prometheus, selectors: createSelectors() } };
};
/** Requests in a second, and a part of them that fails; the release before it fails none. */
const failing = (ratio: number) => (query: string) =>
  query.startsWith('total') ? [100] : query.includes('r1') ? [0] : [100 * ratio];
const alone = question({ before: undefined });

describe('the window in which a release is measured', () => {
  const windowOf = async (suspect: Release): Promise<string | undefined> => {
    const { asked, witness } = prometheusWith(failing(0));
    await judgeByIndicator(objective(), question({ suspect, before: undefined }), witness);
    return /\[(\d+s)\]/.exec(asked[0] ?? '')?.[1];
  };
  for (const [what, suspect, window] of [
    ['begins when the release was ready', release(2, { readyTime: ago(60) }), '60s'],
    ['begins when it was first seen, where it never was ready', release(2), '600s'],
    ['is rounded up to seconds', release(2, { readyTime: ago(59.2) }), '60s'],
    ['is never shorter than what has two scrapes', release(2, { readyTime: ago(1) }), '5s'],
    ['is never longer than the longest of the objective', release(2, { readyTime: ago(400_000) }), '259200s'],
  ] as const)
    it(what, async () => assert.equal(await windowOf(suspect), window));

  it('is five minutes for the release before', async () => {
    const { asked, witness } = prometheusWith(failing(0));
    await judgeByIndicator(objective(), question(), witness);
    assert.deepEqual(
      asked.filter((query) => query.includes('r1')),
      ['errors{pod=~"web-r1-.+"}[300s]', 'total{pod=~"web-r1-.+"}[300s]'],
    );
  });
});

describe('what a release is judged by', () => {
  it('is the lowest threshold of its windows: 1 % of errors, at a target of 99 %', async () => {
    const judged = async (ratio: number) =>
      (await judgeByIndicator(objective(), alone, prometheusWith(failing(ratio)).witness)).result;
    assert.deepEqual([await judged(0.009), await judged(0.05)], ['NotGuilty', 'Guilty']);
  });

  it('is counts over the window, of all samples together', async () => {
    const { witness } = prometheusWith((query) => (query.startsWith('total') ? [3, 7] : [0.5, 0.5]));
    const finding = await judgeByIndicator(objective(), alone, witness);
    assert.deepEqual([finding.newErrorRatio, finding.newRequests], ['0.1', '6000']);
    assert.equal(finding.query, '(errors{pod=~"web-r2-.+"}[600s]) / (total{pod=~"web-r2-.+"}[600s])');
  });

  it('is no error where only requests are recorded', async () => {
    const { witness } = prometheusWith((query) => (query.startsWith('total') ? [100] : []));
    const { result, newErrorRatio } = await judgeByIndicator(objective(), alone, witness);
    assert.deepEqual([result, newErrorRatio], ['NotGuilty', '0']);
  });

  it('is nothing where no requests are recorded, whatever errors are', async () => {
    const { witness } = prometheusWith((query) => (query.startsWith('total') ? [] : [100]));
    const { result, reason } = await judgeByIndicator(objective(), alone, witness);
    assert.deepEqual([result, reason], ['Inconclusive', 'NoData']);
  });

  for (const [what, suspect, before, podLabel] of [
    ['the metric has no pods', release(2), release(1), ''],
    ['the release has no revision', withoutRevision, release(1), 'pod'],
    ['both releases have the same pods', release(2), release(1, { revision: 'r2' }), 'pod'],
  ] as const)
    it(`is what the expressions say as they stand where ${what}`, async () => {
      const { asked, witness } = prometheusWith(failing(0));
      const finding = await judgeByIndicator(objective({}, podLabel), question({ suspect, before }), witness);
      assert.equal(finding.query, '(errors[600s]) / (total[600s])');
      assert.ok(asked.includes('total[600s]'));
    });

  it('is what the expressions say as they stand for a StatefulSet, whose pods keep their names', async () => {
    const { asked, witness } = prometheusWith(failing(0));
    const { incident } = question();
    const spec = { ...incident.spec, workloadRef: { kind: 'StatefulSet' as const, name: 'web' } };
    await judgeByIndicator(objective(), question({ incident: { ...incident, spec } }), witness);
    assert.deepEqual(asked.slice(0, 2), ['errors[600s]', 'total[600s]']);
  });
});

describe('whether the budget burns', () => {
  const windows = [
    { long: '6h', short: '30m', factor: '6', severity: 'page' },
    { long: '1h', short: '5m', factor: '10', severity: 'page' },
  ] as const;
  const own = objective({ burnWindows: [...windows] });

  it('is measured in the shortest window, without regard to releases', async () => {
    const { asked, witness } = prometheusWith(() => [1]);
    await burnsByIndicator(own, question(), witness);
    assert.deepEqual(asked, ['errors[300s]', 'total[300s]']);
  });

  for (const [what, errors, total, burns] of [
    ['the error ratio is above the threshold of that window', [10.1], [100], true],
    ['it is at the threshold', [10], [100], false],
    ['nothing fails', [], [100], false],
    ['nothing is requested', [10], [0], undefined],
    ['nothing is recorded', [10], [], undefined],
    ['what is recorded is no number', [10], [Number.NaN], undefined],
  ] as const)
    it(`is ${burns ?? 'unknown'} where ${what}`, async () => {
      const { witness } = prometheusWith((query) => (query.startsWith('errors') ? errors : total));
      assert.equal(await burnsByIndicator(own, question(), witness), burns);
    });
});
