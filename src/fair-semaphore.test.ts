import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createFairQueue, createFairSemaphore } from './fair-semaphore.ts';

describe('a fair queue', () => {
  const takeAll = (line: ReturnType<typeof createFairQueue<number>>): string[] => {
    const taken: string[] = [];
    for (let next = line.take(); next; next = line.take()) taken.push(`${next.group}${next.item}`);
    return taken;
  };
  const lineOf = (limits: { slots: number; perGroup?: number }, waiting: Record<string, number>) => {
    const line = createFairQueue<number>(limits);
    for (const [group, count] of Object.entries(waiting)) for (let i = 1; i <= count; i += 1) line.add(group, i);
    return line;
  };

  it('serves the groups in turn, and each in its own order', () => {
    assert.deepEqual(takeAll(lineOf({ slots: 6 }, { a: 4, b: 2, c: 1 })), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('gives one group no more than its share', () => {
    assert.deepEqual(takeAll(lineOf({ slots: 8, perGroup: 2 }, { a: 5 })), ['a1', 'a2']);
  });

  it('keeps the last quarter for groups that have none', () => {
    const line = lineOf({ slots: 8, perGroup: 4 }, { a: 9, b: 9 });
    assert.equal(takeAll(line).length, 6);
    for (const group of ['c', 'd', 'e']) line.add(group, 1);
    assert.deepEqual(takeAll(line), ['c1', 'd1']);
  });

  it('gives a place that was left to who waits', () => {
    const line = lineOf({ slots: 1 }, { a: 1, b: 1 });
    assert.deepEqual(takeAll(line), ['a1']);
    line.leave('a');
    assert.deepEqual(takeAll(line), ['b1']);
  });
});

describe('a fair queue with hosts', () => {
  const setUp = () => {
    const line = createFairQueue<string>({ slots: 16, perGroup: 8, perHost: 12 });
    const takeAll = (): string[] => {
      const taken: string[] = [];
      for (let next = line.take(); next; next = line.take()) taken.push(next.item);
      return taken;
    };
    const add = (group: string, host: string, count: number): void => {
      for (let i = 1; i <= count; i += 1) line.add(group, `${group}/${host}/${i}`, host);
    };
    return { line, takeAll, add };
  };

  it('gives a group its share, however many hosts it has', () => {
    const { takeAll, add } = setUp();
    for (let port = 1; port <= 50; port += 1) add('evil', `host:${port}`, 10);
    add('good', 'forge', 1);
    const taken = takeAll();
    assert.equal(taken.filter((item) => item.startsWith('evil')).length, 8);
    assert.ok(taken.includes('good/forge/1'));
  });

  it('serves the hosts of a group in turn, and keeps its last quarter for those that have none', () => {
    const { takeAll, add } = setUp();
    add('team', 'slow', 9);
    assert.equal(takeAll().length, 6);
    add('team', 'quick', 3);
    assert.deepEqual(takeAll(), ['team/quick/1']);
  });

  it('gives one host no more than its share, whoever waits for it', () => {
    const { line, takeAll, add } = setUp();
    for (const team of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n']) add(team, 'hub', 1);
    add('o', 'forge', 1);
    assert.deepEqual([takeAll().length, line.take()], [13, undefined]);
    line.leave('a', 'hub');
    assert.deepEqual(takeAll(), ['m/hub/1']);
  });
});

describe('turns', () => {
  it('run work of others beside a group that hangs, and of that group when it goes on', async () => {
    const turns = createFairSemaphore({ slots: 4, perGroup: 2 });
    const hanging = Promise.withResolvers<string>();
    const slow = [1, 2, 3].map(() => turns('slow', () => hanging.promise));
    assert.equal(await turns('other', async () => 'done'), 'done');
    hanging.resolve('late');
    assert.deepEqual(await Promise.all(slow), ['late', 'late', 'late']);
  });

  it('are given back by work that fails', async () => {
    const turns = createFairSemaphore({ slots: 1, perGroup: 1 });
    await assert.rejects(
      turns('a', () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await turns('a', async () => 1), 1);
  });
});
