import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { HoldStatus } from '../api/hold.ts';
import { calmIn, contestOf, withReapplied } from './contest.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const time = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();
const rolledBack = (...seconds: number[]): HoldStatus => ({ reapplied: seconds.map((s) => ({ time: time(s) })) });
const contested = (status: 'True' | 'False', rest: HoldStatus = {}): HoldStatus => ({
  ...rest,
  conditions: [{ type: 'Contested', status, reason: 'Contested', message: '', lastTransitionTime: time(-1) }],
});

describe('a rejected release that is back', () => {
  for (const [what, status, expected] of [
    ['at once the first time', {}, [false, 0]],
    ['ten seconds after the first time', rolledBack(-1), [false, 9000]],
    ['thirty seconds after the second time', rolledBack(-20, -1), [false, 29_000]],
    ['ten minutes after the third time, contested', rolledBack(-30, -20, -1), [true, 599_000]],
    ['without those of more than ten minutes ago', rolledBack(-600, -20, -1), [false, 29_000]],
    ['with those of just ten minutes ago', rolledBack(-599.9, -20, -1), [true, 599_000]],
    ['ten minutes after the last time, while it is contested', contested('True', rolledBack(-500)), [true, 100_000]],
    ['as any other, when it is contested no more', contested('False', rolledBack(-500)), [false, 0]],
  ] as [string, HoldStatus, [boolean, number]][])
    it(`is rolled back ${what}`, () => {
      const found = contestOf(status, NOW);
      assert.deepEqual([found.contested, found.waitMs], expected);
    });

  it('is contested until nobody applied it for ten minutes', () => {
    assert.equal(calmIn(contested('True', rolledBack(-700, -400)), NOW), 200_000);
    assert.equal(calmIn(contested('True', rolledBack(-700)), NOW), 0);
    assert.equal(calmIn(contested('True'), NOW), 0);
    assert.equal(calmIn(contested('False', rolledBack(-1)), NOW), undefined);
    assert.equal(calmIn(rolledBack(-1), NOW), undefined);
  });

  it('is remembered eight times, with who applied it', () => {
    const many = withReapplied(rolledBack(...Array.from({ length: 8 }, (_, i) => i - 100)), 'ci', NOW);
    assert.equal(many.length, 8);
    assert.deepEqual([many[0], many.at(-1)], [{ time: time(-99) }, { time: time(0), fieldManager: 'ci' }]);
    assert.deepEqual(withReapplied({}, undefined, NOW), [{ time: time(0) }]);
  });
});
