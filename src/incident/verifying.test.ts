import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, hold, incident, NOON, observation, release } from '../../test/support/incident.ts';
import type { IncidentStatus } from '../api/incident.ts';
import { guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
import { step } from './step.ts';
import { ROLL_BACK_FOR_MS } from './timing.ts';

const back = { currentRelease: 1, releases: [release(2), release(1)] };
const target = { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } };
const entered = (phase: 'RollingBack' | 'Verifying', seconds: number): IncidentStatus => ({
  ...{ phase, reason: 'RolledBack', message: '', target, holdRef: { name: 'h' } },
  timeline: [
    { phase: 'Open', time: at(-9999), message: '' },
    { phase, time: at(seconds), message: '' },
  ],
});
const taken = (status: IncidentStatus, rest: Partial<Observation>) => {
  const next = step(incident(status), observation({ history: back, ...rest }), NOON);
  const needed = next.status.conditions?.find(({ type }) => type === 'NeedsPerson')?.status === 'True' ? ' !' : '';
  return {
    ...next.status,
    outcome: `${next.status.phase}/${next.status.reason}${needed}`,
    again: next.again,
    ask: next.ask,
  };
};

describe('an applied rollback', () => {
  const held = { hold: hold({ phase: 'Held' }), policy: guardrails.parse({ verifyTimeout: '10m' }) };
  const verifying = (seconds: number, rolledBack = seconds): IncidentStatus => ({
    ...entered('Verifying', seconds),
    rolledBackTime: at(rolledBack),
  });

  it('has its time to recover from when it was applied, or found to be, whichever was later', () => {
    for (const status of [verifying(-600), verifying(-600, -900), verifying(-900, -600)]) {
      assert.equal(taken(status, held).outcome, 'Verifying/RolloutFailed !');
    }
    for (const status of [verifying(-599), verifying(-599, -900), verifying(-900, -599)]) {
      const early = taken(status, held);
      assert.deepEqual([early.outcome, early.again], ['Verifying/RolledBack', 15_000]);
    }
    assert.equal(taken(verifying(-600), held).again, 60_000);
  });

  it('asks Prometheus once its pods are ready, and believes no silence while the alerts fire', () => {
    assert.equal(taken(verifying(0), { ...held, burning: undefined }).ask, undefined);
    assert.equal(taken(verifying(0), { ...held, restored: true, burning: undefined }).ask, 'Burning');
    const unknown = { ...held, restored: true, burning: 'Unknown' } as const;
    assert.equal(taken(verifying(0), unknown).outcome, 'Verifying/RolledBack');
    assert.equal(taken(verifying(0), { ...unknown, firing: false }).outcome, 'Recovered/Recovered');
    const burning = taken(verifying(-600), { ...held, restored: true, burning: true, firing: false });
    assert.deepEqual(
      [burning.outcome, burning.message],
      ['Verifying/NotRecovered !', 'the error budget is still burning'],
    );
    const silent = taken(verifying(-600), unknown);
    assert.equal(silent.message, 'Prometheus could not say whether the error budget still burns');
  });

  it('is over with another release, or with its Hold, and says which', () => {
    const third = { currentRelease: 3, releases: [release(3), ...back.releases] };
    assert.equal(taken(verifying(0), { ...held, history: third }).message, 'release 3 came after the rollback');
    assert.equal(taken(verifying(0), { hold: undefined }).message, 'a person lifted Hold h after the rollback');
  });
});

describe('a rollback that is not applied yet', () => {
  const rolling = (seconds: number): IncidentStatus => entered('RollingBack', seconds);
  const said = (phase: 'Pending' | 'Held' | 'Failed', message = '') =>
    hold({
      phase,
      ...(message === ''
        ? {}
        : {
            conditions: [
              { type: 'Held', status: 'False' as const, reason: 'Progressing', message, lastTransitionTime: at(0) },
            ],
          }),
    });
  const deadline = -ROLL_BACK_FOR_MS / 1000;

  it('has five minutes, then a person is needed, with what the Hold says', () => {
    const early = taken(rolling(deadline + 1), { hold: said('Pending', 'refused by quota') });
    assert.deepEqual([early.outcome, early.again], ['RollingBack/RolledBack', 1000]);
    const late = taken(rolling(deadline), { hold: said('Pending', 'refused by quota') });
    assert.deepEqual([late.outcome, late.again], ['RollingBack/HoldFailed !', 30_000]);
    assert.equal(late.message, 'Hold h is not applied after 5 minutes: refused by quota');
    assert.equal(taken(rolling(deadline), { hold: said('Pending') }).message, 'Hold h is not applied after 5 minutes');
    const ended = taken(rolling(deadline), { hold: said('Pending'), firing: false });
    assert.deepEqual(
      [ended.outcome, ended.message],
      ['Dismissed/HoldFailed', 'its alerts ended; Hold h is not applied after 5 minutes'],
    );
  });

  it('needs a person at once where the Hold failed, in its words or without', () => {
    assert.equal(taken(rolling(0), { hold: said('Failed', 'refused by quota') }).message, 'refused by quota');
    assert.equal(taken(rolling(0), { hold: said('Failed') }).message, 'Hold h failed');
  });

  it('is verified from when the Hold was applied, at once', () => {
    const applied = hold({ phase: 'Held', appliedTime: at(-5) });
    const status = taken(rolling(0), { hold: applied });
    assert.deepEqual([status.outcome, status.rolledBackTime, status.again], ['Verifying/RolledBack', at(-5), 0]);
    assert.equal(taken(rolling(0), { hold: said('Held') }).rolledBackTime, at(0));
  });

  it('is over with another release, or with its Hold, and says which', () => {
    const third = { currentRelease: 3, releases: [release(3), ...back.releases] };
    assert.equal(taken(rolling(0), { history: third }).message, 'release 3 came before the rollback');
    assert.equal(taken(rolling(0), {}).message, 'a person lifted Hold h');
  });

  describe('whose Hold is not there', () => {
    const { holdRef: _, ...bare } = rolling(-10);
    const history = { currentRelease: 2, releases: [release(2), release(1)] };
    const proposal = { name: 'web-1', spec: hold().spec };
    const proposed: IncidentStatus = { ...bare, proposal };
    const creates = (status: IncidentStatus, rest: Partial<Observation> = {}) =>
      step(incident(status), observation({ history, ...rest }), NOON).actions.some(({ kind }) => kind === 'CreateHold');

    it('has it created, until a person lifts the release', () => {
      assert.equal(creates(proposed), true);
      assert.equal(creates(bare), false);
      const lifted = (seconds: number) => ({ suspect: release(2, { liftedTime: at(seconds) }) });
      assert.equal(creates(proposed, lifted(-11)), true, 'of before');
      assert.equal(creates(proposed, lifted(-10)), false);
      assert.equal(taken(proposed, { history, ...lifted(-10) }).outcome, 'Dismissed/HoldLifted');
    });

    it('needs a person with the reason, at the deadline or when it is refused for good', () => {
      const late = taken({ ...proposed, timeline: rolling(deadline).timeline }, { history });
      assert.equal(late.outcome, 'RollingBack/HoldFailed !');
      assert.equal(late.message, 'Hold web-1 is not created: the API server does not show it');
      const refused = taken(proposed, { history, refusal: { message: 'no', isFinal: true } });
      assert.equal(refused.message, 'Hold web-1 is not created: no');
      assert.equal(taken(proposed, { history, refusal: { message: 'no', isFinal: false } }).again, 1000);
    });
  });
});
