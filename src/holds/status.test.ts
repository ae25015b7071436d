import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Hold, HoldStatus } from '../api/hold.ts';
import { saidOf, statusAfter } from './status.ts';

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

describe('a report of a Hold', () => {
  const phases = ['Pending', 'Held', 'Dormant', 'Failed'] as const;
  const hold = (phase: HoldStatus['phase']): Hold => ({
    apiVersion: 'metricops.dev/v1alpha1',
    kind: 'Hold',
    metadata,
    spec: {
      workloadRef: { kind: 'Deployment', name: 'web' },
      action: 'Rollback',
      origin: 'Manual',
      rejectedDigests: [`v1:${'b'.repeat(64)}`],
      target: { release: 1, sourceDigest: `v1:${'a'.repeat(64)}`, snapshotRef: { name: 's' } },
    },
    ...(phase ? { status: { phase } } : {}),
  });

  it('warns while a release is kept out, or should be and is not; it only mentions a Hold that is dormant', () => {
    const said = phases.map((phase) => saidOf(hold(undefined), { phase, reason: 'Dormant', message: 'm' })?.severity);
    assert.deepEqual(said, [undefined, 'warning', 'info', 'warning']);
  });

  it('comes once in a phase, and never of an answer, which has none', () => {
    const again = phases.map((phase) => saidOf(hold(phase), { phase, reason: 'Dormant', message: 'm' }));
    assert.deepEqual(again, [undefined, undefined, undefined, undefined]);
    assert.equal(saidOf(hold(undefined), { reason: 'Denied', message: 'm' }), undefined);
  });
});
