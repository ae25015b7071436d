import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { riseOf } from './rise.ts';

const STEP = 60_000;
/** Chance that is the same each time. */
const scatter = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};
/** An hour: of so many requests a minute, the part that the test says fails, with independent requests or unevenly. */
const hour = (ratio: (minute: number) => number, { requests = 600, uneven = 0, seed = 1 } = {}) => {
  const random = scatter(seed);
  return Array.from({ length: 60 }, (_, i) => {
    const p = ratio(i) * (1 + uneven * (2 * random() - 1));
    const spread = Math.sqrt(requests * p * (1 - p)) * (random() + random() + random() - 1.5) * 2;
    return { at: i * STEP, total: requests, errors: Math.max(0, Math.round(requests * p + spread)) };
  });
};
const ramp = (from: number, length: number, height: number) => (minute: number) =>
  0.001 + height * Math.min(1, Math.max(0, (minute + 0.5 - from) / length));
const step = (from: number, height: number) => (minute: number) => 0.001 + height * Number(minute >= from);
const leastMinutes = (course: ReturnType<typeof hour>): number => (riseOf(course, STEP)?.leastMs ?? 0) / STEP;

describe('how the error ratio rose', () => {
  for (const [what, length] of [
    ['three minutes', 3],
    ['a quarter of an hour', 15],
    ['half an hour', 30],
  ] as const)
    it(`is seen to have taken time: ${what}`, () => {
      for (let seed = 1; seed <= 20; seed += 1) {
        const found = riseOf(hour(ramp(25, length, 0.3), { seed }), STEP);
        assert.ok(found && found.leastMs >= 2 * STEP, `seed ${seed}: ${JSON.stringify(found)}`);
        assert.ok(found.forMs >= (length / 2) * STEP && found.forMs <= 2 * length * STEP);
      }
    });

  it('is seen while it still rises', () => assert.ok(leastMinutes(hour(ramp(45, 30, 0.4))) >= 4));

  for (const [what, course] of [
    ['at the end of a minute', (seed: number) => hour(step(40, 0.3), { seed })],
    ['in the middle of a minute', (seed: number) => hour((m) => (m === 40 ? 0.1 : step(41, 0.3)(m)), { seed })],
    ['a moment ago', (seed: number) => hour(step(58, 0.3), { seed })],
    ['with few requests', (seed: number) => hour(step(40, 0.3), { seed, requests: 10 })],
    ['with failures that come in bursts', (seed: number) => hour(step(40, 0.3), { seed, uneven: 0.9 })],
    ['and fell again slowly', (seed: number) => hour((m) => (m < 30 ? 0.001 : 0.4 / (m - 28)), { seed })],
  ] as const)
    it(`is no rise where it was a step ${what}`, () => {
      for (let seed = 1; seed <= 20; seed += 1) assert.ok(leastMinutes(course(seed)) <= 1, `seed ${seed}`);
    });

  it('says how many requests came as it began, and just before: a burst that comes later is no cause', () => {
    const course = (more: (minute: number) => number) =>
      hour(ramp(30, 10, 0.3)).map((one, i) => ({ ...one, total: one.total * more(i), errors: one.errors * more(i) }));
    const firstWith = (more: (minute: number) => number) => {
      const { requests = 0, lead = 0 } = riseOf(course(more), STEP)?.first ?? {};
      return [requests, lead].map((times) => Math.round(times * 10) / 10);
    };
    assert.deepEqual(
      firstWith(() => 1),
      [1, 1],
    );
    assert.deepEqual(
      firstWith((minute) => (minute < 42 ? 1 : 3)),
      [1, 1],
    );
    assert.deepEqual(
      firstWith((minute) => (minute < 27 ? 1 : 2)),
      [2, 2],
    );
  });

  it('is not known of few requests: a rise may have been a step', () =>
    assert.ok(leastMinutes(hour(ramp(40, 5, 0.1), { requests: 5 })) <= 1));

  it('is nothing where it did not rise, or nothing is recorded from before', () => {
    assert.ok(leastMinutes(hour(() => 0.1)) <= 1);
    assert.equal(riseOf(hour(ramp(5, 10, 0.3)).slice(0, 14), STEP), undefined);
    assert.equal(riseOf([], STEP), undefined);
  });

  it('comes with how many times as many requests came since', () => {
    const surge = hour(ramp(30, 10, 0.3)).map((bucket, i) =>
      i < 30 ? bucket : { ...bucket, errors: 2 * bucket.errors, total: 2 * bucket.total },
    );
    const { requests = 0 } = riseOf(surge, STEP) ?? {};
    assert.ok(requests > 1.8 && requests <= 2.2, String(requests));
  });
});
