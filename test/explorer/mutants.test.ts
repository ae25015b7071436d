import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Invariant, Liveness } from './invariants.ts';
import { mutants } from './mutants.ts';
import { searchAll } from './pool.ts';
import { wordsOf } from './words.ts';

const SAFETY: readonly Invariant[] = [
  'an incident rolls back once',
  'no rollback that is not allowed',
  'no rollback of what does not burn',
  `a person's word wins`,
  'nothing held is applied',
];
const LIVENESS: readonly (Invariant | Liveness)[] = [
  'an incident whose alerts ended is closed',
  'every fix lands',
  'nothing else is kept back',
  'what burns is rolled back',
];

describe('the search notices when a guard is taken out', () => {
  it('has a mutant for each invariant', () => {
    const broken = mutants.flatMap(({ breaks }) => breaks);
    assert.deepEqual(
      [...SAFETY, ...LIVENESS].filter((one) => !broken.includes(one)),
      [],
    );
  });

  for (const { words, edits, breaks, scenario } of mutants) {
    it(`${words}: ${breaks.join(', or ')}`, async () => {
      // How a state ends is asked only where that is what has to be noticed: it costs as much as a hundred moves.
      const endEvery = breaks.some((one) => LIVENESS.includes(one)) ? 1 : Number.POSITIVE_INFINITY;
      const search = { scenario, states: 20_000, endEvery, seed: 0 };
      const found = await searchAll([{ search, edits }]);
      const [violation] = found.flatMap(({ violations }) => violations);
      assert.ok(violation, `${found[0]?.states} states, and nothing was found`);
      assert.ok(breaks.includes(violation.invariant), wordsOf(found));
    });
  }
});
