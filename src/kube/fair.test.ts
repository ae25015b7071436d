import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createFairLine, createTurns } from './fair.ts';

describe('a fair line', () => {
  const takeAll = (line: ReturnType<typeof createFairLine<number>>): string[] => {
    const taken: string[] = [];
    for (let next = line.take(); next; next = line.take()) taken.push(`${next.group}${next.item}`);
    return taken;
  };
  const lineOf = (limits: { places: number; perGroup?: number }, waiting: Record<string, number>) => {
    const line = createFairLine<number>(limits);
    for (const [group, count] of Object.entries(waiting)) for (let i = 1; i <= count; i += 1) line.add(group, i);
    return line;
  };

  it('serves the groups in turn, and each in its own order', () => {
    assert.deepEqual(takeAll(lineOf({ places: 6 }, { a: 4, b: 2, c: 1 })), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('gives one group no more than its share', () => {
    assert.deepEqual(takeAll(lineOf({ places: 8, perGroup: 2 }, { a: 5 })), ['a1', 'a2']);
  });

  it('keeps the last quarter for groups that have none', () => {
    const line = lineOf({ places: 8, perGroup: 4 }, { a: 9, b: 9 });
    assert.equal(takeAll(line).length, 6);
    for (const group of ['c', 'd', 'e']) line.add(group, 1);
    assert.deepEqual(takeAll(line), ['c1', 'd1']);
  });

  it('gives a place that was left to who waits', () => {
    const line = lineOf({ places: 1 }, { a: 1, b: 1 });
    assert.deepEqual(takeAll(line), ['a1']);
    line.leave('a');
    assert.deepEqual(takeAll(line), ['b1']);
  });
});

describe('turns', () => {
  it('run work of others beside a group that hangs, and of that group when it goes on', async () => {
    const turns = createTurns({ places: 4, perGroup: 2 });
    const hanging = Promise.withResolvers<string>();
    const slow = [1, 2, 3].map(() => turns('slow', () => hanging.promise));
    assert.equal(await turns('other', async () => 'done'), 'done');
    hanging.resolve('late');
    assert.deepEqual(await Promise.all(slow), ['late', 'late', 'late']);
  });

  it('are given back by work that fails', async () => {
    const turns = createTurns({ places: 1, perGroup: 1 });
    await assert.rejects(
      turns('a', () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await turns('a', async () => 1), 1);
  });
});
