import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { RollbackHold } from '../api/hold.ts';
import type { Incident, Verdict } from '../api/incident.ts';
import type { RestorableRelease } from '../api/release-history.ts';
import { guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
import { isClosed, needsPerson } from './phases.ts';
import { step } from './step.ts';
import { JUDGE_FOR_MS } from './timing.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
const release = (number: number, rest: Partial<RestorableRelease> = {}): RestorableRelease => ({
  number,
  sourceDigest: digest(number),
  workloadUID: 'u',
  images: [],
  snapshotRef: { name: `s${number}` },
  firstSeenTime: '2026-01-01T11:00:00Z',
  outcome: 'Active',
  ...rest,
});
const verdict = (result: Verdict['result'], reason = 'ErrorRateIncreased'): Verdict => ({
  result,
  reason,
  message: 'because',
  time: '2026-01-01T12:00:00Z',
});
const incident = (status?: Incident['status']): Incident => ({
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'Incident',
  metadata: { name: 'i', namespace: 'shop', generation: 1, creationTimestamp: '2026-01-01T11:59:59Z' },
  spec: {
    workloadRef: { kind: 'Deployment', name: 'web' },
    suspect: { number: 2, sourceDigest: digest(2) },
    evidence: [
      {
        source: 'Alertmanager',
        fingerprint: 'f',
        alert: 'Burn',
        status: 'firing',
        labels: {},
        receivedTime: '2026-01-01T11:59:59Z',
        lastReceivedTime: '2026-01-01T11:59:59Z',
      },
    ],
  },
  ...(status ? { status } : {}),
});
const observe = (rest: Partial<Observation> = {}): Observation => ({
  history: { currentRelease: 2, releases: [release(2), release(1)] },
  policy: guardrails.parse({ mode: 'Auto' }),
  verdict: verdict('Guilty'),
  caution: undefined,
  target: { release: release(1) },
  hold: undefined,
  answer: undefined,
  paused: false,
  missing: false,
  otherTool: undefined,
  rollbacks: [],
  restored: false,
  burning: true,
  firing: true,
  opened: NOW - 1000,
  ...rest,
});
const hold = (phase?: 'Pending' | 'Held' | 'Dormant' | 'Failed'): RollbackHold =>
  ({
    metadata: { name: 'h', namespace: 'shop' },
    spec: { target: { release: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } } },
    ...(phase ? { status: { phase, appliedTime: '2026-01-01T12:00:01Z' } } : {}),
  }) as RollbackHold;
const moved = (rest: Partial<Observation>, status?: Incident['status']): Incident =>
  incident(step(incident(status), observe(rest), NOW).status);
/** `Judging/NoData`, and `!` where a person is needed. */
const outcome = (made: Incident): string =>
  `${made.status?.phase}/${made.status?.reason}${needsPerson(made) ? ' !' : ''}`;
const conditionOf = (made: Incident, type: string): string | undefined => {
  const found = made.status?.conditions?.find((c) => c.type === type);
  return found && `${found.status} ${found.reason}`;
};

describe('step', () => {
  it('writes its intent, with the target and the whole Hold, before the Hold', () => {
    const { status, writeHold } = step(incident(), observe(), NOW);
    assert.equal(status.phase, 'RollingBack');
    assert.equal(status.target?.number, 1);
    assert.deepEqual(status.proposal?.spec.rejectedDigests, [digest(2)]);
    assert.equal(status.proposal?.spec.target?.sourceDigest, digest(1));
    assert.equal(writeHold, true);
  });

  for (const [what, rest, phase, reason] of [
    [
      'dismisses what another release superseded',
      { history: { currentRelease: 3, releases: [release(3), release(2)] } },
      'Dismissed',
      'Superseded',
    ],
    ['asks a person without a history', { history: {} }, 'Judging', 'NoHistory !'],
    [
      'asks a person with a single release',
      { target: { release: undefined, reason: 'NoGoodRelease', message: 'none' } },
      'Judging',
      'NoGoodRelease !',
    ],
    [
      'never rolls back a rollback',
      { history: { currentRelease: 2, releases: [release(2, { restoredTime: '2026-01-01T11:30:00Z' })] } },
      'Judging',
      'RollbackOfRollback !',
    ],
    [
      'leaves an accepted release alone',
      { history: { currentRelease: 2, releases: [release(2, { outcome: 'Accepted' })] } },
      'Dismissed',
      'ReleaseAccepted',
    ],
    [
      'only says what it would do in DryRun',
      { policy: guardrails.parse({ mode: 'DryRun' }) },
      'Observed',
      'ModeDryRun',
    ],
    ['does nothing in Off', { policy: guardrails.parse({ mode: 'Off' }) }, 'Observed', 'ModeOff'],
    ['asks a person in Approve', { policy: guardrails.parse({ mode: 'Approve' }) }, 'Judging', 'AwaitingApproval !'],
    [
      'asks a person where the rule is not one of its namespace',
      { caution: 'the rule…' },
      'Judging',
      'AwaitingApproval !',
    ],
    ['asks a person about a paused workload', { paused: true }, 'Judging', 'Paused !'],
    ['leaves what Flux would undo', { otherTool: 'Flux' }, 'Observed', 'OwnedByOtherTool'],
    [
      'asks a person after three rollbacks an hour',
      { rollbacks: [1, 2, 3].map((m) => NOW - m * 900_000) },
      'Judging',
      'TooManyRollbacks !',
    ],
    ['waits for its cooldown', { rollbacks: [NOW - 60_000] }, 'Judging', 'Cooldown'],
    [
      'waits for a cool-down that no calendar has',
      { rollbacks: [NOW - 60_000], policy: guardrails.parse({ mode: 'Auto', cooldown: '99999999999999h' }) },
      'Judging',
      'Cooldown',
    ],
    ['acts after its cool-down', { rollbacks: [NOW - 660_000] }, 'RollingBack', 'ErrorRateIncreased'],
    ['asks again while there is no data', { verdict: verdict('Inconclusive', 'NoData') }, 'Judging', 'NoData'],
    [
      'asks a person when there never was data',
      { verdict: verdict('Inconclusive', 'NoData'), opened: NOW - JUDGE_FOR_MS },
      'Judging',
      'NoData !',
    ],
    [
      'dismisses an alert that ended without data',
      { verdict: verdict('Inconclusive', 'NoData'), firing: false },
      'Dismissed',
      'NoData',
    ],
    [
      'looks again before it believes in innocence',
      { verdict: verdict('NotGuilty', 'NotBurning') },
      'Judging',
      'NotBurning',
    ],
    [
      'dismisses one that is not guilty',
      { verdict: verdict('NotGuilty', 'NoDifference'), opened: NOW - 120_000 },
      'Dismissed',
      'NoDifference',
    ],
  ] as [string, Partial<Observation>, string, string][]) {
    it(what, () => {
      const { status, writeHold } = step(incident(), observe(rest), NOW);
      assert.equal(outcome(incident(status)), `${phase}/${reason}`);
      assert.equal(writeHold, phase === 'RollingBack');
    });
  }

  describe('while a person is needed', () => {
    const reasons = {
      NoHistory: { history: {} },
      NoGoodRelease: { target: { release: undefined, reason: 'NoGoodRelease', message: 'none' } },
      RollbackOfRollback: {
        history: { currentRelease: 2, releases: [release(2, { restoredTime: '2026-01-01T11:30:00Z' })] },
      },
      Paused: { paused: true },
      TooManyRollbacks: { rollbacks: [1, 2, 3].map((m) => NOW - m * 900_000) },
      NoData: { verdict: verdict('Inconclusive', 'NoData'), opened: NOW - JUDGE_FOR_MS },
      AwaitingApproval: { policy: guardrails.parse({ mode: 'Approve' }) },
    } satisfies Record<string, Partial<Observation>>;
    for (const [reason, rest] of Object.entries(reasons) as [string, Partial<Observation>][]) {
      it(`stays open for ${reason}, looks again, and closes with that reason when its alerts end`, () => {
        const { status, again } = step(incident(), observe(rest), NOW);
        assert.equal(outcome(incident(status)), `Judging/${reason} !`);
        assert.ok((again ?? 0) >= 1_000 && (again ?? 0) <= 60_000, String(again));
        assert.equal(conditionOf(incident(status), 'NeedsPerson'), `True ${reason}`);
        const ended = moved({ ...rest, firing: false }, status);
        assert.equal(outcome(ended), `Dismissed/${reason}`);
        assert.equal(conditionOf(ended, 'NeedsPerson'), `False ${reason}`);
      });

      it(`goes on by itself when ${reason} is over`, () => {
        assert.equal(outcome(moved({}, moved(rest).status)), 'RollingBack/ErrorRateIncreased');
      });

      for (const [answer, closed] of [
        ['Denied', 'Dismissed/Denied'],
        ['Accepted', 'Dismissed/ReleaseAccepted'],
      ] as const)
        it(`closes for ${reason} when a person answered ${answer}`, () => {
          assert.equal(outcome(moved({ ...rest, answer }, moved(rest).status)), closed);
        });
    }

    it('rolls back as if it had written the Hold, once a person created the one that it proposes', () => {
      const waiting = moved({ policy: guardrails.parse({ mode: 'Approve' }) });
      assert.match(waiting.status?.proposal?.name ?? '', /^web-[0-9a-f]{10}$/);
      assert.equal(waiting.status?.proposal?.spec.target?.release, 1);
      const approved = moved({ hold: hold('Pending') }, waiting.status);
      assert.equal(outcome(approved), 'RollingBack/ReleaseHeld');
      assert.deepEqual([approved.status?.target?.number, approved.status?.holdRef], [1, { name: 'h' }]);
      assert.equal(outcome(moved({ hold: hold('Held') }, approved.status)), 'Verifying/RolledBack');
    });

    it('follows a Hold that a person created, whatever it waits for', () => {
      const missing = { target: { release: undefined, reason: 'NoGoodRelease', message: 'none' } } as const;
      assert.equal(
        outcome(moved({ ...missing, hold: hold('Held') }, moved(missing).status)),
        'RollingBack/ReleaseHeld',
      );
      assert.equal(outcome(moved({ paused: true, hold: hold('Held') })), 'RollingBack/ReleaseHeld');
    });

    it('waits for a Hold of before that is about to act again', () => {
      assert.equal(outcome(moved({ hold: hold('Dormant') })), 'Judging/Progressing');
      assert.equal(outcome(moved({ hold: hold('Dormant'), opened: NOW - JUDGE_FOR_MS })), 'Judging/HoldFailed !');
    });
  });

  it('closes what comes from a backup: it is younger than its last evidence', () => {
    const old = incident({ phase: 'Verifying' });
    old.metadata.creationTimestamp = '2026-01-01T12:05:00Z';
    assert.equal(outcome(incident(step(old, observe(), NOW).status)), 'Dismissed/Restored');
    old.metadata.creationTimestamp = '2026-01-01T12:00:02Z';
    assert.notEqual(step(old, observe(), NOW).status.reason, 'Restored', 'the clocks of two machines differ');
  });

  it('closes when the workload is deleted', () => {
    assert.equal(outcome(moved({ missing: true })), 'Dismissed/WorkloadMissing');
  });

  it('takes only evidence that began after the lift of a Hold', () => {
    const lifted = (liftedTime: string) => ({ currentRelease: 2, releases: [release(2, { liftedTime }), release(1)] });
    assert.equal(outcome(moved({ history: lifted('2026-01-01T11:59:59Z') })), 'Dismissed/HoldLifted');
    assert.equal(outcome(moved({ history: lifted('2026-01-01T11:59:58Z') })), 'RollingBack/ErrorRateIncreased');
  });

  it('judges an incident without a suspect no more once a release is recorded', () => {
    const bare = incident();
    delete bare.spec.suspect;
    assert.equal(step(bare, observe(), NOW).status.reason, 'Superseded');
  });

  it('writes the Hold again after a crash, and goes on when it is obeyed', () => {
    const started = step(incident(), observe(), NOW).status;
    assert.equal(step(incident(started), observe(), NOW).writeHold, true);
    const seen = step(incident(started), observe({ hold: hold() }), NOW);
    assert.deepEqual([seen.writeHold, seen.status.holdRef], [false, { name: 'h' }]);
    assert.equal(outcome(moved({ hold: hold('Held') }, started)), 'Verifying/RolledBack');
    assert.equal(outcome(moved({ hold: hold('Failed') }, started)), 'RollingBack/HoldFailed !');
    assert.equal(outcome(moved({ hold: hold('Failed'), firing: false }, started)), 'Dismissed/HoldFailed');
    assert.equal(outcome(moved({ hold: hold('Dormant') }, started)), 'Dismissed/Superseded');
    assert.equal(outcome(moved({}, seen.status)), 'Dismissed/HoldLifted', 'a person deleted the Hold');
    assert.equal(outcome(moved({ answer: 'Denied' }, started)), 'Dismissed/Denied', 'a person was faster');
  });

  it('asks a person when nobody obeys the Hold', () => {
    const started = step(incident(), observe(), NOW).status;
    const late = step(incident(started), observe({ hold: hold('Pending') }), NOW + JUDGE_FOR_MS);
    assert.equal(outcome(incident(late.status)), 'RollingBack/HoldFailed !');
    assert.equal(outcome(moved({ hold: hold('Held') }, late.status)), 'Verifying/RolledBack');
  });

  it('has recovered when the pods are back and the burn ended; no data is not recovery', () => {
    const started = { phase: 'Verifying', rolledBackTime: '2026-01-01T11:59:00Z' } as const;
    const held = { hold: hold('Held') };
    const recovered = moved({ ...held, restored: true, burning: false }, started);
    assert.equal(outcome(recovered), 'Recovered/Recovered');
    assert.deepEqual(
      ['RolledBack', 'Recovered', 'NeedsPerson'].map((type) => conditionOf(recovered, type)),
      ['True RolledBack', 'True Recovered', 'False Recovered'],
    );
    assert.equal(moved({ ...held, restored: true, burning: undefined }, started).status?.phase, 'Verifying');
    assert.equal(moved({ ...held, restored: false, burning: false }, started).status?.phase, 'Verifying');
  });

  describe('a rollback that does not help', () => {
    const late = { phase: 'Verifying', rolledBackTime: '2026-01-01T11:00:00Z' } as const;
    const held = { hold: hold('Held') };
    const stuck = moved({ ...held, restored: true, burning: true }, late);

    it('asks a person, and stays open', () => {
      assert.equal(outcome(stuck), 'Verifying/NotRecovered !');
      assert.equal(outcome(moved({ ...held, restored: false, burning: true }, late)), 'Verifying/RolloutFailed !');
      assert.equal(outcome(moved({ ...held, restored: true, burning: undefined }, late)), 'Verifying/NotRecovered !');
    });

    const third = { currentRelease: 3, releases: [release(3), release(2), release(1)] };
    for (const [what, rest, end] of [
      ['recovers late', { ...held, restored: true, burning: false }, 'Recovered/Recovered'],
      ['is superseded by a fix', { ...held, history: third }, 'Dismissed/Superseded'],
      ['is lifted', {}, 'Dismissed/HoldLifted'],
      ['is denied', { ...held, answer: 'Denied' }, 'Dismissed/Denied'],
      ['is over with the workload', { ...held, missing: true }, 'Dismissed/WorkloadMissing'],
    ] as [string, Partial<Observation>, string][])
      it(what, () => {
        assert.equal(outcome(moved({ burning: true, ...rest }, stuck.status)), end);
      });
  });

  it('keeps the time since which a condition is as it is', () => {
    const first = step(incident(), observe({ paused: true }), NOW).status;
    const second = step(incident(first), observe({ history: {} }), NOW + 60_000).status;
    const since = (status: Incident['status'], type: string) =>
      status?.conditions?.find((c) => c.type === type)?.lastTransitionTime;
    assert.equal(since(second, 'NeedsPerson'), since(first, 'NeedsPerson'));
    assert.equal(conditionOf(incident(second), 'NeedsPerson'), 'True NoHistory');
    assert.equal(second.timeline?.length, first.timeline?.length, 'the same person is needed');
  });

  const anything = fc.record({
    verdict: fc.constantFrom(verdict('Guilty'), verdict('NotGuilty', 'NotBurning'), verdict('Inconclusive', 'NoData')),
    firing: fc.boolean(),
    answer: fc.constantFrom(undefined, undefined, undefined, 'Denied' as const, 'Accepted' as const),
    paused: fc.boolean(),
    restored: fc.boolean(),
    burning: fc.constantFrom(true, false, undefined),
    hold: fc.constantFrom(
      undefined,
      ...(['Pending', 'Held', 'Failed', 'Dormant'] as const).map((phase) => hold(phase)),
    ),
    caution: fc.constantFrom(undefined, 'somebody has to agree'),
  });

  it('never moves again once it is closed', () => {
    fc.assert(
      fc.property(fc.array(anything, { minLength: 1, maxLength: 20 }), (observations) => {
        let current = incident();
        for (const [i, rest] of observations.entries()) {
          const { status } = step(current, observe(rest), NOW + i * 1000);
          if (isClosed(current)) assert.deepEqual(status, current.status);
          current = incident(status);
        }
      }),
    );
  });

  it('ends, whatever happened to it, when its alerts end and its Hold is gone or obeyed', () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 20 }), fc.boolean(), (observations, isGone) => {
        let current = incident();
        for (const [i, rest] of observations.entries())
          current = incident(step(current, observe(rest), NOW + i * 1000).status);
        const quiet = { verdict: verdict('Inconclusive', 'NoData'), firing: false, burning: false, restored: true };
        for (let i = 0; i < 5; i += 1) {
          // A Hold that is written is there the next time.
          const held = !isGone || (current.status?.phase === 'RollingBack' && !current.status.holdRef);
          const seen = observe({ ...quiet, hold: held && current.status?.target ? hold('Held') : undefined });
          current = incident(step(current, seen, NOW + 3_600_000 + i * 1000).status);
        }
        assert.ok(isClosed(current), outcome(current));
      }),
    );
  });

  it('creates one Hold and recovers, whatever writes a crash takes back', () => {
    /** What is stored; a crash loses a write that was about to be made. */
    type World = { status: Incident['status']; held: RollbackHold | undefined; creates: number };
    const look = ({ status, held, creates }: World, lost: 'nothing' | 'status' | 'hold', obeyed: boolean): World => {
      const rest = { hold: held, restored: held?.status?.phase === 'Held', burning: false };
      const next = step(incident(status), observe(rest), NOW);
      assert.ok(!next.writeHold || held === undefined, 'a Hold that is there is not asked for');
      if (lost === 'status') return { status, held, creates };
      const isCreated = next.writeHold && lost !== 'hold';
      const now = isCreated ? hold() : held && obeyed ? hold('Held') : held;
      return { status: next.status, held: now, creates: creates + Number(isCreated) };
    };
    const looks = fc.array(fc.tuple(fc.constantFrom('nothing', 'status', 'hold'), fc.boolean()), { maxLength: 12 });
    fc.assert(
      fc.property(looks, (story) => {
        let world: World = { status: undefined, held: undefined, creates: 0 };
        for (const [lost, obeyed] of story) world = look(world, lost as 'nothing', obeyed);
        for (let i = 0; i < 6; i += 1) world = look(world, 'nothing', true);
        assert.deepEqual([world.status?.phase, world.creates], ['Recovered', 1]);
      }),
    );
  });
});
