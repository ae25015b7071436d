import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { HoldStatus } from '../api/hold.ts';
import { statusAfter } from './status.ts';

const BEGIN = Date.parse('2026-01-01T12:00:00Z');
const time = (seconds: number): string => new Date(BEGIN + seconds * 1000).toISOString();
const metadata = { name: 'h', namespace: 'shop', generation: 3 };
const statusOf = (status: HoldStatus | undefined, phase: HoldStatus['phase'], seconds: number): HoldStatus =>
  statusAfter(
    { metadata, ...(status ? { status } : {}) },
    { ...(phase ? { phase } : {}), reason: 'RolledBack', message: 'm' },
    BEGIN + seconds * 1000,
  );
const said = ({ conditions }: HoldStatus): Record<string, string> =>
  Object.fromEntries((conditions ?? []).map(({ type, status }) => [type, status]));

describe('the status of a Hold', () => {
  const cases: [HoldStatus['phase'], Record<string, string>][] = [
    ['Pending', { Ready: 'False', Held: 'False', Stalled: 'False' }],
    ['Held', { Ready: 'True', Held: 'True', Stalled: 'False' }],
    ['Dormant', { Ready: 'True', Held: 'False', Stalled: 'False' }],
    ['Failed', { Ready: 'False', Held: 'False', Stalled: 'True' }],
    [undefined, { Ready: 'True' }],
  ];
  for (const [phase, conditions] of cases) {
    it(`has conditions that kubectl wait and kstatus understand: ${phase ?? 'no phase'}`, () => {
      const status = statusOf(undefined, phase, 0);
      assert.deepEqual(said(status), conditions);
      assert.equal(status.phase, phase);
      assert.equal(status.observedGeneration, 3);
    });
  }

  it('says since when it is applied, and since when it is dormant', () => {
    const held = statusOf(undefined, 'Held', 0);
    assert.equal(held.appliedTime, time(0));
    assert.equal(statusOf(held, 'Held', 5).appliedTime, time(0));
    const dormant = statusOf(held, 'Dormant', 10);
    assert.deepEqual([dormant.appliedTime, dormant.dormantTime], [time(0), time(10)]);
    assert.equal(statusOf(dormant, 'Dormant', 15).dormantTime, time(10));
    const again = statusOf(dormant, 'Held', 20);
    assert.deepEqual([again.appliedTime, again.dormantTime], [time(20), undefined]);
  });
});
