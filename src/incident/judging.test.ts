import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, evidence, hold, incident, NOON, observation, release, verdict } from '../../test/support/incident.ts';
import { guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
import { step } from './step.ts';
import { JUDGE_FOR_MS, PAUSE_FOR_MS } from './timing.ts';

const taken = (rest: Partial<Observation>, made = incident()) => {
  const { status, again, ask } = step(made, observation(rest), NOON);
  return { ...status, outcome: `${status.phase}/${status.reason}`, again, ask };
};
const aged = (ms: number, rest: Partial<Observation>) => taken({ ...rest, opened: NOON - ms });

describe('the time for a verdict', () => {
  const notGuilty = { verdict: verdict('NotGuilty', { reason: 'NotBurning' }) };
  const open = { verdict: verdict('Inconclusive', { reason: 'NoData' }) };

  it('is a quarter of an hour for a burn that ended: it may come back as long as its alert fires', () => {
    const ended = { verdict: verdict('NotGuilty', { reason: 'BurnEnded' }) };
    assert.equal(aged(PAUSE_FOR_MS - 1, ended).outcome, 'Judging/BurnEnded');
    assert.equal(aged(PAUSE_FOR_MS, ended).outcome, 'Dismissed/BurnEnded');
    assert.equal(aged(0, { ...ended, firing: false }).outcome, 'Dismissed/BurnEnded');
  });

  it('is a minute for one that is NotGuilty, or until the alert ends', () => {
    const early = aged(59_999, notGuilty);
    assert.deepEqual([early.outcome, early.again], ['Judging/NotBurning', 15_000]);
    assert.equal(aged(60_000, notGuilty).outcome, 'Dismissed/NotBurning');
    assert.equal(aged(0, { ...notGuilty, firing: false }).outcome, 'Dismissed/NotBurning');
  });

  it('is five minutes for one that is Inconclusive, or until the alert ends', () => {
    const early = aged(JUDGE_FOR_MS - 1, open);
    assert.deepEqual([early.outcome, early.again], ['Judging/NoData', 15_000]);
    assert.equal(early.conditions?.find(({ type }) => type === 'NeedsPerson')?.status, 'False');
    const late = aged(JUDGE_FOR_MS, open);
    assert.deepEqual([late.outcome, late.again], ['Judging/NoData', 30_000]);
    assert.equal(late.conditions?.find(({ type }) => type === 'NeedsPerson')?.status, 'True');
    const ended = aged(0, { ...open, firing: false });
    assert.deepEqual([ended.outcome, ended.message], ['Dismissed/NoData', 'its alerts ended; because']);
  });

  it('has not begun before Prometheus was asked: nothing is said until then', () => {
    const first = taken({ verdict: undefined });
    assert.deepEqual([first.ask, first.phase, first.again], ['Verdict', undefined, undefined]);
  });

  it('is said with a reason of the catalogue', () => {
    assert.equal(taken({ verdict: verdict('Inconclusive', { reason: 'OfTheFuture' }) }).outcome, 'Judging/NoData');
  });
});

describe('an incident in judgement', () => {
  it('has the mode and the verdict in its status, and what it proposes only where the release is Guilty', () => {
    const guilty = taken({ policy: guardrails.parse({ mode: 'Approve' }) });
    assert.deepEqual([guilty.mode, guilty.verdict?.result, guilty.again], ['Approve', 'Guilty', 5000]);
    assert.match(guilty.proposal?.name ?? '', /^web-/);
    const not = taken({ verdict: verdict('NotGuilty') });
    assert.deepEqual([not.verdict?.result, not.proposal], ['NotGuilty', undefined]);
    assert.ok(!('verdict' in taken({ paused: true, verdict: undefined })));
  });

  it('is over with another release, and says which', () => {
    const history = { currentRelease: 3, releases: [release(3), release(2)] };
    assert.equal(taken({ history }).message, 'release 2 was superseded by release 3 before a verdict');
    const { suspect: _, ...spec } = incident().spec;
    const bare = taken({ history }, { ...incident(), spec });
    assert.equal(bare.message, 'the workload has a recorded release now: release 3 before a verdict');
  });

  it('is over where all of its evidence began before the lift, and goes on where some began after it', () => {
    const history = { currentRelease: 2, releases: [release(2, { liftedTime: at(-60) }), release(1)] };
    const outcome = (...began: Parameters<typeof evidence>[0][]) =>
      taken({ history }, incident(undefined, { evidence: began.map(evidence) })).outcome;
    assert.equal(outcome({ startsAt: at(-60) }, { startsAt: at(-90) }), 'Dismissed/HoldLifted');
    assert.equal(outcome({ startsAt: at(-60) }, { startsAt: at(-59) }), 'RollingBack/ErrorRateIncreased');
    assert.equal(outcome({ startsAt: at(-90), latestStartTime: at(-59) }), 'RollingBack/ErrorRateIncreased');
    assert.equal(outcome({ receivedTime: at(-61) }), 'Dismissed/HoldLifted');
    assert.equal(outcome({ startsAt: at(-61), receivedTime: at(0) }), 'Dismissed/HoldLifted');
  });

  it('waits for a Hold that does not act yet, and asks a person after five minutes', () => {
    const dormant = { hold: hold({ phase: 'Dormant' }) };
    const early = aged(JUDGE_FOR_MS - 1, dormant);
    assert.deepEqual([early.outcome, early.again], ['Judging/Progressing', 1000]);
    assert.equal(early.message, 'Hold h keeps the release out, and does not act yet');
    assert.equal(aged(JUDGE_FOR_MS, dormant).outcome, 'Judging/HoldFailed');
  });

  it('goes on with a Hold that is there as if it had created it, whatever the policy says', () => {
    const off = { policy: guardrails.parse({ mode: 'Off' }), paused: true };
    const followed = taken({ ...off, hold: hold() });
    assert.deepEqual([followed.outcome, followed.again], ['RollingBack/ReleaseHeld', 1000]);
    assert.equal(followed.message, 'Hold h takes release 2 back to 1');
  });
});
