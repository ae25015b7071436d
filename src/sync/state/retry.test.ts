import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync } from '../../api/gitsync.ts';
import { retrySyncIn } from './retry.ts';

const half = () => 0.5;

describe('back-off of a sync that fails', () => {
  it('begins at 5 s again with another commit or spec', () => {
    const sync = (generation: number) =>
      ({ metadata: { name: 'app', generation }, spec: { interval: '1h' } }) as GitSync;
    const state = {};
    const times = [
      ...['c1', 'c1', 'c1', 'c2', 'c2'].map((commit) => retrySyncIn(sync(1), state, commit, half)),
      retrySyncIn(sync(2), state, 'c2', half),
    ];
    assert.deepEqual(times, [5_000, 10_000, 20_000, 5_000, 10_000, 5_000]);
  });
});
