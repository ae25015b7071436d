import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'mocha';
import { rulesFor } from '../../src/slo/index.ts';
import { countsIn, ratioOf } from './counts.ts';
import { FAULTS, worldOf } from './faults.ts';
import { digestOf, policyOf } from './manifests.ts';
import { NOISES, noiseOf } from './noise.ts';
import { outcomeOf, type Result } from './outcome.ts';
import { createDatabase } from './promql.ts';
import { createRandom } from './random.ts';
import { countersOf, independent } from './series.ts';
import { simulate } from './simulate.ts';
import { missedTargets, reportOf } from './tally.ts';

const result = (rest: Partial<Result>): Result => ({
  index: 0,
  kind: 'badCode',
  effect: 10,
  guilty: true,
  outcome: 'right',
  unseeable: undefined,
  decisionMs: 30_000,
  recovery: { found: 'Recovered', ms: 90_000, others: 0 },
  baselines: { anyAlert: 'right', newestRelease: 'right', twoProportion: 'right' },
  words: '',
  ...rest,
});
/** What a judge comes to that knows the truth. */
const perfect = Array.from({ length: 12_000 }, (_, i): Result => {
  const guilty = i % 15 !== 4;
  return result({ index: i, kind: FAULTS[i % 15] ?? 'badCode', guilty, outcome: guilty ? 'right' : 'leftAlone' });
});

describe('the simulator', () => {
  it('makes the same incidents of the same seed, and others of another', async () => {
    const job = { noise: 'independent', from: 0, to: 3 } as const;
    const [one, again, other] = await Promise.all([
      simulate({ ...job, seed: 1 }),
      simulate({ ...job, seed: 1 }),
      simulate({ ...job, seed: 2 }),
    ]);
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
  }).timeout(60_000);

  it('draws what it always drew of a seed: figures of two days can be compared', () => {
    const hash = createHash('sha1');
    const random = createRandom(9);
    for (const [i, kind] of FAULTS.entries()) {
      const world = worldOf(kind, random.fork());
      const noise = noiseOf(NOISES[i % NOISES.length] ?? 'independent', random.fork());
      const counters = countersOf(world, random.fork(), noise);
      for (const { labels, times, values } of counters) hash.update(JSON.stringify([labels, [...times], [...values]]));
      const database = createDatabase(counters);
      const range = { start: world.faultAt - 60_000, end: world.faultAt + 1_800_000, step: 15_000 };
      for (const service of world.services)
        for (const { expr } of rulesFor(policyOf(service)).rules)
          hash.update(JSON.stringify(database.queryRange(expr.replace(/ > .*/, ''), range)));
    }
    assert.equal(hash.digest('hex'), '16a1a651076a1825819ecc0b26ee955366967d2e');
  }).timeout(60_000);

  it('lets a guilty release fail, and what ran before it not', () => {
    const random = createRandom(3);
    for (const kind of ['badCode', 'badConfiguration', 'partialRollout'] as const) {
      const world = worldOf(kind, random.fork());
      const counters = countersOf(world, random.fork(), independent);
      const ofService = world.pods.filter(({ service }) => service === world.guilt?.service);
      const named = (guilty: boolean): Set<string> =>
        new Set(
          ofService
            .filter(({ release }) => world.guilt?.releases.includes(release.number) === guilty)
            .map(({ name }) => name),
        );
      const during = { from: world.faultAt + 120_000, to: world.end };
      const own = ratioOf(countsIn(counters, named(true), during));
      const before = ratioOf(countsIn(counters, named(false), { from: world.begin, to: world.faultAt - 1 }));
      assert.ok(own > 0.01 && before < 0.01, `${kind}: ${own} after, ${before} before`);
    }
  });

  it('has a guilty release in each, in some or in none of the incidents of a class', () => {
    const random = createRandom(5);
    const shareOf = (kind: (typeof FAULTS)[number]): number =>
      Array.from({ length: 40 }, () => worldOf(kind, random.fork())).filter(({ guilt }) => guilt).length / 40;
    for (const kind of ['badCode', 'slowLeak', 'badDependency', 'twoReleases', 'crashLoop'] as const)
      assert.equal(shareOf(kind), 1, kind);
    for (const kind of ['infrastructure', 'infrastructureAfterRelease', 'sharedDatabase', 'trafficSurge'] as const)
      assert.equal(shareOf(kind), 0, kind);
    for (const kind of ['metricGap', 'alertStorm', 'flapping'] as const) {
      const share = shareOf(kind);
      assert.ok(share > 0.2 && share < 0.8, `${kind}: ${share}`);
    }
  });
});

describe('the verdict that ships', () => {
  it('is no worse than it was: of 45 incidents few are decided wrongly', async () => {
    const results = await simulate({ seed: 1, noise: 'independent', from: 0, to: 45 });
    const count = (...outcomes: Result['outcome'][]): number =>
      results.filter(({ outcome }) => outcomes.includes(outcome)).length;
    const counts = { right: count('right'), missed: count('missed'), wrong: count('wrong', 'undue') };
    assert.ok(counts.right >= 18 && counts.wrong <= 2, JSON.stringify(counts));
  }).timeout(120_000);
});

describe('an outcome', () => {
  const guilt = { service: 'web', releases: [2, 3] };
  const digest = (number: number, service = 'web'): string => digestOf(service, { number });
  const rollback = (service: string, from: number, to: number) =>
    ({ service, rejected: [digest(from, service)], target: digest(to, service), at: 0 }) as const;

  it('is right where the fault is left, and wrong where the target has it or another service is taken back', () => {
    assert.equal(outcomeOf({ guilt }, rollback('web', 3, 1)), 'right');
    assert.equal(outcomeOf({ guilt }, rollback('web', 3, 2)), 'wrong');
    assert.equal(outcomeOf({ guilt }, rollback('other', 3, 1)), 'wrong');
    assert.equal(outcomeOf({ guilt }, undefined), 'missed');
    assert.equal(outcomeOf({ guilt: undefined }, rollback('web', 3, 1)), 'undue');
    assert.equal(outcomeOf({ guilt: undefined }, undefined), 'leftAlone');
  });
});

describe('the targets', () => {
  const missed = (results: readonly Result[]): string => missedTargets(reportOf(results, results, 1)).join('\n');

  it('are met by a judge that is always right', () => assert.equal(missed(perfect), ''));

  it('are missed by one that finds every release guilty', () =>
    assert.match(
      missed(perfect.map((one) => (one.guilty ? one : { ...one, outcome: 'undue' }))),
      /precisionLow[\s\S]*infrastructureMisjudgedHigh/,
    ));

  it('are missed by one that finds none guilty', () =>
    assert.match(
      missed(perfect.map((one) => ({ ...one, outcome: one.guilty ? 'missed' : 'leftAlone' }))),
      /recallLow/,
    ));

  it('are missed by few incidents, however good the figures look', () =>
    assert.match(missed(perfect.slice(0, 150)), /precisionLow is 0\.9/));

  it('count what nobody could have seen apart', () => {
    const some = perfect.map(
      (one, i): Result => (i % 15 === 0 && i < 3000 ? { ...one, outcome: 'missed', unseeable: 'no alert' } : one),
    );
    assert.equal(missed(some), '');
    assert.equal(reportOf(some, [], 1).unseeable, 200);
  });
});
