import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { combine, judgeCounts, judgeExpression } from './verdict.ts';

const TIME = '2026-01-01T12:00:00Z';
const counts = (errors: number, total: number) => ({ errors, total });
const judge = (
  suspect: { errors: number; total: number } | undefined,
  before: { errors: number; total: number } | undefined,
) => judgeCounts({ threshold: 0.0144, suspect, before, minRequests: 20, query: 'q' });

describe('judgeCounts', () => {
  for (const [what, suspect, before, result, reason] of [
    ['no samples', undefined, counts(0, 1000), 'Inconclusive', 'NoData'],
    ['no requests', counts(0, 0), counts(0, 1000), 'Inconclusive', 'NoData'],
    ['a few requests, all failed', counts(5, 5), counts(0, 1000), 'Inconclusive', 'InsufficientTraffic'],
    ['20 % after 0.1 %', counts(40, 200), counts(1, 1000), 'Guilty', 'ErrorRateIncreased'],
    ['20 % after 20 %', counts(40, 200), counts(200, 1000), 'NotGuilty', 'NoDifference'],
    ['20 % after an unknown time', counts(40, 200), undefined, 'Guilty', 'ErrorRateIncreased'],
    ['1 % with a threshold of 1.44 %', counts(2, 200), counts(0, 1000), 'NotGuilty', 'NotBurning'],
    ['5 % of 20 after 2 %: too few to tell', counts(1, 20), counts(20, 1000), 'Inconclusive', 'InsufficientTraffic'],
    [
      '20.7 % of 127 after none of 20: too few to tell',
      counts(26.3, 127),
      counts(0, 20.67),
      'Inconclusive',
      'InsufficientTraffic',
    ],
  ] as const) {
    it(`${what}: ${result}, ${reason}`, () => {
      const verdict = judge(suspect, before);
      assert.deepEqual([verdict.result, verdict.reason], [result, reason]);
    });
  }

  it('says both error ratios and how many requests they are of', () => {
    assert.deepEqual(judge(counts(40, 200), counts(1, 1000)), {
      result: 'Guilty',
      reason: 'ErrorRateIncreased',
      message: 'its pods fail 20 % of requests, those of the release before it 0.1 %',
      query: 'q',
      ...{ newErrorRatio: '0.2', newRequests: '200', oldErrorRatio: '0.001', oldRequests: '1000' },
    });
  });

  it('says no ratio of what had no requests', () => {
    const { message, ...rest } = judge(counts(0, 0), counts(0, 0));
    assert.deepEqual(rest, { result: 'Inconclusive', reason: 'NoData', query: 'q' });
    assert.equal(judge(counts(40, 200), counts(0, 0)).oldErrorRatio, undefined);
  });

  it('says how many requests are missing, and above which ratio the budget burns', () => {
    assert.equal(judge(counts(5, 5.7), undefined).message, '5 requests so far; 20 are needed to judge');
    const { message } = judge(counts(2, 200), undefined);
    assert.equal(message, 'its pods fail 1 % of requests; the budget burns above 1.44 %');
  });

  for (const [what, suspect, before, result, message] of [
    ['the ratio is at the threshold', counts(144, 10_000), counts(0, 1000), 'NotGuilty', /budget burns above/],
    ['the ratio is just above it', counts(145, 10_000), counts(0, 1000), 'Guilty', /those of the release before/],
    ['there are just enough requests', counts(20, 20), counts(0, 1000), 'Guilty', /those of the release before/],
    [
      'there are just enough to compare with',
      counts(40, 200),
      counts(4, 20),
      'Inconclusive',
      /before it 20 %: too few requests to decide$/,
    ],
    ['there are too few to compare with', counts(40, 200), counts(4, 19), 'Guilty', /too little traffic to compare/],
  ] as const)
    it(`is ${result} where ${what}`, () => {
      const verdict = judge(suspect, before);
      assert.equal(verdict.result, result);
      assert.match(verdict.message, message);
    });

  it('blames a release that is as good as the one before it less often than one time in 200', () => {
    let state = 1;
    const random = (): number => {
      state = (state * 48271) % 2147483647; // Lehmer: the same numbers every time
      return state / 2147483647;
    };
    const draw = (n: number, p: number) => counts(Array.from({ length: n }).filter(() => random() < p).length, n);
    const blamed = Array.from({ length: 2000 }).filter(
      () => judge(draw(200, 0.03), draw(500, 0.03)).result === 'Guilty',
    );
    assert.ok(blamed.length <= 10, `${blamed.length} of 2000`);
  });

  it('never blames without data, and never blames the better release', () => {
    const side = fc
      .integer({ min: 0, max: 5000 })
      .chain((total) => fc.record({ total: fc.constant(total), errors: fc.integer({ min: 0, max: total }) }));
    fc.assert(
      fc.property(side, side, (suspect, before) => {
        const { result } = judge(suspect, before);
        if (suspect.total < 20) assert.equal(result, 'Inconclusive');
        if (before.total >= 20 && suspect.total >= 20 && suspect.errors / suspect.total <= before.errors / before.total)
          assert.notEqual(result, 'Guilty');
      }),
    );
  });
});

describe('judgeExpression', () => {
  for (const [now, before, reason] of [
    [true, false, 'ErrorRateIncreased'],
    [true, true, 'BurnBeganBefore'],
    [false, false, 'NotBurning'],
  ] as const) {
    it(`burning now ${now}, before ${before}: ${reason}`, () =>
      assert.equal(judgeExpression({ burningNow: now, burningBefore: before, query: 'q' }).reason, reason));
  }
});

describe('the verdict on a release', () => {
  const said = (name: string, result: 'Guilty' | 'NotGuilty' | 'Inconclusive', reason: string) => ({
    name,
    result,
    reason,
    message: `${name} says so`,
  });
  const guilty = said('latency', 'Guilty', 'ErrorRateIncreased');
  const not = said('availability', 'NotGuilty', 'NotBurning');
  const open = said('other', 'Inconclusive', 'NoData');
  for (const [what, objectives, result, reason, message] of [
    ['one Guilty objective suffices', [not, open, guilty], 'Guilty', 'ErrorRateIncreased', 'latency: latency says so'],
    ['all are NotGuilty', [not, { ...not, name: 'second' }], 'NotGuilty', 'NotBurning', /^availability: .*; second: /],
    ['one can not be judged, and none is Guilty', [not, open], 'Inconclusive', 'NoData', 'other: other says so'],
    ['there is one objective, which needs no name', [guilty], 'Guilty', 'ErrorRateIncreased', 'latency says so'],
  ] as const) {
    it(`is ${result} where ${what}`, () => {
      const verdict = combine(objectives, TIME);
      assert.deepEqual([verdict.result, verdict.reason, verdict.objectives], [result, reason, objectives]);
      if (typeof message === 'string') assert.equal(verdict.message, message);
      else assert.match(verdict.message, message);
    });
  }

  it('is as long as its schema takes', () => {
    assert.equal(combine([{ ...guilty, message: 'x'.repeat(5000) }], TIME).message.length, 4096);
  });
});
