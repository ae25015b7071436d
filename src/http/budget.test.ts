import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createBudget } from './budget.ts';

describe('budget', () => {
  it('refuses what exceeds a group, then what exceeds all, each with its limit', () => {
    const budget = createBudget({ total: 10, perGroup: 6 });
    const first = budget.take('a', 6);
    equal(first.ok, true);
    deepEqual(budget.take('a', 1), { ok: false, of: 'group', limit: 6 });
    deepEqual(budget.take('b', 5), { ok: false, of: 'all', limit: 10 });
    equal(budget.used(), 6);
  });

  it('gives back once, however often it is asked to', () => {
    const budget = createBudget({ total: 10 });
    const first = budget.take('a', 7);
    if (first.ok) {
      first.free();
      first.free();
    }
    equal(budget.used(), 0);
    equal(budget.take('b', 10).ok, true);
  });
});
