import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseSchedule } from './schedule.ts';

const DAY_MS = 86_400_000;
/** The days of a year, as MM-DD, on which it begins. */
const daysOf = (schedule: string, year = 2026): string[] => {
  const { isOn } = parseSchedule(schedule);
  const first = Date.UTC(year, 0, 1) / DAY_MS;
  const days = Array.from({ length: (Date.UTC(year + 1, 0, 1) - first * DAY_MS) / DAY_MS }, (_, i) => first + i);
  return days.filter(isOn).map((day) => new Date(day * DAY_MS).toISOString().slice(5, 10));
};
const timesOf = (schedule: string): string[] =>
  parseSchedule(schedule).minutes.map((minute) => `${Math.floor(minute / 60)}:${minute % 60}`);

describe('a cron schedule', () => {
  it('has values, ranges, steps and lists in each field', () => {
    assert.deepEqual(timesOf('0 18 * * *'), ['18:0']);
    assert.deepEqual(timesOf('*/20 9-10 * * *'), ['9:0', '9:20', '9:40', '10:0', '10:20', '10:40']);
    assert.deepEqual(timesOf('5,50 22/1 * * *'), ['22:5', '22:50', '23:5', '23:50']);
    assert.deepEqual(timesOf('10-30/10 0 * * *'), ['0:10', '0:20', '0:30']);
    assert.equal(timesOf('* * * * *').length, 1440);
  });

  it('has months and days of the week by name, in any case, and two numbers for Sunday', () => {
    assert.deepEqual(daysOf('0 0 24-26 DEC *'), ['12-24', '12-25', '12-26']);
    assert.deepEqual(daysOf('0 0 * 2 fri'), ['02-06', '02-13', '02-20', '02-27']);
    assert.deepEqual(daysOf('0 0 * 1 0'), daysOf('0 0 * 1 7'));
    assert.deepEqual(daysOf('0 0 * 1 5-7').slice(0, 3), ['01-02', '01-03', '01-04']);
    assert.deepEqual(daysOf('0 0 * 1 1/2'), daysOf('0 0 * 1 MON,WED,FRI'), 'a step stops at Saturday');
  });

  it('begins on either of day of the month and day of the week, where both are restricted', () => {
    assert.deepEqual(daysOf('0 0 13 2 FRI'), ['02-06', '02-13', '02-20', '02-27']);
    assert.deepEqual(daysOf('0 0 1 2 FRI'), ['02-01', '02-06', '02-13', '02-20', '02-27']);
  });

  it('begins on the 29th of February in leap years only', () => {
    assert.deepEqual([daysOf('0 0 29 2 *', 2028), daysOf('0 0 29 2 *', 2027)], [['02-29'], []]);
  });

  for (const [text, why] of [
    ['0 18 * *', '"0 18 * *" has 4 fields, not five'],
    ['@daily', '"@daily" has 1 fields, not five'],
    ['60 * * * *', '"60" is no minute from 0 to 59'],
    ['0 24 * * *', '"24" is no hour from 0 to 23'],
    ['0 0 0 * *', '"0" is no day of the month from 1 to 31'],
    ['0 0 * XYZ *', '"XYZ" is no month from 1 to 12'],
    ['0 0 * * 8', '"8" is no day of the week from 0 to 7'],
    ['0 0 * * SAT-SUN', '"SAT-SUN" is no day of the week from 0 to 7'],
    ['*/0 * * * *', '"*/0" is no minute from 0 to 59'],
    ['1-2-3 * * * *', '"1-2-3" is no minute from 0 to 59'],
    [', * * * *', '"" is no minute from 0 to 59'],
  ] as const)
    it(`is refused with what can't be read: ${text}`, () => {
      assert.throws(() => parseSchedule(text), new RangeError(why));
    });
});
