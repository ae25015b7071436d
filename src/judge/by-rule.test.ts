import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Evidence, Incident } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { guardrails } from '../api/rollback-policy.ts';
import { type AlertingRule, createSelectors, type Queries } from '../slo/index.ts';
import { burnsByRule, measureRule } from './by-rule.ts';
import type { Question } from './question.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const FIRST_SEEN = '2026-01-01T11:50:00Z';
const evidence = (alert: string, labels: Record<string, string> = {}): Evidence => ({
  source: 'Alertmanager',
  fingerprint: alert,
  alert,
  status: 'firing',
  labels: { alertname: alert, namespace: 'shop', ...labels },
  receivedTime: '2026-01-01T11:59:50Z',
  lastReceivedTime: '2026-01-01T11:59:50Z',
});
const question: Question & { suspect: Release } = {
  incident: {
    metadata: { name: 'i', namespace: 'shop' },
    spec: { evidence: [{ receivedTime: '2026-01-01T11:59:50Z' }] },
  } as Incident,
  suspect: {
    number: 2,
    sourceDigest: `v1:${'2'.repeat(64)}`,
    workloadUID: 'u',
    images: [],
    firstSeenTime: FIRST_SEEN,
    outcome: 'Active',
  },
  before: undefined,
  objectives: [],
  guardrails: guardrails.parse({}),
  neighbours: [],
  around: [],
  podOf: () => undefined,
  isTrustedRule: (file) => file === 'own',
  now: NOW,
};
const rule = (name: string, rest: Partial<AlertingRule> = {}): AlertingRule => ({
  name,
  expression: `expression of ${name}`,
  labels: {},
  file: 'own',
  ...rest,
});
/** Prometheus with these rules, whose expressions have a sample with these labels since that time. */
const prometheusWith = (
  rules: readonly AlertingRule[],
  labels: Record<string, string> = {},
  firesAt = (at: number): boolean => at >= NOW - 30_000,
) => {
  const names: string[] = [];
  const asked: string[] = [];
  const prometheus: Queries = {
    async query(query, at = NOW) {
      asked.push(query);
      return firesAt(at) ? [{ labels, value: 1 }] : [];
    },
    async queryRange(query, { start, end, step }) {
      asked.push(query);
      const points = Array.from({ length: Math.round((end - start) / step) + 1 }, (_, i) => start + i * step);
      return [{ labels, points: points.filter(firesAt).map((at) => ({ at, value: 1 })) }];
    },
    async alertingRules(name) {
      names.push(name);
      return rules.filter((one) => one.name === name);
    },
  };
  return { names, asked, witness: { prometheus, selectors: createSelectors() } };
};
const at = (time: number): string => new Date(time).toISOString();

describe('the rule behind the alerts', () => {
  it('is evaluated now, and by one range query from five minutes before the release on', async () => {
    const { asked, witness } = prometheusWith([rule('Burn')]);
    const found = await measureRule([evidence('Burn')], question, witness);
    assert.deepEqual([found?.query, asked], ['expression of Burn', ['expression of Burn', 'expression of Burn']]);
    assert.deepEqual(found?.rule, {
      fires: true,
      fromTime: at(Date.parse(FIRST_SEEN) - 285_000),
      sinceTime: at(NOW - 30_000),
    });
  });

  for (const [what, firesAt, fires, since] of [
    [
      'since it has a result without a gap',
      (time: number) => time >= NOW - 60_000 || time < NOW - 90_000,
      true,
      NOW - 60_000,
    ],
    ['at all, where it has none now', (time: number) => time < NOW, false, undefined],
    ['for as long as it was evaluated', () => true, true, Date.parse(FIRST_SEEN) - 285_000],
  ] as const)
    it(`is found to fire ${what}`, async () => {
      const { witness } = prometheusWith([rule('Burn')], {}, firesAt);
      const found = await measureRule([evidence('Burn')], question, witness);
      assert.deepEqual(
        [found?.rule.fires, found?.rule.sinceTime],
        [fires, since === undefined ? undefined : at(since)],
      );
    });

  it('has the same onset a few seconds later: its steps are counted from the release on', async () => {
    const onsets = [0, 1, 7, 14].map(async (seconds) => {
      const later = { ...question, now: NOW + seconds * 1000 };
      const { witness } = prometheusWith([rule('Burn')]);
      return (await measureRule([evidence('Burn')], later, witness))?.rule.sinceTime;
    });
    assert.deepEqual(await Promise.all(onsets), Array(4).fill(at(NOW - 30_000)));
  });

  it('is evaluated once more just before the release, where it fired before: one burn may have ended as another began', async () => {
    const released = Date.parse(FIRST_SEEN);
    const twice = (time: number): boolean => time < released - 2000 || time >= released;
    const { asked, witness } = prometheusWith([rule('Burn')], {}, twice);
    const found = await measureRule([evidence('Burn')], question, witness);
    assert.deepEqual([found?.rule.sinceTime, asked.length], [at(released), 3]);
  });

  it('is none where Prometheus has no rule of that name', async () => {
    const { witness } = prometheusWith([rule('Other')]);
    assert.equal(await measureRule([evidence('Burn')], question, witness), undefined);
    assert.equal(await burnsByRule([evidence('Burn')], question, witness), undefined);
  });

  it('is the one whose labels the alert has, all of them', async () => {
    const wanted = { severity: 'page', team: 'shop' };
    const rules = [rule('Burn', { labels: wanted })];
    const judged = (labels: Record<string, string>) =>
      measureRule([evidence('Burn', labels)], question, prometheusWith(rules).witness);
    assert.equal((await judged({ ...wanted, pod: 'web-1' }))?.rule.fires, true);
    assert.equal(await judged({ severity: 'page', team: 'other' }), undefined);
    assert.equal(await judged({ severity: 'page' }), undefined);
  });

  it('is looked for by the labels of the first evidence of its alert', async () => {
    const rules = [rule('Burn', { labels: { severity: 'page' } })];
    const both = [evidence('Burn', { severity: 'page' }), evidence('Burn', { severity: 'ticket' })];
    const { names, witness } = prometheusWith(rules);
    assert.equal((await measureRule(both, question, witness))?.rule.fires, true);
    assert.deepEqual(names, ['Burn']);
  });

  it('is looked for under eight names at most', async () => {
    const { names, witness } = prometheusWith([]);
    const many = Array.from({ length: 12 }, (_, i) => evidence(`Burn${i}`));
    await measureRule(many, question, witness);
    assert.deepEqual(
      names,
      Array.from({ length: 8 }, (_, i) => `Burn${i}`),
    );
  });

  for (const [what, labels, burning] of [
    ['says nothing else of the workload', {}, true],
    ['agrees with all labels of the alert that it has', { namespace: 'shop', severity: 'page' }, true],
    ['has a label that the alert has not', { instance: '10.0.0.1' }, true],
    ['is of another namespace', { namespace: 'other', severity: 'page' }, false],
  ] as const)
    it(`${burning ? 'fires' : 'does not fire'} where its sample ${what}`, async () => {
      const { witness } = prometheusWith([rule('Burn')], labels);
      assert.equal(await burnsByRule([evidence('Burn', { severity: 'page' })], question, witness), burning);
    });

  it('asks for a person where its file is not one of the namespace, and names the file as far as it is known', async () => {
    const caution = async (file: string) => {
      const { witness } = prometheusWith([rule('Burn', { file })]);
      return (await measureRule([evidence('Burn')], question, witness))?.caution;
    };
    assert.equal(await caution('own'), undefined);
    assert.equal(await caution(''), 'the alerting rule, of an unknown file, is not one of namespace shop');
    assert.equal(
      await caution('f'.repeat(300)),
      `the alerting rule, of ${'f'.repeat(200)}, is not one of namespace shop`,
    );
  });
});
