import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { evidence, incident, NOON, release, verdict } from '../../test/support/incident.ts';
import { guardrails } from '../api/rollback-policy.ts';
import type { RolloutEvidence } from '../release/index.ts';
import type { Queries } from '../slo/index.ts';
import { createJudge } from './judge.ts';
import type { Question } from './question.ts';

const CRASHES: RolloutEvidence = {
  pods: 1,
  crashing: 1,
  withoutNode: 0,
  exceededAt: undefined,
  worst: { name: 'web', reason: 'OOMKilled', restarts: 3, crashes: true, endedAt: NOON },
  older: { pods: 0, failing: 0 },
  wasGood: false,
  neighbours: 0,
};
const OF_PODS = evidence({ source: 'Rollout', alert: 'PodsCrash' });

const question = (rest: Partial<Question> = {}, kept = [OF_PODS]): Question => ({
  incident: incident(undefined, { evidence: kept }),
  suspect: release(2),
  before: release(1),
  objectives: [],
  guardrails: guardrails.parse({}),
  isTrustedRule: () => true,
  neighbours: [],
  around: [],
  podOf: () => undefined,
  rollout: { evidence: CRASHES },
  now: NOON,
  ...rest,
});
const prometheus = () => {
  const asked: string[] = [];
  const queries: Queries = {
    async query(expression) {
      asked.push(expression);
      return [];
    },
    queryRange: async () => [],
    async alertingRules(name) {
      asked.push(name);
      return [];
    },
  };
  return { asked, judge: createJudge(() => queries) };
};

describe('a judge of pods that fail', () => {
  it('finds the release guilty without any Prometheus', async () => {
    const { verdict } = await createJudge(undefined).judge(question());
    assert.deepEqual([verdict.result, verdict.reason], ['Guilty', 'PodsCrash']);
    assert.deepEqual(
      verdict.objectives?.map(({ name }) => name),
      ['rollout'],
    );
  });

  it('asks Prometheus nothing where nothing but the pods speaks, whatever they say', async () => {
    const { asked, judge } = prometheus();
    for (const found of [CRASHES, { ...CRASHES, neighbours: 1 }, undefined])
      await judge.judge(question({ rollout: { evidence: found } }));
    assert.deepEqual(asked, []);
  });

  it('weighs alerts, too, where the pods alone leave it open, and takes no evidence of pods for an alert', async () => {
    const { asked, judge } = prometheus();
    const rollout = { evidence: { ...CRASHES, neighbours: 1 } };
    const { verdict } = await judge.judge(
      question({ rollout }, [OF_PODS, evidence({ fingerprint: 'a', alert: 'Burn' })]),
    );
    assert.deepEqual(
      verdict.objectives?.map(({ name, result }) => `${name} ${result}`),
      ['alerts Inconclusive', 'rollout Inconclusive'],
    );
    assert.deepEqual(asked, ['Burn']);
  });

  it('is heard before Prometheus where the pods alone show the fault, though alerts came, too', async () => {
    const { asked, judge } = prometheus();
    const { verdict } = await judge.judge(question({}, [OF_PODS, evidence({ fingerprint: 'a', alert: 'Burn' })]));
    assert.deepEqual([verdict.result, verdict.reason, asked], ['Guilty', 'PodsCrash', []]);
  });

  it('asks Prometheus, too, whether it is over where an objective burned as well', async () => {
    const { asked, judge } = prometheus();
    const guilty = (name: string) => ({ name, result: 'Guilty' as const, reason: 'PodsCrash', message: 'because' });
    const found = verdict('Guilty', { objectives: [guilty('rollout'), guilty('alerts')] });
    const kept = [OF_PODS, evidence({ fingerprint: 'a', alert: 'Burn' })];
    const burning = await judge.isBurning(question({ incident: incident({ verdict: found }, { evidence: kept }) }));
    assert.deepEqual([burning, asked], [undefined, ['Burn']], 'Prometheus has no rule of that name');
  });

  it('is nothing after the rollback of a release whose pods are not observed', async () => {
    const found = verdict('Guilty', {
      objectives: [{ name: 'rollout', result: 'Guilty', reason: 'PodsCrash', message: 'because' }],
    });
    const { rollout: _, ...asks } = question({ incident: incident({ verdict: found }, { evidence: [OF_PODS] }) });
    assert.equal(await createJudge(undefined).isBurning(asks), false);
  });

  it('says that it is over when the pods that run now are as they should be', async () => {
    const { asked, judge } = prometheus();
    const found = verdict('Guilty', {
      objectives: [{ name: 'rollout', result: 'Guilty', reason: 'PodsCrash', message: 'because' }],
    });
    const rolledBack = incident({ verdict: found }, { evidence: [OF_PODS] });
    for (const [evidence, burning] of [
      [CRASHES, true],
      [undefined, false],
    ] as const)
      assert.equal(await judge.isBurning(question({ incident: rolledBack, rollout: { evidence } })), burning);
    assert.deepEqual(asked, []);
  });
});
