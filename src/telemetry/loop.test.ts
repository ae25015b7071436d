import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { watchLoop } from './loop.ts';

describe('the watch over the main loop', () => {
  it('tells of a turn that computes, by its CPU time, and not of one that waits', async () => {
    const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));
    const loop = watchLoop();
    await tick();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    await tick();
    assert.ok(loop.longest() < 0.2, `${loop.longest()} s of waiting`);
    const before = process.threadCpuUsage();
    const used = (): number => process.threadCpuUsage(before).user + process.threadCpuUsage(before).system;
    while (used() < 300_000);
    await tick();
    assert.ok(loop.longest() >= 0.3, `${loop.longest()} s of computing`);
  });
});
