import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { idlePercent, stolenPercent, ticksOf } from './stolen.ts';

describe('the CPU time that the hypervisor took during a bench', () => {
  const from = ticksOf('cpu  100 0 50 800 10 0 5 35 7 0\ncpu0 50 0 25 400 5 0 3 17 0 0\n');

  it('is the share of steal, all cores together; guest time counts once', () => {
    assert.deepEqual(from, { all: 1000, idle: 800, stolen: 35 });
    assert.equal(stolenPercent(from, ticksOf('cpu  500 0 250 900 10 0 5 335 90 0\n')), 30);
  });

  it('is 0 where no time went by', () => assert.equal(stolenPercent(from, from), 0));
});

describe('whether the machine is at rest', () => {
  const from = ticksOf('cpu  100 0 50 800 10 0 5 35 7 0\n');

  it('is the share of idle time, all cores together', () => {
    assert.equal(idlePercent(from, ticksOf('cpu  120 0 60 870 10 0 5 35 7 0\n')), 70);
  });

  it('is not known where no time went by: 0', () => assert.equal(idlePercent(from, from), 0));
});
