import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { firstFrom } from './counters.ts';
import { createRandom } from './random.ts';

describe('the first sample from a time on', () => {
  it('is the one that a look at each of them finds, whatever scrapes are missing', () => {
    const random = createRandom(11);
    for (let round = 0; round < 300; round += 1) {
      const [count, missing] = [random.whole(0, 60), random.between(0, 0.5)];
      const all = Array.from({ length: count }, (_, i) => Math.round(1_000_000 + i * 15_000 + 0.4 * round));
      const times = Float64Array.from(all.filter(() => !random.chance(missing)));
      for (let i = 0; i < 60; i += 1) {
        const at = random.chance(0.5) ? random.between(980_000, 1_920_000) : (times[i] ?? 0);
        const found = times.findIndex((time) => time >= at);
        assert.equal(firstFrom(times, at), found === -1 ? times.length : found);
      }
    }
  });
});
