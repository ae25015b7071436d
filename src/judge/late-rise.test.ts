import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Facts, RatioFacts } from './facts.ts';
import { isUnderUsualTraffic, lateRise } from './late-rise.ts';
import type { Rise } from './rise.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Under the same traffic for ten minutes, six hours after the release. */
const rise = (rest: Partial<Rise> = {}): Rise => ({ forMs: 15 * MINUTE, leastMs: 10 * MINUTE, requests: 1, ...rest });
const facts = (of: Rise | undefined, rest: Partial<Facts> = {}, since = { errors: 200, total: 1000 }): Facts => {
  const ratio: RatioFacts = {
    ...{ threshold: 0.01, resolutionMs: MINUTE, release: since, rise: of, course: [] },
    ...{ early: undefined, beside: undefined, before: undefined, traffic: undefined },
    ...{ pods: undefined, latencies: undefined },
  };
  return {
    ...{ releasedAt: 0, readyAt: 0, onset: { at: 6 * HOUR, leftItsPast: true, spells: [] }, isTooOld: false },
    ...{ maxReleaseAge: '24h', minRequests: 20, minScore: 3, ratio, rule: undefined, check: undefined },
    ...{ neighbours: [], byNode: [], well: 2 },
    ...rest,
  };
};
const points = (...of: Parameters<typeof facts>): number | undefined => lateRise(facts(...of))?.points;
const part = (requests: number, failed: number) => ({ requests, failed });

describe('a slow rise long after the release', () => {
  it('is a leak where others are well, in words', () => {
    assert.deepEqual(lateRise(facts(rise())), {
      name: 'Rise',
      points: 5,
      reason: 'BurnBeganLate',
      message:
        'its failures rose for 10 min or longer under the same traffic, as of a leak, and 2 other workloads of the namespace are well',
    });
    assert.match(lateRise(facts(rise(), { well: 1 }))?.message ?? '', /and 1 other workload of the namespace is well$/);
  });

  it('decides nothing where no other could be measured', () => {
    for (const well of [0, undefined]) {
      const found = lateRise(facts(rise(), { well }));
      assert.deepEqual([found?.points, /could be measured$/.test(found?.message ?? '')], [0, true]);
    }
  });

  it('is none where it did not rise, soon after the release, or too long after it', () => {
    assert.equal(points(undefined), undefined);
    assert.equal(lateRise({ ...facts(rise()), ratio: undefined }), undefined);
    assert.equal(points(rise(), { onset: { at: 5 * MINUTE, leftItsPast: true, spells: [] } }), undefined);
    assert.equal(points(rise(), { isTooOld: true }), undefined);
  });

  it('is none where it may have been a step: two buckets are one', () => {
    assert.equal(points(rise({ leastMs: 2 * MINUTE - 1 })), undefined);
    assert.equal(points(rise({ leastMs: 2 * MINUTE })), 5);
  });

  it('is none under more requests, by which it may be overrun', () => {
    assert.equal(points(rise({ requests: 1.3 })), 5);
    assert.equal(points(rise({ requests: 1.31 })), undefined);
    const first = { ...part(2, 0.2), lead: 2 };
    assert.equal(points(rise({ requests: 2, first, last: part(2, 0.3) })), undefined);
    assert.equal(points(rise({ requests: 2, first })), undefined);
  });

  it('is one where they came later, or are retries of what failed', () => {
    const words = (of: Partial<Rise>): string | undefined =>
      /longer (.*), as of a leak/.exec(lateRise(facts(rise(of)))?.message ?? '')?.[1];
    assert.equal(
      words({ requests: 2, first: { ...part(1.3, 0.2), lead: 1 }, last: part(2, 0.3) }),
      'under the same traffic',
    );
    const retries = 'with no more requests than retries explain';
    assert.equal(words({ requests: 2, first: { ...part(1.4, 0.2), lead: 1.3 }, last: part(2, 0.3) }), retries);
    assert.equal(words({ requests: 2, first: { ...part(1.41, 0.2), lead: 1.3 }, last: part(2, 0.3) }), undefined);
    assert.equal(words({ requests: 2, first: { ...part(1.4, 0.2), lead: 1.31 }, last: part(2, 0.3) }), undefined);
  });

  it('is one where as many fail as before, and the requests are over', () => {
    const first = { ...part(2, 0.2), lead: 2 };
    const over = (last: Rise['last']) => points(rise({ requests: 2, first, last }));
    assert.equal(over(part(1.3, 0.2)), 5);
    assert.equal(over(part(1.31, 0.2)), undefined);
    assert.equal(over(part(1.3, 0.19)), undefined);
    const unknown = facts(rise({ requests: 2, first, last: part(1, 0.2) }));
    const ratio = { ...(unknown.ratio as RatioFacts), release: undefined };
    assert.equal(lateRise({ ...unknown, ratio }), undefined);
  });

  it('says nothing of the traffic by a beginning that does not burn', () => {
    const first = { ...part(1, 0.01), lead: 1 };
    assert.equal(points(rise({ requests: 2, first, last: part(1, 0.2) })), undefined);
    assert.equal(points(rise({ requests: 1.3, first: { ...part(9, 0.01), lead: 9 } })), 5);
  });

  it('speaks against other traffic only where it counts, and its beginning is known', () => {
    const first = { ...part(1, 0.2), lead: 1 };
    const known = facts(rise({ first }));
    assert.equal(isUnderUsualTraffic(lateRise(known), known), true);
    assert.equal(isUnderUsualTraffic(lateRise(facts(rise())), facts(rise())), false);
    const alone = facts(rise({ first }), { well: 0 });
    assert.equal(isUnderUsualTraffic(lateRise(alone), alone), false);
    assert.equal(isUnderUsualTraffic(undefined, known), false);
    assert.equal(isUnderUsualTraffic(lateRise(known), { ...known, ratio: undefined }), false);
  });
});
