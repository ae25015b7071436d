import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, hold, incident, NOON, observation, verdict } from '../../test/support/incident.ts';
import type { Incident } from '../api/incident.ts';
import { guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
import { needsPerson } from './phases.ts';
import { type Step, step } from './step.ts';

const SECOND = 1_000;
/** Looks at an incident so many seconds after noon, each with what the one before left. */
const looks = (policy: object, seconds: readonly number[], rest: Partial<Observation> = {}): Step[] => {
  const taken: Step[] = [];
  for (const second of seconds) {
    const before: Incident = incident(taken.at(-1)?.status);
    const observed = observation({ policy: guardrails.parse(policy), ...rest });
    taken.push(step(before, observed, NOON + second * SECOND));
  }
  return taken;
};
const outcomes = (taken: Step[]): string[] => taken.map(({ status }) => `${status.phase}/${status.reason}`);
const started = 'RollingBack/ErrorRateIncreased';

describe('a countdown in mode Auto', () => {
  const policy = { mode: 'Auto', countdown: '2m' };

  it('shows until when it can be cancelled, and how, reports that once, and rolls back then', () => {
    const taken = looks(policy, [0, 119, 120]);
    assert.deepEqual(outcomes(taken), ['Judging/Countdown', 'Judging/Countdown', started]);
    const [first, second, last] = taken;
    assert.equal(first?.status.dueTime, at(120));
    const words = `rolling release 2 back to release 1 at ${at(120)}; to cancel: metricops deny i -n shop`;
    assert.equal(first?.status.message, words);
    assert.deepEqual([first?.again, second?.again], [15_000, 1_000]);
    const reports = ({ actions }: Step) => actions.filter(({ kind }) => kind === 'Report').length;
    assert.deepEqual(taken.map(reports), [1, 0, 1]);
    assert.equal(last?.status.dueTime, undefined);
  });

  it('is cancelled by a denial', () => {
    const [counting] = looks(policy, [0]);
    const denied = step(incident(counting?.status), observation({ answer: 'Denied' }), NOON + 60 * SECOND);
    assert.deepEqual(outcomes([denied]), ['Dismissed/Denied']);
  });

  it('begins again after a look that found the release not guilty', () => {
    const [counting] = looks(policy, [0]);
    const doubtful = observation({ verdict: verdict('Inconclusive') });
    const { status } = step(incident(counting?.status), doubtful, NOON + 60 * SECOND);
    assert.equal(status.dueTime, undefined);
    const again = step(incident(status), observation({ policy: guardrails.parse(policy) }), NOON + 120 * SECOND);
    assert.equal(again.status.dueTime, at(240));
  });

  it('is none by default', () => assert.deepEqual(outcomes(looks({ mode: 'Auto' }, [0])), [started]));
});

describe('the mode Approve', () => {
  const waiting = 'Judging/AwaitingApproval';

  it('keeps asking where the policy states no timeout', () => {
    assert.deepEqual(outcomes(looks({ mode: 'Approve' }, [0, 1e6])), [waiting, waiting]);
  });

  it('closes the incident when nobody answered in time, where the policy states nothing else', () => {
    const taken = looks({ mode: 'Approve', approval: { timeout: '1h' } }, [0, 3599, 3600]);
    assert.deepEqual(outcomes(taken), [waiting, waiting, 'Dismissed/ApprovalTimedOut']);
    const words = `create Hold ${taken[0]?.status.proposal?.name} as status.proposal has it; without an answer until ${at(3600)} the incident is closed`;
    assert.ok(taken[0]?.status.message?.endsWith(words), taken[0]?.status.message);
    assert.equal(taken[1]?.again, 1_000);
  });

  it('rolls back when nobody answered in time, where the policy says so', () => {
    const policy = { mode: 'Approve', approval: { timeout: '1h', action: 'RollBack' } };
    assert.deepEqual(outcomes(looks(policy, [0, 3600])), [waiting, started]);
  });

  it('does not roll back by a rule that nobody vouches for, whatever the policy says', () => {
    const policy = { mode: 'Approve', approval: { timeout: '1h', action: 'RollBack' } };
    assert.deepEqual(outcomes(looks(policy, [0, 3600], { caution: 'a foreign rule' })), [waiting, waiting]);
  });
});

describe('a change freeze', () => {
  const freeze = [{ schedule: '0 12 1 1 *', duration: '1h', reason: 'year-end closing' }];
  const frozen = 'Judging/ChangeFreeze';

  it('lets mode Auto ask a person, with its reason and its end, and is decided again then', () => {
    const taken = looks({ mode: 'Auto', freeze }, [0, 3599, 3600]);
    assert.deepEqual(outcomes(taken), [frozen, frozen, started]);
    const [first, second] = taken;
    const words = `a change freeze (year-end closing) ends at ${at(3600)}, then it is decided again; to roll release 2 back to release 1, create Hold`;
    assert.ok(first?.status.message?.startsWith(words), first?.status.message);
    assert.equal(first?.status.dueTime, at(3600));
    assert.ok(needsPerson(first ?? {}));
    assert.equal(second?.again, 1_000);
  });

  it('begins the countdown when it ends', () => {
    const taken = looks({ mode: 'Auto', countdown: '2m', freeze }, [0, 3600, 3720]);
    assert.deepEqual(outcomes(taken), [frozen, 'Judging/Countdown', started]);
  });

  it('is over for a person who approves', () => {
    const [waiting] = looks({ mode: 'Auto', freeze }, [0]);
    const approved = step(incident(waiting?.status), observation({ hold: hold({ phase: 'Pending' }) }), NOON + SECOND);
    assert.deepEqual(outcomes([approved]), ['RollingBack/ReleaseHeld']);
  });

  it('lets no time that runs out roll back, and the time begins when it ends', () => {
    const policy = { mode: 'Approve', approval: { timeout: '10m', action: 'RollBack' }, freeze };
    const waiting = 'Judging/AwaitingApproval';
    assert.deepEqual(outcomes(looks(policy, [0, 600, 3600, 4199, 4200])), [frozen, frozen, waiting, waiting, started]);
  });

  it('changes nothing where metricops does nothing by itself', () => {
    const waiting = 'Judging/AwaitingApproval';
    assert.deepEqual(outcomes(looks({ mode: 'Approve', freeze }, [0])), [waiting]);
    assert.deepEqual(outcomes(looks({ mode: 'Auto', freeze }, [0], { caution: 'a foreign rule' })), [waiting]);
    assert.deepEqual(outcomes(looks({ mode: 'DryRun', freeze }, [0])), ['Observed/ModeDryRun']);
    const closing = { mode: 'Approve', approval: { timeout: '10m' }, freeze };
    assert.deepEqual(outcomes(looks(closing, [0, 600])), [waiting, 'Dismissed/ApprovalTimedOut']);
  });

  it('that can not be read keeps asking: nobody knows when it ends', () => {
    const bad = [{ schedule: '0 12 1 1 *', duration: '1h', timeZone: 'Europe/Berln' }];
    const taken = looks({ mode: 'Auto', freeze: bad }, [0, 1e6]);
    assert.deepEqual(outcomes(taken), ['Judging/InvalidFreeze', 'Judging/InvalidFreeze']);
    assert.equal(taken[0]?.status.dueTime, undefined);
  });
});
