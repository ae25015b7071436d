import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createTerm } from './term.ts';

describe('a term of leading', () => {
  it('is seen by whoever has its memory, and ends by the clock alone', () => {
    let now = 1_000;
    const thread = createTerm(() => now);
    const main = createTerm(() => now, thread.memory);
    assert.equal(main.isHeld(), false);
    thread.holdUntil(now + 10_000);
    assert.equal(main.isHeld(), true);
    now += 10_000;
    assert.equal(main.isHeld(), false);
  });

  it('ends at once when it is given up', () => {
    const term = createTerm(() => 5);
    term.holdUntil(1_000);
    term.holdUntil(0);
    assert.equal(term.isHeld(), false);
  });

  it('tells how long ago the main loop turned', () => {
    let now = 1_000;
    const main = createTerm(() => now);
    const thread = createTerm(() => now, main.memory);
    main.beat();
    now += 700;
    assert.equal(thread.sinceBeat(), 700);
  });
});
