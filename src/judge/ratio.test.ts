import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ratioOf } from './ratio.ts';

const STEP = 5_000;
/** A bucket for each step: failed and all requests in each; `undefined` where nothing was recorded. */
const course = (...counts: (readonly [number, number] | undefined)[]) =>
  counts.map((one, i) => ({ at: (i + 1) * STEP, errors: one?.[0] ?? 0, total: one?.[1] ?? 0 }));
const times = <T>(count: number, value: T): T[] => Array(count).fill(value);
const measure = (
  release: ReturnType<typeof course>,
  other: ReturnType<typeof course> | undefined,
  releasedAt: number,
) => ratioOf({ release, other, step: STEP }, { releasedAt }, 0.01);

describe('what is measured of two releases', () => {
  const old = course(...times(60, [0, 50] as const), [0, 30], [0, 20], undefined, undefined);
  const fresh = course(...times(60, undefined), [4, 20], [6, 30], [10, 50], [10, 50]);
  const found = () => measure(fresh, old, 60 * STEP);

  it('is all that the release did since it is current', () =>
    assert.deepEqual(found().release, { errors: '30', requests: '150' }));

  it('is both releases over the minutes in which both had requests, and no others', () =>
    assert.deepEqual(found().beside, {
      release: { errors: '10', requests: '50' },
      other: { errors: '0', requests: '50' },
    }));

  it('is what was current in the five minutes before', () =>
    assert.deepEqual(found().before, { errors: '0', requests: '3000' }));

  it('is what the release did before it burned', () => {
    const late = course(...times(60, undefined), ...times(20, [0, 50] as const), ...times(20, [40, 50] as const));
    assert.deepEqual(measure(late, old, 60 * STEP).early, { errors: '0', requests: '1000' });
    assert.equal(found().early, undefined, 'it burned from the first on');
  });

  it('is of no minute before the release, and of none more than five minutes before it', () => {
    const canary = course(...times(80, [0, 50] as const), ...times(10, [10, 50] as const));
    const stable = course(...times(90, [0, 20] as const));
    const { beside, before } = measure(canary, stable, 80 * STEP);
    assert.deepEqual(beside, { release: { errors: '100', requests: '500' }, other: { errors: '0', requests: '200' } });
    assert.deepEqual(before, { errors: '0', requests: '4200' });
  });

  it('is how the ratio of both together changed', () =>
    assert.deepEqual(
      found().course.map(({ errors, requests }) => [errors, requests]),
      [
        ['0', '3000'],
        ['30', '200'],
      ],
    ));

  it('is no minute in which less than half a request was counted of one', () => {
    const { beside } = measure(course([1, 10], [1, 10]), course([0, 0.4], [0, 0]), 0);
    assert.equal(beside, undefined);
  });
});

describe('a release that ended just before an outage', () => {
  it('was not there in the same minutes, though it had requests in the bucket in which the outage began', () => {
    const old = course(...times(60, [0, 50] as const), [0, 20], ...times(9, undefined));
    const fresh = course(...times(60, undefined), [8, 30], ...times(9, [45, 50] as const));
    assert.equal(measure(fresh, old, 60 * STEP).beside, undefined);
  });
});

describe('the window that is judged', () => {
  it('is that of the burn, not diluted over the life of the release: 15 % of errors after 19 good hours', () => {
    const life = course(...times(100, [0, 300] as const), ...times(3, [45, 300] as const));
    assert.deepEqual(measure(life, course(), 0).release, { errors: '135', requests: '900' });
  });

  it('begins with the release where the burn began before it', () => {
    const life = course(...times(20, [0, 50] as const), ...times(20, [10, 50] as const));
    assert.deepEqual(measure(life, undefined, 30 * STEP).release, { errors: '100', requests: '500' });
  });

  it('has only whole buckets of the release where all pods are counted together', () => {
    const life = course([0, 50], [0, 50], [10, 50]);
    assert.deepEqual(measure(life, undefined, 1.9 * STEP).release, { errors: '10', requests: '50' });
  });

  it('is everything since the release where it never burned', () => {
    const life = course(...times(10, [0, 50] as const));
    assert.deepEqual(measure(life, undefined, 5 * STEP).release, { errors: '0', requests: '250' });
    assert.equal(measure(life, undefined, 0).before, undefined);
  });
});

describe('a burn that comes and goes', () => {
  const calm = (count: number) => times(count, [0, 50] as const);
  const burning = times(12, [20, 50] as const);

  it('is counted over its spells: its pauses dilute nothing', () => {
    const life = course(...calm(60), ...burning, ...calm(40), ...burning, ...calm(20));
    const { release, untilTime } = measure(life, undefined, 60 * STEP);
    assert.deepEqual(release, { errors: '480', requests: '1200' });
    assert.equal(untilTime, new Date(144 * STEP).toISOString());
  });
});

describe('how the ratio rose', () => {
  const minute = 60_000;
  const hours = (errors: (i: number) => number) =>
    Array.from({ length: 60 }, (_, i) => ({ at: (i + 1) * minute, errors: Math.round(errors(i)), total: 600 }));
  const riseOf = (errors: (i: number) => number, releasedAt: number) =>
    ratioOf({ release: hours(errors), other: undefined, step: minute }, { releasedAt }, 0.01).rise;
  const leak = (i: number): number => Math.max(0, Math.min(200, (i - 40) * 20));

  it('is measured where the burn began long after the release', () => {
    const found = riseOf(leak, -300 * minute);
    assert.ok(found && found.leastSeconds >= 300 && Number(found.requests) === 1, JSON.stringify(found));
    assert.equal(riseOf((i) => (i < 40 ? 0 : 200), -300 * minute)?.leastSeconds, 0);
  });

  it('is not measured where it began soon after', () => assert.equal(riseOf(leak, 30 * minute), undefined));
});

describe('what came before the burn and since', () => {
  it('is compared with some minutes before: a rise of the traffic comes before what it overruns fails', () => {
    const minute = 60_000;
    const rises = (i: number): number => (i < 18 ? 100 : Math.min(1000, 100 + 150 * (i - 17)));
    const life = Array.from({ length: 30 }, (_, i) => {
      const total = rises(i);
      return { at: (i + 1) * minute, total, errors: i < 23 ? 0 : total / 2 };
    });
    const { traffic } = ratioOf({ release: life, other: undefined, step: minute }, { releasedAt: 0 }, 0.01);
    assert.equal(Math.round(60 * Number(traffic?.before.requests)), 100);
  });

  it('is compared with all that is recorded from before where few requests come: five minutes show little', () => {
    const minute = 60_000;
    const life = Array.from({ length: 60 }, (_, i) => {
      const total = i >= 40 && i < 45 ? 2 : 6;
      return { at: (i + 1) * minute, total, errors: i < 50 ? 0 : total };
    });
    const { traffic } = ratioOf({ release: life, other: undefined, step: minute }, { releasedAt: 0 }, 0.01);
    assert.equal(Math.round(60 * Number(traffic?.before.requests) * 10) / 10, 5.6);
  });

  it('is compared with the last minutes where nothing is recorded from before them', () => {
    const life = course(...times(30, [0, 50] as const), ...times(20, [20, 50] as const));
    assert.deepEqual(measure(life, undefined, 0).traffic?.before, { errors: '0', requests: '10' });
  });
});
