import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, incident, NOON, observation, verdict } from '../../test/support/incident.ts';
import type { Incident } from '../api/incident.ts';
import { guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
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
