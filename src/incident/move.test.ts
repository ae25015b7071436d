import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, incident, NOON, verdict } from '../../test/support/incident.ts';
import type { IncidentStatus } from '../api/incident.ts';
import { ask, enteredPhase, type Move, move, stay } from './move.ts';

const judging: Move = { phase: 'Judging', reason: 'NoData', message: 'no samples' };
const moved = (status: IncidentStatus | undefined, to: Partial<Move> = {}, seconds = 0): IncidentStatus =>
  move(incident(status), NOON + seconds * 1000, { ...judging, ...to }).status;
const phases = ({ timeline = [] }: IncidentStatus): string[] => timeline.map(({ phase, time }) => `${phase} ${time}`);

describe('the timeline of an incident', () => {
  it('begins with its first evidence, and grows with each new phase', () => {
    const first = moved(undefined);
    assert.deepEqual(phases(first), [`Open ${at(-1)}`, `Judging ${at(0)}`]);
    assert.deepEqual(first.timeline?.[0], {
      phase: 'Open',
      time: at(-1),
      reason: 'Progressing',
      message: 'evidence stored',
    });
    const same = moved(first, { message: 'other words' }, 5);
    assert.deepEqual(same.timeline, first.timeline);
    assert.deepEqual(phases(moved(same, { phase: 'RollingBack' }, 9)), [...phases(first), `RollingBack ${at(9)}`]);
  });

  it('begins now where no evidence is left', () => {
    const { status } = move(incident(undefined, { evidence: [] }), NOON, judging);
    assert.equal(status.timeline?.[0]?.time, at(0));
  });

  it('grows where a person comes to be needed, and not while the person is needed still', () => {
    const first = moved(undefined);
    const needed = moved(first, { needsPerson: true }, 5);
    assert.deepEqual(phases(needed), [...phases(first), `Judging ${at(5)}`]);
    assert.equal(moved(needed, { needsPerson: true }, 9).timeline?.length, 3);
    assert.equal(moved(needed, {}, 9).timeline?.length, 3);
  });

  it('keeps its last 64 entries, and as much of a message as the schema takes', () => {
    const timeline = Array.from({ length: 64 }, (_, i) => ({ phase: 'Open' as const, time: at(i), message: '' }));
    const full = moved({ phase: 'Open', timeline }, { message: 'x'.repeat(2000) }, 99);
    assert.equal(full.timeline?.length, 64);
    assert.deepEqual([full.timeline?.[0]?.time, full.timeline?.at(-1)?.time], [at(1), at(99)]);
    assert.deepEqual([full.message?.length, full.timeline?.at(-1)?.message?.length], [1024, 1024]);
  });

  it('says when the incident came to its phase, whatever happened in it since', () => {
    const entry = (phase: 'Open' | 'Judging', seconds: number) => ({ phase, time: at(seconds), message: '' });
    const timeline = [entry('Judging', 0), entry('Open', 1), entry('Judging', 2), entry('Judging', 3)];
    assert.equal(enteredPhase({ phase: 'Judging', timeline }), NOON + 2000);
    assert.equal(enteredPhase({ phase: 'Judging', timeline: timeline.slice(2) }), NOON + 2000);
    assert.equal(enteredPhase({ phase: 'RollingBack', timeline }), undefined);
    assert.equal(enteredPhase({ phase: 'Judging' }), undefined);
  });
});

describe('the status of an incident', () => {
  it('has the time at which it was closed, once', () => {
    assert.ok(!('closedTime' in moved(undefined)));
    const closed = moved(undefined, { phase: 'Dismissed' });
    assert.equal(closed.closedTime, at(0));
    assert.equal(moved(closed, { phase: 'Dismissed' }, 9).closedTime, at(0));
  });

  it('has the generation that it is about, where there is one', () => {
    assert.equal(moved(undefined).observedGeneration, 1);
    const bare = incident();
    delete bare.metadata.generation;
    assert.ok(!('observedGeneration' in move(bare, NOON, judging).status));
  });

  it('keeps what it had, but for what is said anew', () => {
    const status = moved({ phase: 'Open', holdRef: { name: 'h' }, mode: 'Off' }, { more: { mode: 'Auto' } });
    assert.deepEqual([status.holdRef, status.mode, status.reason], [{ name: 'h' }, 'Auto', 'NoData']);
  });

  it('comes with what is to be done next', () => {
    const next = move(incident(), NOON, { ...judging, again: 7, createHold: true });
    assert.deepEqual([next.again, next.createHold], [7, true]);
    assert.equal(move(incident(), NOON, judging).createHold, false);
    const status = moved(undefined);
    assert.deepEqual(stay(incident(status), 5), { status, createHold: false, again: 5 });
    assert.deepEqual(stay(incident(), undefined), { status: {}, createHold: false, again: undefined });
    assert.deepEqual(ask('Burning'), { status: {}, createHold: false, again: undefined, ask: 'Burning' });
  });
});

describe('the conditions of an incident', () => {
  const said = (to: Partial<Move>): Record<string, string> =>
    Object.fromEntries(
      (moved(undefined, to).conditions ?? []).map((c) => [c.type, `${c.status} ${c.reason}: ${c.message}`]),
    );
  const open = 'False Progressing: no samples';
  for (const [what, to, expected] of [
    ['nothing is known', {}, { Judged: open, RolledBack: open, Recovered: open, NeedsPerson: open }],
    ['a person is needed', { needsPerson: true }, { Judged: open, NeedsPerson: 'True NoData: no samples' }],
    ['it is Guilty', { more: { verdict: verdict('Guilty') } }, { Judged: 'True ErrorRateIncreased: because' }],
    [
      'it is NotGuilty',
      { more: { verdict: verdict('NotGuilty', { reason: 'NotBurning' }) } },
      { Judged: 'True NotBurning: because' },
    ],
    [
      'it is Inconclusive',
      { more: { verdict: verdict('Inconclusive', { reason: 'NoData' }) } },
      { Judged: 'False NoData: because' },
    ],
    [
      'the reason is none of the catalogue',
      { more: { verdict: verdict('Guilty', { reason: 'OfTheFuture' }) } },
      { Judged: 'True Progressing: because' },
    ],
    [
      'it is rolled back',
      {
        phase: 'Verifying',
        more: {
          rolledBackTime: at(0),
          target: { number: 1, sourceDigest: 'd', snapshotRef: { name: 's' } },
        },
      },
      { RolledBack: 'True RolledBack: release 1 is applied', Recovered: open },
    ],
    [
      'it has recovered',
      { phase: 'Recovered', reason: 'Recovered' },
      { Recovered: 'True Recovered: no samples', NeedsPerson: 'False Recovered: no samples' },
    ],
    [
      'it is closed without a verdict',
      { phase: 'Dismissed' },
      {
        Judged: 'False NoData: no samples',
        RolledBack: 'False NoData: no samples',
        Recovered: 'False NoData: no samples',
      },
    ],
  ] as [string, Partial<Move>, Record<string, string>][])
    it(`say that ${what}`, () => {
      const found = said(to);
      assert.deepEqual({ ...found, ...expected }, found);
    });

  it('are always the same four', () => {
    assert.deepEqual(Object.keys(said({})), ['Judged', 'RolledBack', 'Recovered', 'NeedsPerson']);
  });
});
