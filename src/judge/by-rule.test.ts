import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Evidence, Incident } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { guardrails } from '../api/rollback-policy.ts';
import { type AlertingRule, createSelectors, type Queries } from '../slo/index.ts';
import { burnsByRule, judgeByRule } from './by-rule.ts';
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
  incident: { metadata: { name: 'i', namespace: 'shop' } } as Incident,
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
/** Prometheus with these rules, whose expressions have a sample with these labels at these times. */
const prometheusWith = (rules: readonly AlertingRule[], labels: Record<string, string> = {}, firesAt = [NOW]) => {
  const names: string[] = [];
  const asked: { query: string; at: number | undefined }[] = [];
  const prometheus: Queries = {
    async query(query, at = NOW) {
      asked.push({ query, at });
      return firesAt.includes(at) ? [{ labels, value: 1 }] : [];
    },
    queryRange: async () => [],
    async alertingRules(name) {
      names.push(name);
      return rules.filter((one) => one.name === name);
    },
  };
  return { names, asked, witness: { prometheus, selectors: createSelectors() } };
};

describe('the rule behind the alerts', () => {
  it('is asked now, and a second before the release was first seen', async () => {
    const { asked, witness } = prometheusWith([rule('Burn')]);
    const { finding } = await judgeByRule([evidence('Burn')], question, witness);
    assert.deepEqual([finding.result, finding.query], ['Guilty', 'expression of Burn']);
    assert.deepEqual(
      asked.map(({ at }) => at),
      [NOW, Date.parse(FIRST_SEEN) - 1000],
    );
  });

  it('finds the release NotGuilty where it fired a second before it, or fires no more', async () => {
    const before = prometheusWith([rule('Burn')], {}, [NOW, Date.parse(FIRST_SEEN) - 1000]);
    const { finding } = await judgeByRule([evidence('Burn')], question, before.witness);
    assert.deepEqual([finding.result, finding.reason], ['NotGuilty', 'BurnBeganBefore']);
    const over = prometheusWith([rule('Burn')], {}, []);
    const ended = await judgeByRule([evidence('Burn')], question, over.witness);
    assert.deepEqual([ended.finding.result, ended.finding.reason], ['NotGuilty', 'NotBurning']);
  });

  it('is none where Prometheus has no rule of that name, which makes no verdict', async () => {
    const { witness } = prometheusWith([rule('Other')]);
    const judged = await judgeByRule([evidence('Burn')], question, witness);
    assert.deepEqual([judged.finding.result, judged.finding.reason], ['Inconclusive', 'NoExpression']);
    assert.ok(!('caution' in judged));
    assert.equal(await burnsByRule([evidence('Burn')], question, witness), undefined);
  });

  it('is the one whose labels the alert has, all of them', async () => {
    const wanted = { severity: 'page', team: 'shop' };
    const rules = [rule('Burn', { labels: wanted })];
    const judged = (labels: Record<string, string>) =>
      judgeByRule([evidence('Burn', labels)], question, prometheusWith(rules).witness);
    assert.equal((await judged({ ...wanted, pod: 'web-1' })).finding.result, 'Guilty');
    assert.equal((await judged({ severity: 'page', team: 'other' })).finding.reason, 'NoExpression');
    assert.equal((await judged({ severity: 'page' })).finding.reason, 'NoExpression');
  });

  it('is looked for by the labels of the first evidence of its alert', async () => {
    const rules = [rule('Burn', { labels: { severity: 'page' } })];
    const both = [evidence('Burn', { severity: 'page' }), evidence('Burn', { severity: 'ticket' })];
    const { names, witness } = prometheusWith(rules);
    assert.equal((await judgeByRule(both, question, witness)).finding.result, 'Guilty');
    assert.deepEqual(names, ['Burn']);
  });

  it('is looked for under eight names at most', async () => {
    const { names, witness } = prometheusWith([]);
    const many = Array.from({ length: 12 }, (_, i) => evidence(`Burn${i}`));
    await judgeByRule(many, question, witness);
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
      return (await judgeByRule([evidence('Burn')], question, witness)).caution;
    };
    assert.equal(await caution('own'), undefined);
    assert.equal(await caution(''), 'the alerting rule, of an unknown file, is not one of namespace shop');
    assert.equal(
      await caution('f'.repeat(300)),
      `the alerting rule, of ${'f'.repeat(200)}, is not one of namespace shop`,
    );
  });
});
