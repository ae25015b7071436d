import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { defaultLimits, megabytes, withinMs } from './limits.ts';

describe('the limits of the Git room', () => {
  it('have each their row in the table, with a reason', () => {
    const table = readFileSync(new URL('./limits.ts', import.meta.url), 'utf8').split('*/')[0] ?? '';
    for (const name of Object.keys(defaultLimits))
      assert.match(table, new RegExp(`\\\`${name}\\\`.*\\|.*\\|.*\\|`), name);
  });

  for (const [wanted, expected] of [
    [1.5, 2],
    [0, 1],
    [-5, 1],
    [25 * 86_400_000, 30_000],
    [1e18, 30_000],
    [Number.POSITIVE_INFINITY, 30_000],
    [Number.NaN, 30_000],
    [5000, 5000],
  ] as const) {
    it(`a time-out of ${wanted} ms is one of ${expected} ms where 30 s are the most`, () => {
      assert.equal(withinMs(wanted, 30_000), expected);
    });
  }

  it('are told in megabytes', () => {
    assert.deepEqual([50_000, 8 * 1024 * 1024, 100_000_000].map(megabytes), ['0.1 MB', '8.4 MB', '100 MB']);
  });
});
