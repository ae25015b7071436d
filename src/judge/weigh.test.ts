import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type Measurement, measurement } from '../api/incident.ts';
import { weigh } from './weigh.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const at = (seconds: number): string => new Date(NOON + seconds * 1000).toISOString();
const counts = (errors: number, requests: number) => ({ errors: String(errors), requests: String(requests) });
type Ratio = NonNullable<Measurement['ratio']>;

/** A release of noon that fails a fifth of its requests since then; what was before it failed none. */
const ratio = (rest: Partial<Ratio> = {}): Ratio => ({
  threshold: '0.01',
  resolutionSeconds: 5,
  release: counts(200, 1000),
  before: counts(0, 3000),
  course: [
    { time: at(-300), ...counts(0, 3000) },
    { time: at(0), ...counts(200, 1000) },
  ],
  ...rest,
});
const measured = (rest: Partial<Measurement> = {}): Measurement =>
  measurement.parse({
    releasedTime: at(0),
    readyTime: at(5),
    alertTime: at(20),
    maxReleaseAge: '24h',
    minRequests: 20,
    minScore: 3,
    ...rest,
  });
const byRatio = (rest: Partial<Ratio> = {}, more: Partial<Measurement> = {}) =>
  weigh(measured({ ratio: ratio(rest), ...more }));
const said = ({ result, reason }: { result: string; reason: string }): string => `${result} ${reason}`;
const points = ({ evidence = [] }: ReturnType<typeof weigh>) => evidence.map((one) => `${one.name} ${one.points}`);
const without = <K extends keyof Ratio>(key: K): Omit<Ratio, K> => {
  const { [key]: _, ...rest } = ratio();
  return rest;
};
/** Both releases over the same minutes. */
const beside = (release: [number, number], other: [number, number]) => ({
  beside: { release: counts(...release), other: counts(...other) },
});
const calmUntil = (seconds: number): Partial<Ratio> => ({
  course: [
    { time: at(-300), ...counts(0, 3000) },
    { time: at(seconds), ...counts(200, 1000) },
  ],
});
const HOUR = 3600;

describe('a release that burns', () => {
  it('is Guilty where its pods fail more than those of the release before it, in the same minutes', () => {
    const found = byRatio(beside([100, 500], [1, 500]));
    assert.deepEqual([said(found), found.score], ['Guilty ErrorRateIncreased', 9]);
    assert.deepEqual(points(found), ['SideBySide 6', 'Onset 3']);
    assert.equal(
      found.message,
      'in the same minutes it fails 20 % of 500 requests, the release before it 0.2 % of 500 requests; the burn began with the release',
    );
    const { newErrorRatio, newRequests, oldErrorRatio, oldRequests } = found;
    assert.deepEqual([newErrorRatio, newRequests, oldErrorRatio, oldRequests], ['0.2', '1000', '0.002', '500']);
  });

  it('is NotGuilty where the pods of the release before it fail as much in the same minutes: an outage after the release', () => {
    const found = byRatio(beside([100, 500], [110, 500]));
    assert.deepEqual([said(found), found.score], ['NotGuilty NoDifference', -3]);
    assert.match(
      found.message,
      /20 % of 500 requests, the release before it 22 % .* a difference that matters is ruled out$/,
    );
  });

  it('is Inconclusive, not NotGuilty, where 20.7 % of 127 requests fail beside none of 20, and the past is unknown', () => {
    const [{ time = '' } = {}] = ratio().course;
    const found = byRatio({
      ...{ release: counts(26.3, 127), before: counts(0, 20.67), ...beside([26.3, 127], [0, 20.67]) },
      course: [{ time, ...counts(26.3, 147.67) }],
    });
    assert.deepEqual([said(found), found.score], ['Inconclusive InsufficientTraffic', 0]);
    assert.match(found.message, /too few requests to decide/);
  });

  it('is Inconclusive where the release before it burns as well, though not as much: before and after say no more', () => {
    const found = byRatio(beside([150, 500], [100, 500]));
    assert.deepEqual([said(found), points(found)], ['Inconclusive OthersFailToo', ['SideBySide -3', 'Onset 3']]);
    assert.match(
      found.message,
      /^in the same minutes it fails 30 % .*, the release before it 20 % of 500 requests: both burn/,
    );
  });

  it('is Guilty by before and after where no pod of the release before it is left', () => {
    const found = byRatio();
    assert.deepEqual([said(found), points(found)], ['Guilty ErrorRateIncreased', ['BeforeAfter 2', 'Onset 3']]);
    assert.match(found.message, /^it fails 20 % of 1000 requests; before it 0 % of 3000 requests failed; the burn/);
  });

  it('is NotGuilty where the burn began before it', () => {
    const course = [
      { time: at(-300), ...counts(0, 2000) },
      { time: at(-60), ...counts(300, 2000) },
    ];
    const found = byRatio({ course, before: counts(120, 3000) });
    assert.deepEqual([said(found), points(found)], ['NotGuilty BurnBeganBefore', ['Onset -3']]);
    assert.equal(found.message, 'the burn began 60 s before the release, or earlier');
  });

  it('is NotGuilty where it burned for as long as anything is recorded, before the release, too', () => {
    const found = byRatio({ course: [{ time: at(-300), ...counts(800, 4000) }], before: counts(600, 3000) });
    assert.equal(said(found), 'NotGuilty BurnBeganBefore');
  });

  it('is Guilty all the same where only its own pods burn, whenever the burn began', () => {
    const early = { ...calmUntil(-60), before: counts(120, 3000), ...beside([250, 500], [20, 500]) };
    assert.deepEqual([said(byRatio(early)), byRatio(early).score], ['Guilty ErrorRateIncreased', 3]);
    const leak = { ...calmUntil(9 * HOUR), ...beside([100, 500], [1, 500]) };
    assert.deepEqual([said(byRatio(leak)), byRatio(leak).score], ['Guilty ErrorRateIncreased', 4]);
    const old = { ...calmUntil(30 * HOUR), ...beside([100, 500], [1, 500]) };
    assert.deepEqual([said(byRatio(old)), byRatio(old).score], ['Guilty ErrorRateIncreased', 3]);
  });

  it('needs a person where the burn began hours after it was good: an outage of what it depends on, or a leak', () => {
    const found = byRatio(calmUntil(6 * HOUR));
    assert.deepEqual([said(found), points(found)], ['Inconclusive BurnBeganLate', ['Onset -2']]);
    assert.match(found.message, /^the burn began 6 h after the release was ready$/);
    assert.deepEqual(points(byRatio(calmUntil(1806))), ['Onset -2']);
  });

  it('needs a person where the burn began a quarter of an hour after it was good, and nothing else was compared', () => {
    assert.equal(said(byRatio(calmUntil(904))), 'Guilty ErrorRateIncreased');
    const found = byRatio(calmUntil(17 * 60));
    assert.deepEqual([said(found), points(found)], ['Inconclusive BurnBeganLate', ['BeforeAfter 2', 'Onset 0']]);
    assert.match(found.message, /^the burn began 17 min after the release was ready; it fails /);
    assert.equal(
      said(byRatio({ ...calmUntil(17 * 60), ...beside([250, 500], [20, 500]) })),
      'Guilty ErrorRateIncreased',
    );
  });

  it('is NotGuilty where it ran for longer than the policy says before the burn began', () => {
    const found = byRatio(calmUntil(25 * HOUR));
    assert.equal(said(found), 'NotGuilty ReleaseTooOld');
    assert.equal(found.message, 'the release ran for more than 24h before the burn began');
    // By its alert, where the course does not show when it began.
    const unknown = byRatio({ course: [{ time: at(25 * HOUR), ...counts(200, 1000) }] }, { alertTime: at(25 * HOUR) });
    assert.equal(said(unknown), 'NotGuilty ReleaseTooOld');
  });

  it('is Inconclusive, never Guilty, where nothing is recorded of the time before it', () => {
    const { ...alone } = without('before');
    const found = weigh(measured({ ratio: { ...alone, course: [{ time: at(0), ...counts(200, 1000) }] } }));
    assert.deepEqual([said(found), points(found)], ['Inconclusive NoComparison', ['Onset 0']]);
  });

  it('is Guilty where the ratio left its past after it, though too little of that past is the release before it', () => {
    assert.deepEqual(points(weigh(measured({ ratio: without('before') }))), ['Onset 3']);
  });

  it('is Inconclusive where what stands beside it burns, too', () => {
    const neighbours = [
      { name: 'cart', alertTime: at(10) },
      { name: 'search', alertTime: at(12) },
    ];
    const found = byRatio({}, { neighbours });
    assert.deepEqual([said(found), found.score], ['Inconclusive NeighboursBurn', 2]);
    assert.match(found.message, /^2 other workloads of the namespace burn, too: cart, search; it fails/);
    assert.equal(said(byRatio(beside([100, 500], [1, 500]), { neighbours })), 'Guilty ErrorRateIncreased');
    const unknown = { ...without('before'), course: [{ time: at(0), ...counts(200, 1000) }] };
    assert.equal(said(weigh(measured({ ratio: unknown, neighbours }))), 'Inconclusive NeighboursBurn');
  });

  it('has a failed check after its commit against it where something else is, and never by that alone', () => {
    const check = { name: 'Job shop/smoke', reason: 'BackoffLimitExceeded', finishTime: at(30) };
    const late = byRatio(calmUntil(1200), { check });
    assert.deepEqual(
      [said(late), points(late)],
      ['Guilty ErrorRateIncreased', ['BeforeAfter 2', 'Onset 0', 'Check 1']],
    );
    assert.match(late.message, /^it fails 20 % .*; the check after its commit, Job shop\/smoke, failed: BackoffLimit/);
    assert.equal(byRatio(calmUntil(1200)).result, 'Inconclusive');
    const { ...alone } = without('before');
    const unknown = { ratio: { ...alone, course: [{ time: at(0), ...counts(200, 1000) }] }, check, minScore: 1 };
    const found = weigh(measured(unknown));
    assert.deepEqual([said(found), points(found)], ['Inconclusive NoComparison', ['Onset 0', 'Check 0']]);
    const alike = byRatio(beside([100, 500], [110, 500]), { check });
    assert.deepEqual([said(alike), points(alike)], ['NotGuilty NoDifference', ['SideBySide -6', 'Onset 3', 'Check 0']]);
  });

  it('needs as many points as the policy says', () => {
    assert.equal(said(byRatio({}, { minScore: 5 })), 'Guilty ErrorRateIncreased');
    assert.equal(said(byRatio({}, { minScore: 6 })), 'Inconclusive ScoreTooLow');
    assert.equal(said(byRatio(beside([100, 500], [1, 500]), { minScore: 6 })), 'Guilty ErrorRateIncreased');
  });
});

describe('the words and the order of evidence', () => {
  const neighbours = [{ name: 'cart', alertTime: at(10) }];

  it('against a release are those of a Guilty verdict, and no others', () => {
    const { message } = byRatio(beside([100, 500], [1, 500]), { neighbours });
    assert.match(message, /^in the same minutes .* 0.2 % of 500 requests; the burn began with the release$/);
  });

  it('for a release begin with what speaks most for it: a late burn beside neighbours is no proof of its innocence', () => {
    const found = byRatio(calmUntil(6 * HOUR), { neighbours });
    assert.deepEqual([said(found), points(found)], ['Inconclusive NeighboursBurn', ['Onset -2', 'Neighbours -3']]);
    assert.match(found.message, /^1 other workload of the namespace burns, too: cart; the burn began 6 h/);
  });

  it('say how many points are missing', () => {
    const { message } = byRatio({}, { minScore: 6 });
    assert.match(
      message,
      /^it fails 20 %.*; the burn began with the release; the evidence has 5 points; minScore is 6$/,
    );
  });

  it('count before and after where the same minutes do not decide, or the onset does not', () => {
    const [before, now] = ratio().course;
    assert.deepEqual(points(byRatio(beside([2, 10], [0, 3]))), ['SideBySide 0', 'BeforeAfter 2', 'Onset 3']);
    const course = [before, { ...now, time: at(-6) }].map((one) => ({ time: '', ...counts(0, 0), ...one }));
    const found = byRatio({ course, before: counts(1, 20) });
    assert.deepEqual(points(found), ['BeforeAfter 0', 'Onset 0']);
    assert.match(found.message, /the burn may have begun 6 s before the release: too few requests to decide/);
  });

  it('name no ratio of what made no requests', () => {
    assert.ok(!('newErrorRatio' in byRatio({ release: counts(0, 0) })));
    assert.ok(!('oldErrorRatio' in byRatio({ before: counts(0, 0) })));
  });
});

describe('the onset of a burn, against the release', () => {
  const onsetAt = (seconds: number, rest: Partial<Ratio> = {}) => byRatio({ ...calmUntil(seconds), ...rest });

  it('is with the release within the bucket in which it came, which is as exactly as it is known', () => {
    assert.match(onsetAt(5).message, /the burn began with the release$/);
    assert.match(onsetAt(6).message, /the burn began 6 s after the release$/);
    assert.match(onsetAt(-4).message, /the burn began with the release$/);
    assert.equal(said(onsetAt(-4, { before: counts(120, 3000) })), 'Guilty ErrorRateIncreased');
    assert.equal(said(onsetAt(-5, { before: counts(120, 3000) })), 'NotGuilty BurnBeganBefore');
  });

  it('is with it up to a quarter of an hour after it was ready, and late from half an hour on', () => {
    assert.deepEqual(points(onsetAt(905)), ['BeforeAfter 2', 'Onset 3']);
    assert.deepEqual(points(onsetAt(906)), ['BeforeAfter 2', 'Onset 0']);
    assert.deepEqual(points(onsetAt(1805)), ['BeforeAfter 2', 'Onset 0']);
    assert.deepEqual(points(onsetAt(1806)), ['Onset -2']);
  });

  it('is before it only where what was current then surely burned', () => {
    assert.deepEqual(points(onsetAt(-60, { before: counts(0, 3000) })), ['BeforeAfter 2', 'Onset 0']);
    const { before: _, ...unknown } = { ...ratio(), ...calmUntil(-60) };
    assert.deepEqual(points(weigh(measured({ ratio: unknown }))), ['Onset 0']);
  });
});

describe('a release that does not burn, or of which too little is known', () => {
  for (const [what, rest, found, words] of [
    ['is Inconclusive without requests', { release: counts(0, 0) }, 'Inconclusive NoData', /no requests/],
    [
      'is Inconclusive with a few',
      { release: counts(5, 19.7) },
      'Inconclusive InsufficientTraffic',
      /^19 requests so far; 20 are/,
    ],
    [
      'is NotGuilty where it surely is below the threshold',
      { release: counts(5, 1000) },
      'NotGuilty NotBurning',
      /^its pods fail 0.5 % of 1000 requests; the budget burns above 1 %$/,
    ],
    [
      'is Inconclusive where it may be above it',
      { release: counts(0, 60) },
      'Inconclusive InsufficientTraffic',
      /too few requests to rule that out$/,
    ],
    [
      'is judged from as many requests as the policy says',
      { release: counts(4, 20) },
      'Guilty ErrorRateIncreased',
      /20 %/,
    ],
    ['is NotGuilty at the threshold', { release: counts(100, 10_000) }, 'NotGuilty NotBurning', /burns above/],
    ['is judged just above it', { release: counts(101, 10_000) }, 'Guilty ErrorRateIncreased', /; before it/],
  ] as const)
    it(what, () => {
      const finding = byRatio(rest);
      assert.equal(said(finding), found);
      assert.match(finding.message, words);
    });

  it('is NotGuilty by all of its requests where its ratio never changed', () => {
    const found = byRatio({ release: counts(5, 1000), course: [{ time: at(-300), ...counts(5, 4000) }] });
    assert.equal(said(found), 'NotGuilty NotBurning');
    assert.match(found.message, /^its pods fail 0.5 % of 1000 requests/);
  });

  it('is never Guilty where the burn may be over, whatever the pods of the release did before', () => {
    const course = [
      { time: at(-300), ...counts(0, 3000) },
      { time: at(0), ...counts(200, 400) },
      { time: at(20), ...counts(0, 30) },
    ];
    const found = byRatio({ course, ...beside([200, 400], [0, 100]) });
    assert.equal(said(found), 'Inconclusive InsufficientTraffic');
    assert.match(found.message, /^the burn may be over, and too few requests came to be sure: 0 % of 30 requests fail/);
  });

  it('is never Guilty of what is left of a burn, as long as that may be below the threshold', () => {
    const course = [
      { time: at(-300), ...counts(0, 3000) },
      { time: at(0), ...counts(1368, 21_000) },
      { time: at(2700), ...counts(27, 2400) },
    ];
    assert.equal(said(byRatio({ course, release: counts(1395, 23_400) })), 'Inconclusive InsufficientTraffic');
  });

  it('is NotGuilty where the burn is over: a start that failed', () => {
    const course = [
      { time: at(-300), ...counts(0, 3000) },
      { time: at(0), ...counts(200, 400) },
      { time: at(20), ...counts(0, 2000) },
    ];
    const found = byRatio({ course });
    assert.equal(said(found), 'NotGuilty BurnEnded');
    assert.match(found.message, /^the burn is over: 0 % of 2000 requests fail since it ended/);
  });
});

describe('the rule of an alert, where there is no indicator', () => {
  const byRule = (rule: Partial<NonNullable<Measurement['rule']>>, more: Partial<Measurement> = {}) =>
    weigh(measured({ rule: { fires: true, sinceTime: at(15), fromTime: at(-300), ...rule }, ...more }));

  it('finds the release Guilty where it began to fire with it', () => {
    const found = byRule({});
    assert.deepEqual([said(found), points(found)], ['Guilty ErrorRateIncreased', ['Onset 3']]);
    assert.equal(found.message, 'the burn began 15 s after the release');
  });

  it('finds it NotGuilty where it fired before or in the moment of the release, or fires no more', () => {
    assert.equal(said(byRule({ sinceTime: at(0) })), 'NotGuilty BurnBeganBefore');
    assert.equal(byRule({ sinceTime: at(0) }).message, 'the burn began with the release, or earlier');
    assert.equal(said(byRule({ sinceTime: at(-1) })), 'NotGuilty BurnBeganBefore');
    assert.equal(said(byRule({ sinceTime: at(-300) })), 'NotGuilty BurnBeganBefore');
    const over = { fires: false, fromTime: at(-300) };
    assert.equal(said(weigh(measured({ rule: over }))), 'NotGuilty NotBurning');
  });

  it('needs a person where it began to fire long after the release, where neighbours burn, and where the policy asks for more', () => {
    assert.equal(said(byRule({ sinceTime: at(2 * HOUR) })), 'Inconclusive BurnBeganLate');
    assert.equal(
      said(byRule({}, { neighbours: [{ name: 'cart', alertTime: at(10) }] })),
      'Inconclusive NeighboursBurn',
    );
    assert.equal(said(byRule({}, { minScore: 4 })), 'Inconclusive ScoreTooLow');
    assert.equal(said(byRule({ sinceTime: at(HOUR), fromTime: at(HOUR) })), 'Inconclusive NoComparison');
  });

  it('is Inconclusive where it fires and nobody knows since when', () => {
    const fires = { fires: true, fromTime: at(-300) };
    assert.equal(said(weigh(measured({ rule: fires }))), 'Inconclusive NoComparison');
  });
});

describe('a leak: failures that rise hours after the release', () => {
  const rise = (rest: Partial<NonNullable<Ratio['rise']>> = {}): Partial<Ratio> => ({
    ...calmUntil(6 * HOUR),
    resolutionSeconds: 60,
    rise: { seconds: 900, leastSeconds: 600, requests: '1.1', ...rest },
  });

  it('is Guilty where all others that could be measured are well', () => {
    const found = byRatio(rise(), { well: 3 });
    assert.deepEqual([said(found), points(found)], ['Guilty ErrorRateIncreased', ['Onset -2', 'Rise 5']]);
    assert.equal(
      found.message,
      'its failures rose for 10 min or longer under the same traffic, as of a leak, and 3 other workloads of the namespace are well',
    );
  });

  for (const [what, rest, more, reason] of [
    ['nobody could be measured', {}, { well: 0 }, 'BurnBeganLate'],
    ['nobody was measured', {}, {}, 'BurnBeganLate'],
    ['others burn', {}, { well: 2, neighbours: [{ name: 'cart', errorRatio: '0.5' }] }, 'NeighboursBurn'],
    ['it may have been a step', { leastSeconds: 60 }, { well: 3 }, 'BurnBeganLate'],
    ['more requests came', { requests: '1.5' }, { well: 3 }, 'BurnBeganLate'],
  ] satisfies [string, Partial<NonNullable<Ratio['rise']>>, Partial<Measurement>, string][])
    it(`is Inconclusive where ${what}`, () => assert.equal(said(byRatio(rise(rest), more)), `Inconclusive ${reason}`));

  const first = (
    requests: number,
    lead: number,
    errorRatio: number,
    now: [requests: number, failed: number] = [3, 0.2],
  ) => ({
    ...{ requests: '3', first: { requests: String(requests), lead: String(lead), errorRatio: String(errorRatio) } },
    last: { requests: String(now[0]), errorRatio: String(now[1]) },
  });

  for (const [what, began, words] of [
    ['more requests came later than the failures', first(1.1, 1, 0.1), /longer under the same traffic, as of a leak/],
    [
      'more requests came with the failures, as callers try again what failed',
      first(1.6, 1.1, 0.3),
      /longer with no more requests than retries explain, as of a leak/,
    ],
    [
      'as many requests come as always again, and as many of them fail',
      first(1.7, 1.1, 0.3, [1.1, 0.2]),
      /longer and still fail as much, though no more requests come any more, as of a leak/,
    ],
  ] as const)
    it(`is Guilty also where ${what}`, () => {
      const traffic = { traffic: { before: counts(0, 10), since: counts(8, 30) } };
      const found = byRatio({ ...rise(began), ...traffic }, { well: 3 });
      assert.deepEqual(points(found), ['Onset -2', 'Rise 5']);
      assert.match(found.message, words);
    });

  for (const [what, began] of [
    ['more requests came than retries of what failed', first(1.7, 1.1, 0.3)],
    ['more requests came before anything failed', first(1.6, 1.4, 0.3)],
    ['the time that is taken for the beginning did not burn, and many more requests came', first(1.1, 1.1, 0)],
    ['fewer of them fail now that no more requests come', first(1.7, 1.1, 0.3, [1.1, 0.1])],
  ] as const)
    it(`is Inconclusive where ${what}`, () =>
      assert.equal(said(byRatio(rise(began), { well: 3 })), 'Inconclusive BurnBeganLate'));

  it('is nothing of a release that is too old, and of no burn that begins with the release', () => {
    const old = { ...rise(), ...calmUntil(25 * HOUR) };
    assert.equal(said(byRatio(old, { well: 3 })), 'NotGuilty ReleaseTooOld');
    assert.deepEqual(points(byRatio({ ...rise(), ...calmUntil(60) }, { well: 3 })), ['BeforeAfter 2', 'Onset 3']);
  });
});

describe('pods of one release that differ', () => {
  const pods = (burning: string[], well = 3, byAge = false): Partial<Ratio> => ({
    pods: {
      burning: { pods: 2, ...counts(100, 200), nodes: burning },
      well: { pods: well, ...counts(well, 300) },
      byAge,
    },
  });

  it('are no doing of the release, which all of them run: a person is asked, and reads where they run', () => {
    const found = byRatio(pods(['a', 'b']));
    assert.deepEqual(
      [said(found), points(found)],
      ['Inconclusive PodsDiffer', ['BeforeAfter 2', 'Onset 3', 'Pods -9']],
    );
    assert.match(
      found.message,
      /^2 pods of it fail 50 % of 200 requests on nodes a, b, 3 other pods of the same release fail 1 % of 300 requests in the same minutes/,
    );
  });

  it('outweigh the comparison with the release before it: its pods may be on a bad node by chance', () =>
    assert.equal(said(byRatio({ ...beside([100, 500], [1, 500]), ...pods(['a']) })), 'Inconclusive PodsDiffer'));

  it('say nothing where none is well, or where the older ones leak first', () => {
    assert.equal(said(byRatio(pods(['a'], 0))), 'Guilty ErrorRateIncreased');
    const leak = { rise: { seconds: 900, leastSeconds: 600, requests: '1' }, ...calmUntil(6 * HOUR) };
    assert.equal(said(byRatio({ ...leak, ...pods([], 1, true) }, { well: 1 })), 'Guilty ErrorRateIncreased');
    assert.equal(said(byRatio({ ...leak, ...pods([], 1, false) }, { well: 1 })), 'Inconclusive PodsDiffer');
    assert.equal(
      said(byRatio(pods(['a'], 1, true))),
      'Inconclusive PodsDiffer',
      'soon after the release age is no excuse',
    );
  });

  it('are on nodes where others burn, too: then it is the nodes, whatever the comparison says', () => {
    const neighbours = [{ name: 'cart', errorRatio: '0.3', sameNodes: true }, { name: 'search' }];
    const found = byRatio({ ...beside([100, 500], [1, 500]), ...pods(['a'], 0) }, { neighbours });
    assert.deepEqual(
      [said(found), points(found)],
      ['Inconclusive NodesFail', ['SideBySide 6', 'Onset 3', 'Nodes -6', 'Neighbours -3']],
    );
    assert.match(found.message, /^its pods that burn are on node a, and of cart only pods on the same nodes burn/);
    const callers = [{ name: 'cart', errorRatio: '0.3' }];
    const worse = byRatio({ ...beside([100, 500], [1, 500]), ...pods(['a'], 0) }, { neighbours: callers });
    assert.equal(said(worse), 'Guilty ErrorRateIncreased');
  });

  it('are on nodes on which pods of others fail more than those elsewhere, by as much as would burn it', () => {
    const of = (here: [number, number], elsewhere: [number, number]) => {
      const byNode = [{ name: 'cart', here: counts(...here), elsewhere: counts(...elsewhere) }];
      return byRatio({ ...beside([100, 500], [1, 500]), ...pods(['a'], 0) }, { byNode });
    };
    const found = of([60, 2000], [0, 2000]);
    assert.deepEqual([said(found), points(found)], ['Inconclusive NodesFail', ['SideBySide 6', 'Onset 3', 'Nodes -9']]);
    assert.match(
      found.message,
      /^of cart the pods on the same nodes \(a\) fail 3 % of 2000 requests, those elsewhere 0 % of 2000 requests in the same/,
    );
    // A caller fails wherever it runs; a little more is no outage; a few requests are no sign.
    assert.equal(said(of([600, 2000], [590, 2000])), 'Guilty ErrorRateIncreased');
    assert.equal(said(of([20, 10_000], [0, 10_000])), 'Guilty ErrorRateIncreased');
    assert.equal(said(of([2, 30], [0, 30])), 'Guilty ErrorRateIncreased');
  });
});

describe('a burn that comes and goes', () => {
  const flapping = (until: number): Partial<Ratio> => ({
    untilTime: at(until),
    course: [
      { time: at(-300), ...counts(0, 3000) },
      { time: at(60), ...counts(100, 300) },
      { time: at(180), ...counts(0, 1000) },
      { time: at(420), ...counts(100, 300) },
      { time: at(540), ...counts(0, 1000) },
    ],
  });

  it('is judged in its pauses, too, as one burn that began with its first spell', () => {
    const found = byRatio(flapping(800));
    assert.equal(said(found), 'Guilty ErrorRateIncreased');
    assert.match(found.message, /the burn began 60 s after the release, and came again 1 time$/);
  });

  it('is over where it is calm for more than twice its longest pause', () =>
    assert.equal(said(byRatio(flapping(1021))), 'NotGuilty BurnEnded'));
});
