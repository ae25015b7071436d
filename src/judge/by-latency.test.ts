import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { incident } from '../../test/support/incident.ts';
import { type Measurement, measurement } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { guardrails, isMeasured, type MeasuredObjective, objective as schema } from '../api/rollback-policy.ts';
import { createSelectors, type Queries, type Range } from '../slo/index.ts';
import { withLatencies } from './by-latency.ts';
import { weigh } from './weigh.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const NOW = NOON + 480_000;
const at = (seconds: number): string => new Date(NOON + seconds * 1000).toISOString();
const counts = (errors: number, requests: number) => ({ errors: String(errors), requests: String(requests) });

const objective = (indicator: object): MeasuredObjective => {
  const parsed = schema.parse({ name: 'speed', target: '99', indicator });
  assert.ok(isMeasured(parsed));
  return parsed;
};
const latency = objective({ latency: { histogram: 'request_seconds', threshold: '0.3' } });
const release = (number: number): Release => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [],
  revision: `r${number}`,
  firstSeenTime: at(0),
  outcome: 'Active',
});

/** Since noon release 2 runs beside release 1, with so few requests that 3 slow ones of 30 may be chance. */
const measured = (slow = 3): Measurement =>
  measurement.parse({
    releasedTime: at(0),
    readyTime: at(5),
    alertTime: at(60),
    maxReleaseAge: '24h',
    minRequests: 20,
    minScore: 6,
    ratio: {
      threshold: '0.01',
      resolutionSeconds: 15,
      slowerThan: '0.3 s',
      release: counts(slow, 30),
      beside: { release: counts(slow, 30), other: counts(1, 30) },
      before: counts(0, 30),
      course: [
        { time: at(-300), ...counts(0, 60) },
        { time: at(0), ...counts(slow + 1, 60) },
      ],
    },
  });

type Latencies = Record<string, (minute: number) => number>;

const measure = async (pods: Latencies, { of = latency, found = measured(), before = release(1) } = {}) => {
  const asked: { expression: string; range: Range }[] = [];
  const prometheus: Queries = {
    query: () => Promise.reject(new Error('nobody asks')),
    alertingRules: () => Promise.reject(new Error('nobody asks')),
    async queryRange(expression, range) {
      asked.push({ expression, range });
      const times: number[] = [];
      for (let time = range.start; time <= range.end; time += range.step) times.push(time);
      return Object.entries(pods).map(([pod, value]) => ({
        labels: { pod },
        points: times.map((time) => ({ at: time, value: value((time - NOON) / 60_000) })),
      }));
    },
  };
  const question = {
    incident: incident(undefined, { evidence: [] }),
    suspect: release(2),
    before,
    objectives: [],
    guardrails: guardrails.parse({}),
    neighbours: [],
    around: [],
    podOf: () => undefined,
    isTrustedRule: () => true,
    now: NOW,
  };
  const result = await withLatencies(found, of, question, { prometheus, selectors: createSelectors() });
  return { latencies: result.ratio?.latencies, finding: weigh(result), asked };
};

const slow = (minute: number): number => 0.25 + minute / 100;
const fast = (minute: number): number => 0.1 + minute / 100;

describe('mean latencies of pods, minute by minute', () => {
  it('decide where too few requests are slow: the release is Guilty, and says how much slower it is', async () => {
    const { latencies, finding, asked } = await measure({ 'web-r2-a': slow, 'web-r1-b': fast });
    assert.deepEqual(latencies, {
      release: { values: 8, median: '0.295' },
      other: { values: 8, median: '0.145' },
      u: '64',
      ties: '0',
    });
    assert.equal(finding.result, 'Guilty');
    assert.match(
      finding.message,
      /its pods take 0.295 s on average, those of the release before it 0.145 s: slower in 100 %/,
    );
    assert.match(finding.message, /\(a request fails when it takes longer than 0.3 s\)$/);
    assert.deepEqual(
      finding.evidence?.map(({ name, points }) => `${name} ${points}`),
      ['SideBySide 0', 'Latency 4', 'Onset 3'],
    );
    assert.equal(asked.length, 1);
    assert.match(
      asked[0]?.expression ?? '',
      /^sum by \(pod\) \(rate\(request_seconds_sum\{pod=~"web-r2-.\+\|web-r1-.\+"\}\[60s\]\)\)/,
    );
  });

  it('are of the minutes since the burn began, thirty at most', async () => {
    const { asked } = await measure({});
    assert.deepEqual(asked[0]?.range, { start: NOON + 60_000, end: NOW, step: 60_000 });
  });

  it('show no difference between pods that are about as fast, and say so', async () => {
    const { finding } = await measure({ 'web-r2-a': fast, 'web-r1-b': fast });
    assert.notEqual(finding.result, 'Guilty');
    const [, found] = finding.evidence ?? [];
    assert.deepEqual([found?.name, found?.points], ['Latency', 0]);
    assert.match(found?.message ?? '', /no difference is shown/);
  });

  it('show none by a few minutes, however far they are apart', async () => {
    const early = (one: Latencies[string]) => (minute: number) => (minute <= 5 ? one(minute) : Number.NaN);
    const { latencies, finding } = await measure({ 'web-r2-a': early(slow), 'web-r1-b': early(fast) });
    assert.equal(latencies?.u, '25');
    assert.notEqual(finding.result, 'Guilty');
  });

  it('show none that is small, however sure it is', async () => {
    const of = (name: string, shift: number): [string, Latencies[string]][] =>
      Array.from({ length: 20 }, (_, i) => [`web-${name}-${i}`, () => (i + shift) / 100]);
    const { latencies, finding } = await measure(Object.fromEntries([...of('r2', 3.1), ...of('r1', 0)]));
    assert.equal(Number(latencies?.u) / 160 ** 2, 0.66);
    assert.equal(finding.evidence?.find(({ name }) => name === 'Latency')?.points, 0);
  });

  it('are compared in minutes only in which both ran', async () => {
    const { latencies } = await measure({
      'web-r2-a': (minute) => (minute > 2 ? slow(minute) : Number.NaN),
      'web-r1-b': (minute) => (minute <= 6 ? fast(minute) : Number.NaN),
    });
    assert.deepEqual([latencies?.release.values, latencies?.other.values], [4, 4]);
    assert.equal((await measure({ 'web-r2-a': slow })).latencies, undefined);
  });

  for (const [what, rest] of [
    ['the counts decide already', { found: measured(20) }],
    ['the objective is of no latency', { of: objective({ ratio: { errors: 'e[$window]', total: 't[$window]' } }) }],
    ['both releases have the same pods', { before: { ...release(1), revision: 'r2' } }],
  ] as const)
    it(`are not asked for where ${what}`, async () => {
      const { asked, latencies } = await measure({ 'web-r2-a': slow, 'web-r1-b': fast }, rest);
      assert.deepEqual([asked.length, latencies], [0, undefined]);
    });
});
