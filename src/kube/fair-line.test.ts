import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createFairLine } from './fair-line.ts';

describe('a line that is served group by group', () => {
  const fill = (most: number, items: readonly string[]) => {
    const line = createFairLine<string>(most);
    for (const item of items) line.add(item.slice(0, 1), item);
    const taken: string[] = [];
    for (let item = line.take(); item !== undefined; item = line.take()) taken.push(item);
    return { taken, size: line.size };
  };

  it('has each group wait for its turn, and each item for its group', () =>
    assert.deepEqual(fill(9, ['a1', 'a2', 'a3', 'b1', 'c1']), { taken: ['a1', 'b1', 'c1', 'a2', 'a3'], size: 0 }));

  it('gives up the oldest of the group that has the most', () =>
    assert.deepEqual(fill(3, ['b1', 'a1', 'a2', 'a3', 'a4']), { taken: ['b1', 'a3', 'a4'], size: 0 }));
});
