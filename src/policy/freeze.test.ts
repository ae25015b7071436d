import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type Freeze, freeze as schema } from '../api/freeze.ts';
import { frozenAt, problemOf } from './freeze.ts';
import { parseSchedule } from './schedule.ts';
import { wallClockOf } from './wall-clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const freeze = (schedule: string, duration: string, timeZone = 'UTC', reason?: string): Freeze =>
  schema.parse({ schedule, duration, timeZone, ...(reason === undefined ? {} : { reason }) });
/** Until when it is frozen at a time; `no` where it is not, and `open` where no end is in sight. */
const until = (freezes: Freeze[], time: string): string => {
  const found = frozenAt(freezes, Date.parse(time));
  if (!found) return 'no';
  return found.until === undefined ? 'open' : new Date(found.until).toISOString().replace(':00.000Z', 'Z');
};

describe('a change freeze', () => {
  it('holds from its first minute to its last, and says why', () => {
    const weekend = [freeze('0 18 * * FRI', '62h', 'UTC', 'the weekend')];
    assert.equal(until(weekend, '2026-01-02T17:59:59Z'), 'no');
    assert.equal(until(weekend, '2026-01-02T18:00:00Z'), '2026-01-05T08:00Z');
    assert.equal(until(weekend, '2026-01-05T07:59:59Z'), '2026-01-05T08:00Z');
    assert.equal(until(weekend, '2026-01-05T08:00:00Z'), 'no');
    assert.equal(frozenAt(weekend, Date.parse('2026-01-03T00:00:00Z'))?.what, 'a change freeze (the weekend)');
    assert.equal(frozenAt([], 0), undefined);
  });

  it('goes on over midnight', () => {
    const nights = [freeze('0 22 * * *', '8h', 'Europe/Berlin')];
    assert.equal(until(nights, '2026-01-02T23:30:00Z'), '2026-01-03T05:00Z');
    assert.equal(until(nights, '2026-01-03T05:00:00Z'), 'no');
  });

  it('is one with another that begins before it ends', () => {
    const days = [freeze('0 0 * * SAT', '24h'), freeze('0 0 * * SUN', '24h'), freeze('0 23 * * SUN', '3h')];
    assert.equal(until(days, '2026-01-03T12:00:00Z'), '2026-01-05T02:00Z');
  });

  it('has no end in sight where it is longer than its period', () => {
    assert.equal(until([freeze('0 0 * * *', '36h')], '2026-01-03T12:00:00Z'), 'open');
    assert.equal(until([freeze('* * * * *', '1m')], '2026-01-03T12:00:00Z'), 'open');
    assert.equal(until([freeze('0 0 1 1 *', '9999999999999h')], '2026-01-03T12:00:00Z'), 'open');
  });

  it('comes on the 29th of February, once in four years, or eight', () => {
    const leap = [freeze('0 0 29 2 *', '24h')];
    assert.equal(until(leap, '2028-02-29T12:00:00Z'), '2028-03-01T00:00Z');
    assert.equal(until(leap, '2027-03-01T12:00:00Z'), 'no');
    const long = [freeze('0 0 29 2 *', '70100h')];
    assert.equal(until(long, '2104-02-28T12:00:00Z'), '2104-02-28T20:00Z', 'since 2096');
    assert.equal(until([freeze('0 0 30 2 *', '24h')], '2028-02-29T12:00:00Z'), 'no', 'never');
  });

  it('begins when the clocks are set past its time, in the night in which summer time begins', () => {
    const night = [freeze('30 2 * * *', '1h', 'Europe/Berlin')];
    assert.equal(until(night, '2026-03-29T00:59:00Z'), 'no');
    assert.equal(until(night, '2026-03-29T01:00:00Z'), '2026-03-29T02:00Z', 'from 3:00 in Berlin on');
    assert.equal(until(night, '2026-03-28T01:30:00Z'), '2026-03-28T02:30Z');
  });

  it('begins the first time that the clocks show its time, in the night in which summer time ends', () => {
    const night = [freeze('30 2 * * *', '1h', 'Europe/Berlin')];
    assert.equal(until(night, '2026-10-25T00:30:00Z'), '2026-10-25T01:30Z');
    assert.equal(until(night, '2026-10-25T01:30:00Z'), 'no', 'it is 2:30 in Berlin for the second time');
    const late = [freeze('50 2 * * *', '30m', 'Europe/Berlin')];
    assert.equal(until(late, '2026-10-25T01:10:00Z'), '2026-10-25T01:20Z', 'it is 2:10 again');
  });

  it('lasts as long as it says, whatever the clocks do meanwhile', () => {
    const day = [freeze('0 0 * * SUN', '24h', 'America/New_York')];
    assert.equal(until(day, '2026-03-08T12:00:00Z'), '2026-03-09T05:00Z', 'until 1:00 in New York');
  });

  it('that can not be read never ends: what it was meant to keep out might happen', () => {
    const [berlin, reversed] = [freeze('0 0 * * *', '1h', 'Europe/Berln'), freeze('0 0 20-10 * *', '1h')];
    assert.equal(until([berlin], '2026-01-03T12:00:00Z'), 'open');
    const unknown = 'freeze "0 0 * * *": there is no time zone "Europe/Berln"';
    assert.equal(problemOf([freeze('0 0 * * *', '1h'), berlin]), unknown);
    assert.equal(problemOf([reversed]), 'freeze "0 0 20-10 * *": "20-10" is no day of the month from 1 to 31');
    assert.equal(problemOf([freeze('0 18 * * fri', '62h', 'Asia/Kolkata')]), undefined);
    const { what } = frozenAt([reversed], 0) ?? {};
    assert.match(what ?? '', /^a change freeze that can't be read \(freeze "0 0 20-10/);
  });
});

/** Minute by minute, from before any window that could hold now: it begins where the clocks come to show its time or more. */
const slowly = ({ schedule, duration, timeZone }: Freeze, now: number): boolean => {
  const { minutes, isOn } = parseSchedule(schedule);
  const clock = wallClockOf(timeZone);
  const starts = (shown: number): boolean =>
    isOn(Math.floor(shown / DAY_MS)) && minutes.includes((shown % DAY_MS) / MINUTE_MS);
  const length = Number(duration.slice(0, -1)) * MINUTE_MS;
  const first = now - length - 4 * HOUR_MS;
  let most = clock.shows(first - MINUTE_MS);
  let end = Number.NEGATIVE_INFINITY;
  for (let time = first; time <= now; time += MINUTE_MS) {
    const shown = clock.shows(time);
    for (; most < shown; most += MINUTE_MS) if (starts(most + MINUTE_MS)) end = time + length;
  }
  return now < end;
};

describe('the slow way to say whether it is a change freeze', () => {
  const list = (max: number, min = 0) =>
    fc.oneof(
      fc.constant('*'),
      fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 }).map((values) => values.join()),
    );
  const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/St_Johns', 'Asia/Kolkata'];
  const made = fc.record({
    schedule: fc
      .tuple(list(59), list(23), list(31, 1), fc.constantFrom('*', '3,10,11', '4'), list(7))
      .map((fields) => fields.join(' ')),
    duration: fc.integer({ min: 1, max: 1800 }).map((minutes) => `${minutes}m`),
    timeZone: fc.constantFrom(...ZONES),
  });
  /** Hours around the changes of the clocks in 2026, and any other. */
  const CHANGES = [
    '2026-03-08T07:00Z',
    '2026-03-29T01:00Z',
    '2026-04-04T15:00Z',
    '2026-10-25T01:00Z',
    '2026-11-01T06:00Z',
  ];
  const near = fc
    .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -1500, max: 3000 }))
    .map(([change, minutes]) => Date.parse(change) + minutes * MINUTE_MS);
  const any = fc.integer({ min: 0, max: 525_600 }).map((minute) => Date.UTC(2026, 0, 1) + minute * MINUTE_MS);

  it('says the same, whatever the schedule, the zone and the time', function () {
    this.timeout(60_000);
    fc.assert(
      fc.property(made, fc.oneof(near, any), (freeze, now) => {
        assert.equal(frozenAt([freeze], now) !== undefined, slowly(freeze, now));
      }),
      { numRuns: 150 },
    );
  });

  it('says the same of its end: it is frozen until then, and not in that minute', function () {
    this.timeout(60_000);
    fc.assert(
      fc.property(made, fc.oneof(near, any), (freeze, now) => {
        const end = frozenAt([freeze], now)?.until;
        fc.pre(end !== undefined);
        assert.deepEqual([slowly(freeze, end - MINUTE_MS), slowly(freeze, end)], [true, false]);
      }),
      { numRuns: 60 },
    );
  });
});
