import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createBatches } from './batches.ts';

describe('work in batches', () => {
  it('takes what came meanwhile together, key by key', async () => {
    const rounds: string[] = [];
    const add = createBatches(async (items: readonly [string, ...string[]]) => {
      rounds.push(items.join());
      await new Promise(setImmediate);
      return items.length;
    });
    const first = add('a', 'a1');
    const other = add('b', 'b1');
    await Promise.resolve();
    await Promise.resolve();
    assert.deepEqual(await Promise.all([first, other, ...['a2', 'a3', 'a4'].map((i) => add('a', i))]), [1, 1, 3, 3, 3]);
    assert.deepEqual(rounds, ['a1', 'b1', 'a2,a3,a4']);
  });

  it('goes on after a round that failed, which only its own items hear of', async () => {
    const add = createBatches(async ([item]: readonly [string, ...string[]]) => {
      if (item === 'bad') throw new Error('refused');
      return item;
    });
    const bad = add('a', 'bad');
    await assert.rejects(bad, /refused/);
    assert.equal(await add('a', 'good'), 'good');
  });
});
