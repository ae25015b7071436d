import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { evidence, incident } from '../../test/support/incident.ts';
import type { Release } from '../api/release-history.ts';
import { guardrails, type Objective } from '../api/rollback-policy.ts';
import type { Queries } from '../slo/index.ts';
import { createJudge } from './judge.ts';
import { replay } from './replay.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const minutes = (count: number): number => NOW - count * 60_000;
const iso = (time: number): string => new Date(time).toISOString();
const release = (number: number, from: number, to?: number): Release => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [],
  revision: `r${number}`,
  firstSeenTime: iso(minutes(from)),
  readyTime: iso(minutes(from)),
  ...(to === undefined ? {} : { supersededTime: iso(minutes(to)) }),
  outcome: 'Active',
});
const objective: Objective = {
  name: 'availability',
  target: '99',
  window: '30d',
  indicator: { ratio: { errors: 'errors[$window]', total: 'total[$window]', podLabel: 'pod' } },
};

/** Requests and failures a second of the pods of a release, while they run. */
interface Pods {
  release: number;
  from: number;
  to: number;
  total: number;
  /** A fifth of them fails from this minute on. */
  failsFrom?: number;
}

/** Release 3 came after release 2, and that after release 1, each a few minutes later. */
const judged = async (two: { from: number; to: number }, pods: readonly Pods[]) => {
  const asked: string[] = [];
  const queries: Queries = {
    query: async () => [],
    async queryRange(expression, { start, end, step }) {
      asked.push(expression);
      const mine = pods.filter((each) => expression.includes(`web-r${each.release}-`));
      const valueAt = (at: number): number =>
        mine
          .filter(({ from, to }) => at > minutes(from) && at <= minutes(to))
          .reduce((sum, { total, failsFrom = -1 }) => {
            const fails = failsFrom >= 0 && at > minutes(failsFrom);
            return sum + (expression.includes('total') ? total : fails ? total / 5 : 0);
          }, 0);
      const points = [];
      for (let at = start; at <= end; at += step) points.push({ at, value: valueAt(at) });
      return [{ labels: {}, points: points.filter(({ value }) => value > 0) }];
    },
    alertingRules: async () => [],
  };
  const { verdict } = await createJudge(() => queries).judge({
    incident: incident(undefined, { evidence: [evidence({ receivedTime: iso(NOW - 10_000) })] }),
    suspect: release(3, two.to),
    before: release(2, two.from, two.to),
    earlier: [release(1, 600, two.from)],
    objectives: [objective],
    guardrails: guardrails.parse({}),
    neighbours: [],
    around: [],
    podOf: () => undefined,
    isTrustedRule: () => true,
    now: NOW,
  });
  return { verdict, asked };
};

describe('a release that came shortly after another one', () => {
  const ran = [
    { release: 1, from: 600, to: 12, total: 100 },
    { release: 2, from: 12, to: 5, total: 100 },
    { release: 3, from: 5, to: 0, total: 100 },
  ] as const;
  const [one, two, three] = ran;

  it('goes with it where both burn since the older one came: the older one is guilty', async () => {
    const { verdict } = await judged({ from: 12, to: 5 }, [
      one,
      { ...two, failsFrom: 12 },
      { ...three, failsFrom: 12 },
    ]);
    assert.deepEqual([verdict.result, verdict.sinceRelease], ['Guilty', 2]);
    assert.match(
      verdict.message,
      /^the burn began with release 2, and release 3 has its fault; compared with release 1, releases 2 to 3 as one: /,
    );
    assert.deepEqual(replay(verdict), verdict);
  });

  it('is guilty alone where it began to burn, and the older one did not', async () => {
    const { verdict, asked } = await judged({ from: 12, to: 5 }, [one, two, { ...three, failsFrom: 5 }]);
    assert.deepEqual([verdict.result, verdict.sinceRelease], ['Guilty', undefined]);
    assert.equal(asked.length, 4, 'nothing more is asked than of one suspect');
  });

  it('is compared with the one before where the older one had no requests', async () => {
    const { verdict } = await judged({ from: 5.2, to: 5 }, [
      { ...one, to: 4 },
      { ...three, failsFrom: 5 },
    ]);
    assert.deepEqual([verdict.result, verdict.sinceRelease], ['Guilty', undefined]);
    assert.match(verdict.message, /^compared with release 1, release 3: in the same minutes/);
  });

  it('is not guilty where the older one was well until both began to burn in the same minutes', async () => {
    const { verdict, asked } = await judged({ from: 12, to: 5 }, [
      one,
      { ...two, to: 0, failsFrom: 3 },
      { ...three, failsFrom: 3 },
    ]);
    assert.deepEqual([verdict.result, verdict.reason], ['NotGuilty', 'NoDifference']);
    assert.equal(asked.length, 4);
  });

  it('is not guilty where it burned before both came', async () => {
    const { verdict } = await judged({ from: 12, to: 5 }, [
      { ...one, failsFrom: 600 },
      { ...two, failsFrom: 12 },
      { ...three, failsFrom: 12 },
    ]);
    assert.deepEqual([verdict.result, verdict.reason], ['NotGuilty', 'BurnBeganBefore']);
  });
});
