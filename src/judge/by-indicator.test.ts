import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { guardrails, type MeasuredObjective } from '../api/rollback-policy.ts';
import { createSelectors, type Queries } from '../slo/index.ts';
import { burnsByIndicator, measureRatio } from './by-indicator.ts';
import type { Question } from './question.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const HOUR = 3600;
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
const release = (number: number, rest: Partial<Release> = {}): Release => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [],
  revision: `r${number}`,
  firstSeenTime: ago(60),
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
const question = (rest: Partial<Question & { suspect: Release }> = {}, alertedAgo = 10) => ({
  incident: {
    metadata: { name: 'i', namespace: 'shop' },
    spec: { workloadRef: { kind: 'Deployment', name: 'web' }, evidence: [{ receivedTime: ago(alertedAgo) }] },
  } as Incident,
  suspect: release(2),
  before: release(1),
  objectives: [],
  guardrails: guardrails.parse({}),
  neighbours: [],
  around: [],
  podOf: () => undefined,
  isTrustedRule: () => true,
  now: NOW,
  ...rest,
});
/** Prometheus in which each query has the samples that the test says, at each step at which there are some. */
const prometheusWith = (samples: (query: string, at: number) => readonly number[]) => {
  const asked: string[] = [];
  const prometheus: Queries = {
    async query(query, at = NOW) {
      asked.push(query);
      return samples(query, at).map((value) => ({ labels: {}, value }));
    },
    async queryRange(query, { start, end, step }) {
      asked.push(query);
      const found = [];
      for (let at = start; at <= end; at += step)
        for (const value of samples(query, at)) found.push({ labels: {}, points: [{ at, value }] });
      return found;
    },
    alertingRules: async () => [],
  };
  return { asked, witness: { prometheus, selectors: createSelectors() } };
};
/** 100 requests a second: release 2 since a minute, release 1 until half a minute ago. */
const rollout = (query: string, at: number): readonly number[] => {
  const isThere = query.includes('r2') ? at > NOW - 60_000 : query.includes('r1') ? at <= NOW - 30_000 : true;
  if (!isThere) return [];
  return query.includes('total') ? [100] : query.includes('r1') ? [0] : [20];
};

describe('what is asked of an objective', () => {
  it('is four range queries of the pods of both releases, whatever the number of incidents and looks', async () => {
    const { asked, witness } = prometheusWith(rollout);
    const { ratio, query } = await measureRatio(objective(), question(), witness);
    assert.deepEqual(asked, [
      'sum(total{pod=~"web-r2-.+"}[5s]\n)',
      'sum(errors{pod=~"web-r2-.+"}[5s]\n)',
      'sum(errors{pod=~"web-r1-.+"}[5s]\n)',
      'sum(total{pod=~"web-r1-.+"}[5s]\n)',
    ]);
    assert.equal(query, '(errors{pod=~"web-r2-.+"}[5s]) / (total{pod=~"web-r2-.+"}[5s])');
    assert.deepEqual(ratio.release, { errors: '1200', requests: '6000' });
    assert.deepEqual(ratio.beside, {
      release: { errors: '600', requests: '3000' },
      other: { errors: '0', requests: '3000' },
    });
    assert.equal(ratio.before?.errors, '0');
  });

  for (const [what, suspect, before, podLabel] of [
    ['the metric has no pods', release(2), release(1), ''],
    ['the release has no revision', withoutRevision, release(1), 'pod'],
    ['both releases have the same pods', release(2), release(1, { revision: 'r2' }), 'pod'],
  ] as const)
    it(`is two of all pods together where ${what}: before and after are compared`, async () => {
      const { asked, witness } = prometheusWith((query, at) =>
        query.includes('total') ? [100] : at > NOW - 60_000 ? [20] : [0],
      );
      const { ratio } = await measureRatio(objective({}, podLabel), question({ suspect, before }), witness);
      assert.deepEqual(asked, ['sum(total[5s]\n)', 'sum(errors[5s]\n)']);
      assert.deepEqual([ratio.beside, ratio.release?.errors, ratio.before?.errors], [undefined, '1200', '0']);
    });

  it('is nothing of a ConfigMap before the running pods may have read it: what they did until then is none of its doing', async () => {
    const earlyOf = async (seconds: number) => {
      const { witness } = prometheusWith((query, at) =>
        query.includes('total') ? [100] : at > NOW - 60_000 ? [20] : [0],
      );
      const released = { revision: 'r1', firstSeenTime: ago(seconds), readyTime: ago(seconds) };
      const asked = question({ suspect: release(2, released), before: release(1, { firstSeenTime: ago(9 * HOUR) }) });
      return (await measureRatio(objective(), asked, witness)).ratio.early;
    };
    assert.equal(await earlyOf(150), undefined);
    assert.deepEqual(await earlyOf(240), { errors: '0', requests: '6000' });
  });

  it('is two of all pods together for a StatefulSet, whose pods keep their names', async () => {
    const { asked, witness } = prometheusWith(rollout);
    const { incident } = question();
    const spec = { ...incident.spec, workloadRef: { kind: 'StatefulSet' as const, name: 'web' } };
    await measureRatio(objective(), question({ incident: { ...incident, spec } }), witness);
    assert.equal(asked.length, 2);
  });

  it('is the same over longer steps where the scrapes are further apart: eight queries at most', async () => {
    const every30s = prometheusWith((query, at) => (query.includes('[60s]') ? rollout(query, at) : []));
    const { ratio } = await measureRatio(objective(), question(), every30s.witness);
    assert.deepEqual([ratio.resolutionSeconds, every30s.asked.length], [60, 6]);
    const nothing = prometheusWith(() => []);
    const { ratio: none } = await measureRatio(objective(), question(), nothing.witness);
    assert.deepEqual([none.release, nothing.asked.length], [{ errors: '0', requests: '0' }, 8]);
  });

  it('is a bounded number of points, and for an old release the hour before its alert', async () => {
    const ranges: { start: number; end: number; step: number }[] = [];
    const { witness } = prometheusWith(rollout);
    const { prometheus } = witness;
    const spying: Queries = {
      ...prometheus,
      queryRange: (query, range) => {
        ranges.push(range);
        return prometheus.queryRange(query, range);
      },
    };
    const old = release(2, { firstSeenTime: ago(20 * HOUR) });
    await measureRatio(objective(), question({ suspect: old }, 180), { ...witness, prometheus: spying });
    const [first] = ranges;
    assert.deepEqual([first?.step, first?.end], [60_000, NOW]);
    assert.ok(ranges.every(({ start, end, step }) => (end - start) / step < 120));
  });

  it('is the lowest threshold of its windows: 1 % of errors, at a target of 99 %', async () => {
    const { ratio } = await measureRatio(objective(), question(), prometheusWith(rollout).witness);
    assert.equal(ratio.threshold, '0.01');
  });
});

describe('what came before a release with few requests', () => {
  /** Two requests a minute; release 2 fails every third of them since five minutes. */
  const few = (query: string, at: number): readonly number[] => {
    const isThere = query.includes('r2') ? at > NOW - 300_000 : at <= NOW - 300_000;
    if (!isThere) return [];
    return query.includes('total') ? [2 / 60] : query.includes('r1') ? [0] : [2 / 180];
  };
  const suspect = release(2, { firstSeenTime: ago(300) });
  const before = release(1, { firstSeenTime: ago(9 * HOUR), readyTime: ago(9 * HOUR) });
  const measured = async (rest: Partial<Question & { suspect: Release }> = {}, samples = few) => {
    const { asked, witness } = prometheusWith(samples);
    const { ratio } = await measureRatio(objective(), question({ suspect, before, ...rest }), witness);
    return { asked: asked.length, requests: Number(ratio.before?.requests) };
  };

  it('is the hour before it, where the five minutes have too few to decide', async () => {
    const { requests, asked } = await measured();
    assert.ok(requests >= 118 && requests <= 122, String(requests));
    assert.equal(asked, 8);
  });

  it('is no more than the release before it ran', async () => {
    const { requests } = await measured({ before: release(1, { firstSeenTime: ago(1200), readyTime: ago(1200) }) });
    assert.ok(requests >= 28 && requests <= 32, String(requests));
  });

  it('is the five minutes before a release that had run before: what it did then counts for nobody', async () => {
    const restored = release(2, { firstSeenTime: ago(2 * HOUR), restoredTime: ago(300) });
    assert.ok((await measured({ suspect: restored })).requests <= 12);
  });

  it('is asked once where these suffice, or nothing burns', async () => {
    const busy = (query: string, at: number) => few(query, at).map((rate) => 1000 * rate);
    assert.equal((await measured({}, busy)).asked, 4);
    const calm = (query: string, at: number) => (query.includes('errors') ? [0] : few(query, at));
    assert.equal((await measured({}, calm)).asked, 4);
  });
});

describe('since when a release is measured', () => {
  const since = async (suspect: Release, samples = rollout) =>
    (await measureRatio(objective(), question({ suspect }), prometheusWith(samples).witness)).releasedAt;

  it('is when it became current', async () => assert.equal(await since(release(2)), NOW - 60_000));

  it('is when its pods had their first requests, where nobody was there to record it', async () => {
    assert.equal(await since(release(2, { firstSeenTime: ago(20) })), NOW - 60_000);
  });

  it('is its return, for one that was lifted or restored: what it did before is no evidence any more', async () => {
    const always = (query: string): readonly number[] => (query.includes('total') ? [100] : [20]);
    const first = { firstSeenTime: ago(30 * HOUR) };
    assert.equal(await since(release(2, { ...first, liftedTime: ago(40) }), always), NOW - 40_000);
    assert.equal(await since(release(2, { ...first, restoredTime: ago(50) }), always), NOW - 50_000);
  });
});

describe('an objective about latency', () => {
  const indicator = { latency: { histogram: 'took_seconds', matchLabels: {}, threshold: '0.3', podLabel: 'pod' } };
  const latency = objective({ indicator });
  const slowOf =
    (share: number) =>
    (query: string, at: number): readonly number[] =>
      at <= NOW - 60_000 ? [] : query.includes('_bucket') ? [100 * share] : [100];

  it('is counted as any other: requests that took longer fail', async () => {
    const { asked, witness } = prometheusWith(slowOf(0.2));
    const { ratio } = await measureRatio(latency, question(), witness);
    assert.deepEqual(
      [ratio.slowerThan, ratio.release, asked.length],
      ['0.3 s', { errors: '1200', requests: '6000' }, 4],
    );
    assert.equal(ratio.threshold, '0.01');
  });

  it('is refused where the histogram has no such bucket: nothing would ever be slow', async () => {
    const without = (query: string): readonly number[] => (query.includes('_bucket') ? [] : [100]);
    const refused = /no bucket le="0.3": set latency.threshold to a bound/;
    await assert.rejects(measureRatio(latency, question(), prometheusWith(without).witness), refused);
    await assert.rejects(burnsByIndicator(latency, question(), prometheusWith(without).witness), refused);
  });

  it('is not refused where nothing is recorded at all', async () => {
    const { ratio } = await measureRatio(latency, question(), prometheusWith(() => []).witness);
    assert.deepEqual(ratio.release, { errors: '0', requests: '0' });
    assert.equal(await burnsByIndicator(latency, question(), prometheusWith(() => []).witness), undefined);
  });
});

describe('whether the budget still burns after a rollback', () => {
  const windows = [
    { long: '6h', short: '30m', factor: '6', severity: 'page' },
    { long: '1h', short: '5m', factor: '10', severity: 'page' },
  ] as const;
  const own = objective({ burnWindows: [...windows] });
  const rolledBack = (seconds: number, status: Partial<IncidentStatus> = {}) => {
    const { incident, ...rest } = question();
    const target = { number: 1, sourceDigest: release(1).sourceDigest, revision: 'r1', snapshotRef: { name: 's' } };
    return { ...rest, incident: { ...incident, status: { target, rolledBackTime: ago(seconds), ...status } } };
  };

  for (const [what, seconds, window] of [
    ['since it was rolled back', 20, '20s'],
    ['in no less than two scrapes', 1, '5s'],
    ['in the last minute', 600, '60s'],
  ] as const)
    it(`is measured ${what}, of the pods of the restored release`, async () => {
      const { asked, witness } = prometheusWith(() => [1]);
      await burnsByIndicator(own, rolledBack(seconds), witness);
      assert.deepEqual(asked, [`errors{pod=~"web-r1-.+"}[${window}]`, `total{pod=~"web-r1-.+"}[${window}]`]);
    });

  for (const [what, errors, total, burns] of [
    ['more fails than the threshold of the verdict, though less than what pages', [6.1], [100], true],
    ['it is at the threshold', [6], [100], false],
    ['nothing fails', [], [100], false],
    ['there are too few requests to say', [0.3], [0.3], undefined],
    ['nothing is recorded', [10], [], undefined],
    ['what is recorded is no number', [10], [Number.NaN], undefined],
  ] as const)
    it(`is ${burns ?? 'unknown'} where ${what}`, async () => {
      const { witness } = prometheusWith((query) => (query.startsWith('errors') ? errors : total));
      assert.equal(await burnsByIndicator(own, rolledBack(60), witness), burns);
    });
});
