import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  digest,
  incident,
  NOON as NOW,
  observation as observe,
  release,
  verdict as verdictOf,
} from '../../test/support/incident.ts';
import type { Hold, RollbackHold } from '../api/hold.ts';
import type { Incident, Verdict } from '../api/incident.ts';
import { guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
import { needsPerson } from './phases.ts';
import { type Step, step } from './step.ts';
import { JUDGE_FOR_MS, ROLL_BACK_FOR_MS } from './timing.ts';

const verdict = (result: Verdict['result'], reason = 'ErrorRateIncreased'): Verdict => verdictOf(result, { reason });
type HoldPhase = 'Pending' | 'Held' | 'Dormant' | 'Failed';
const hold = (phase?: HoldPhase, rest: { to?: number; contested?: string; generation?: number } = {}): RollbackHold => {
  const { to = 1, contested, generation = 1 } = rest;
  const condition = (type: string, status: string, message: string) => ({
    type,
    status,
    reason: 'HoldFailed',
    message,
    lastTransitionTime: '2026-01-01T12:00:01Z',
  });
  const conditions = [
    condition('Held', 'False', 'said by the Hold'),
    ...(contested === undefined ? [] : [condition('Contested', 'True', contested)]),
  ];
  return {
    metadata: { name: 'h', namespace: 'shop', generation },
    spec: {
      rejectedDigests: [digest(2)],
      target: { release: to, sourceDigest: digest(to), snapshotRef: { name: `s${to}` } },
    },
    ...(phase ? { status: { phase, observedGeneration: 1, appliedTime: '2026-01-01T12:00:01Z', conditions } } : {}),
  } as RollbackHold;
};
const TARGET = { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } };
const createdBy = ({ actions }: Step): Hold[] => actions.flatMap((a) => (a.kind === 'CreateHold' ? [a.hold] : []));
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
    const { status, actions } = step(incident(), observe(), NOW);
    assert.equal(status.phase, 'RollingBack');
    assert.equal(status.target?.number, 1);
    assert.deepEqual(status.proposal?.spec.rejectedDigests, [digest(2)]);
    assert.equal(status.proposal?.spec.target?.sourceDigest, digest(1));
    assert.deepEqual(
      actions.map((action) => ('counter' in action ? `${action.counter} ${action.result}` : action.kind)),
      ['WriteStatus', 'CreateHold', 'Report', 'verdicts guilty', 'rollbacks started'],
    );
    const [write, create, report] = actions;
    assert.deepEqual(write, { kind: 'WriteStatus', incident: { ...incident(), status } });
    assert.deepEqual(create?.kind === 'CreateHold' && [create.hold.metadata, create.hold.spec], [
      { namespace: 'shop', name: status.proposal?.name, finalizers: ['metricops.dev/lift'] },
      status.proposal?.spec,
    ]);
    assert.equal(report?.kind === 'Report' && report.occurrence.message, `RollingBack: ${status.message}`);
  });

  it('says nothing against a release that is the result of a rollback', () => {
    assert.deepEqual(step(incident(), observe({ isRollbackResult: true, verdict: undefined }), NOW).ask, 'Verdict');
    const { status } = step(incident(), observe({ isRollbackResult: true, verdict: verdict('Guilty') }), NOW);
    assert.deepEqual([status.reason, status.verdict, status.proposal], ['RollbackOfRollback', undefined, undefined]);
  });

  it('does nothing where nothing is new', () => {
    const { status } = step(incident(), observe({ paused: true }), NOW);
    const again = step(incident(status), observe({ paused: true }), NOW + 1000);
    assert.deepEqual(again.actions, []);
    assert.ok((again.again ?? 0) > 0);
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
    ['never rolls back a rollback', { isRollbackResult: true }, 'Judging', 'RollbackOfRollback !'],
    [
      'closes the incident of a rollback that burns no more',
      { isRollbackResult: true, verdict: verdict('NotGuilty', 'NotBurning'), opened: NOW - 120_000 },
      'Dismissed',
      'NotBurning',
    ],
    [
      'closes the incident of a paused workload that burns no more',
      { paused: true, verdict: verdict('NotGuilty', 'NotBurning'), opened: NOW - 120_000 },
      'Dismissed',
      'NotBurning',
    ],
    [
      'asks a person about a rollback that burns on for something else',
      { isRollbackResult: true, verdict: verdict('NotGuilty', 'BurnBeganBefore'), opened: NOW - 120_000 },
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
      const taken = step(incident(), observe(rest), NOW);
      assert.equal(outcome(incident(taken.status)), `${phase}/${reason}`);
      assert.equal(createdBy(taken).length, phase === 'RollingBack' ? 1 : 0);
    });
  }

  describe('while a person is needed', () => {
    const reasons = {
      NoHistory: { history: {} },
      NoGoodRelease: { target: { release: undefined, reason: 'NoGoodRelease', message: 'none' } },
      RollbackOfRollback: { isRollbackResult: true },
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

  describe('a Hold of the stored proposal', () => {
    const started = (): Exclude<Incident['status'], undefined> => step(incident(), observe(), NOW).status;

    it('is not created again before it was asked what a person said meanwhile', () => {
      const taken = step(incident(started()), observe({ isTargetFit: false }), NOW);
      assert.deepEqual([taken.ask, createdBy(taken)], ['Target', []]);
    });

    it('is created again after a crash, as it was stored, whatever the policy and the history say now', () => {
      const today = { policy: guardrails.parse({ mode: 'Off', scope: 'GitSync' }), target: { release: release(9) } };
      const again = createdBy(step(incident(started()), observe(today), NOW));
      assert.deepEqual(again, createdBy(step(incident(), observe(), NOW)));
    });

    it('is not created again where a person lifted it before the incident saw it', () => {
      const lifted = { suspect: release(2, { liftedTime: new Date(NOW + 10).toISOString() }) };
      const taken = step(incident(started()), observe(lifted), NOW + 1000);
      assert.equal(outcome(incident(taken.status)), 'Dismissed/HoldLifted');
      assert.deepEqual(createdBy(taken), []);
    });

    const refusal = { message: 'holds "web-1" is forbidden: exceeded quota', isFinal: true };

    it('needs a person with the words of the API server where it is refused, and is tried again', () => {
      const refused = step(incident(started()), observe({ refusal }), NOW + 1000);
      assert.equal(outcome(incident(refused.status)), 'RollingBack/HoldFailed !');
      assert.match(refused.status.message ?? '', /exceeded quota/);
      assert.equal(createdBy(refused).length, 1);
      const seen = step(incident(refused.status), observe({ hold: hold('Held') }), NOW + 5000);
      assert.equal(outcome(incident(seen.status)), 'Verifying/RolledBack');
    });

    it('is given up where it is refused and the alerts have ended', () => {
      const ended = step(incident(started()), observe({ refusal, firing: false }), NOW + 1000);
      assert.equal(outcome(incident(ended.status)), 'Dismissed/HoldFailed');
      assert.deepEqual(createdBy(ended), []);
    });

    it('has a deadline where the API server is not reached', () => {
      const away = { refusal: { message: 'failed calling webhook', isFinal: false } };
      const early = step(incident(started()), observe(away), NOW + ROLL_BACK_FOR_MS - 1);
      assert.equal(outcome(incident(early.status)), 'RollingBack/ErrorRateIncreased');
      const late = step(incident(started()), observe(away), NOW + ROLL_BACK_FOR_MS);
      assert.equal(outcome(incident(late.status)), 'RollingBack/HoldFailed !');
      assert.match(late.status.message ?? '', /failed calling webhook/);
    });

    it('needs a person where the proposal is gone', () => {
      const { proposal: _, ...rest } = started();
      const taken = step(incident(rest), observe(), NOW);
      assert.equal(outcome(incident(taken.status)), 'RollingBack/HoldFailed !');
      assert.deepEqual(createdBy(taken), []);
    });
  });

  describe('in each phase, by what became of the Hold', () => {
    const second = { currentRelease: 1, releases: [release(2), release(1), release(9)] };
    const since = '2026-01-01T11:59:58Z';
    const at = (phase: 'Judging' | 'RollingBack' | 'Verifying', rest: Incident['status'] = {}): Incident['status'] => ({
      phase,
      reason: 'Progressing',
      message: '',
      target: TARGET,
      timeline: [{ time: since, phase, message: '' }],
      ...(phase === 'Judging' ? {} : { holdRef: { name: 'h' } }),
      ...(phase === 'Verifying' ? { rolledBackTime: since } : {}),
      ...rest,
    });
    const LATE = 20 * 60_000;
    const [judging, rolling, verifying] = [at('Judging'), at('RollingBack'), at('Verifying')];
    const rest = { history: second, burning: true } as const;
    for (const [phase, what, seen, expected, after = 0] of [
      ['Judging', 'Pending', { hold: hold('Pending') }, 'RollingBack/ReleaseHeld'],
      ['Judging', 'Held', { hold: hold('Held') }, 'RollingBack/ReleaseHeld'],
      ['Judging', 'Failed', { hold: hold('Failed') }, 'RollingBack/ReleaseHeld'],
      ['Judging', 'Dormant', { hold: hold('Dormant') }, 'Judging/Progressing'],
      ['Judging', 'Dormant for long', { hold: hold('Dormant'), opened: NOW - LATE }, 'Judging/HoldFailed !'],
      ['RollingBack', 'new', { hold: hold() }, 'RollingBack/Progressing'],
      ['RollingBack', 'Pending', { hold: hold('Pending') }, 'RollingBack/Progressing'],
      ['RollingBack', 'Pending too long', { hold: hold('Pending') }, 'RollingBack/HoldFailed !', LATE],
      [
        'RollingBack',
        'Pending too long, quiet',
        { hold: hold('Pending'), firing: false },
        'Dismissed/HoldFailed',
        LATE,
      ],
      ['RollingBack', 'Held', { hold: hold('Held') }, 'Verifying/RolledBack'],
      ['RollingBack', 'Held at last', { hold: hold('Held') }, 'Verifying/RolledBack', LATE],
      [
        'RollingBack',
        'Held before it was edited',
        { hold: hold('Held', { generation: 2 }) },
        'RollingBack/Progressing',
      ],
      ['RollingBack', 'Failed', { hold: hold('Failed') }, 'RollingBack/HoldFailed !'],
      ['RollingBack', 'Failed, quiet', { hold: hold('Failed'), firing: false }, 'Dismissed/HoldFailed'],
      ['RollingBack', 'Contested', { hold: hold('Pending', { contested: 'by ci' }) }, 'RollingBack/Contested !'],
      ['RollingBack', 'Failed, Contested', { hold: hold('Failed', { contested: 'by ci' }) }, 'RollingBack/Contested !'],
      ['RollingBack', 'Dormant', { hold: hold('Dormant') }, 'Dismissed/Superseded'],
      ['RollingBack', 'gone', {}, 'Dismissed/HoldLifted'],
      ['Verifying', 'Held', { hold: hold('Held') }, 'Verifying/Progressing'],
      ['Verifying', 'Held for long', { hold: hold('Held') }, 'Verifying/RolloutFailed !', LATE],
      ['Verifying', 'Pending again', { hold: hold('Pending') }, 'Verifying/Progressing'],
      ['Verifying', 'Failed', { hold: hold('Failed') }, 'RollingBack/HoldFailed !'],
      ['Verifying', 'Contested', { hold: hold('Held', { contested: 'by ci' }) }, 'Verifying/Contested !'],
      ['Verifying', 'Failed, Contested', { hold: hold('Failed', { contested: 'by ci' }) }, 'RollingBack/Contested !'],
      ['Verifying', 'sent elsewhere', { hold: hold('Held', { to: 9, generation: 2 }) }, 'RollingBack/ReleaseHeld'],
      ['Verifying', 'gone', {}, 'Dismissed/HoldLifted'],
    ] as [string, string, Partial<Observation>, string, number?][])
      it(`${phase}, Hold ${what}: ${expected}`, () => {
        const before = { Judging: judging, RollingBack: rolling, Verifying: verifying }[phase];
        const history = phase === 'Judging' ? {} : { history: second };
        const taken = step(incident(before), observe({ ...rest, ...history, ...seen }), NOW + after);
        assert.equal(outcome(incident(taken.status)), expected);
        assert.deepEqual(createdBy(taken), [], 'there is one');
        if (taken.status.reason === 'HoldFailed' && seen.hold?.status?.phase === 'Failed')
          assert.match(taken.status.message ?? '', /said by the Hold/);
        if (taken.status.reason === 'Contested') assert.match(taken.status.message ?? '', /by ci/);
      });

    it('keeps its thread where a person sends the Hold to another release: metricops rollback --to', () => {
      const ninth = { currentRelease: 9, releases: [release(9), release(2), release(1)] };
      const to = (generation: number) => ({ ...rest, hold: hold('Held', { to: 9, generation }) });
      const edited = moved(to(2), verifying);
      assert.deepEqual([outcome(edited), edited.status?.target?.number], ['RollingBack/ReleaseHeld', 9]);
      const obeyed = moved({ ...to(1), history: ninth }, edited.status);
      assert.deepEqual([outcome(obeyed), obeyed.status?.target?.number], ['Verifying/RolledBack', 9]);
      const done = moved({ ...to(1), history: ninth, restored: true, burning: false }, obeyed.status);
      assert.equal(outcome(done), 'Recovered/Recovered');
    });
  });

  it('has recovered when the pods are back and the burn ended; no data is not recovery', () => {
    const started = { phase: 'Verifying', rolledBackTime: '2026-01-01T11:59:00Z', target: TARGET } as const;
    const held = { hold: hold('Held') };
    const recovered = moved({ ...held, restored: true, burning: false }, started);
    assert.equal(outcome(recovered), 'Recovered/Recovered');
    assert.deepEqual(
      ['RolledBack', 'Recovered', 'NeedsPerson'].map((type) => conditionOf(recovered, type)),
      ['True RolledBack', 'True Recovered', 'False Recovered'],
    );
    assert.equal(moved({ ...held, restored: true, burning: 'Unknown' }, started).status?.phase, 'Verifying');
    assert.equal(moved({ ...held, restored: false, burning: false }, started).status?.phase, 'Verifying');
  });

  describe('a rollback that does not help', () => {
    const late = { phase: 'Verifying', rolledBackTime: '2026-01-01T11:00:00Z', target: TARGET } as const;
    const held = { hold: hold('Held') };
    const stuck = (): Incident => moved({ ...held, restored: true, burning: true }, late);

    it('asks a person, and stays open', () => {
      assert.equal(outcome(stuck()), 'Verifying/NotRecovered !');
      assert.equal(outcome(moved({ ...held, restored: false, burning: true }, late)), 'Verifying/RolloutFailed !');
      assert.equal(outcome(moved({ ...held, restored: true, burning: 'Unknown' }, late)), 'Verifying/NotRecovered !');
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
        assert.equal(outcome(moved({ burning: true, ...rest }, stuck().status)), end);
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
    burning: fc.constantFrom(true, false, 'Unknown' as const),
    hold: fc.constantFrom(
      undefined,
      ...(['Pending', 'Held', 'Failed', 'Dormant'] as const).map((phase) => hold(phase)),
    ),
    caution: fc.constantFrom(undefined, 'somebody has to agree'),
  });

  /** Of the schema, not of the code that is tested. */
  const ENDS = ['Recovered', 'Dismissed', 'Observed'];
  const isEnded = (made: Incident): boolean => ENDS.includes(made.status?.phase ?? 'Open');

  it('never moves, and never does anything, once it is closed', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ENDS), fc.array(anything, { minLength: 1, maxLength: 20 }), (end, seen) => {
        const status = { phase: end, reason: 'Denied', target: TARGET } as Incident['status'];
        for (const [i, rest] of seen.entries()) {
          const taken = step(incident(status), observe(rest), NOW + i * 1000);
          assert.deepEqual([taken.status, taken.actions, taken.again], [status, [], undefined]);
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
          // A Hold that is created is there the next time.
          const held = !isGone || (current.status?.phase === 'RollingBack' && !current.status.holdRef);
          const seen = observe({ ...quiet, hold: held && current.status?.target ? hold('Held') : undefined });
          current = incident(step(current, seen, NOW + 3_600_000 + i * 1000).status);
        }
        assert.ok(isEnded(current), outcome(current));
      }),
    );
  });

  it('creates exactly one Hold and recovers, whatever a crash takes back, and asks for none that is there', () => {
    /** What is stored. Creating a Hold whose name is taken creates none, as the API server has it. */
    interface World {
      incident: Incident;
      held: RollbackHold | undefined;
      created: string[];
    }
    /** Carries out so many of the step's actions; then the process dies. */
    const live = (world: World, survives: number, obeyed: boolean): World => {
      const { held } = world;
      const rest = { hold: held, restored: held?.status?.phase === 'Held', burning: false };
      const { actions } = step(world.incident, observe(rest), NOW);
      let after: World = { ...world, held: held && obeyed ? hold('Held') : held };
      for (const action of actions.slice(0, survives)) {
        if (action.kind === 'WriteStatus') after = { ...after, incident: action.incident };
        if (action.kind !== 'CreateHold') continue;
        assert.equal(held, undefined, 'a Hold that is there is not asked for');
        assert.equal(after.incident.status?.phase, 'RollingBack', 'the intent is stored first');
        assert.deepEqual(action.hold.spec, after.incident.status?.proposal?.spec);
        after = { ...after, held: hold(), created: [...after.created, action.hold.metadata.name] };
      }
      return after;
    };
    const looks = fc.array(fc.tuple(fc.constantFrom(0, 1, 2, 9), fc.boolean()), { maxLength: 12 });
    fc.assert(
      fc.property(looks, (story) => {
        let world: World = { incident: incident(), held: undefined, created: [] };
        for (const [survives, obeyed] of story) world = live(world, survives, obeyed);
        for (let i = 0; i < 6; i += 1) world = live(world, 9, true);
        assert.equal(world.incident.status?.phase, 'Recovered');
        assert.equal(world.created.length, 1);
      }),
    );
  });
});
