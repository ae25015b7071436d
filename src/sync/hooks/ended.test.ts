import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AT } from '../../../test/support/objects.ts';
import { isAtWork, standingOf } from './ended.ts';

const job = (status: object) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'a', creationTimestamp: AT },
  spec: { activeDeadlineSeconds: 300 },
  status,
});
const condition = (type: string, reason?: string, message?: string) => ({
  conditions: [{ type, status: 'True', reason, message }],
});
const atSecond = (seconds: number): number => Date.parse(AT) + seconds * 1000;

describe('the object of a hook', () => {
  it('that is a Job stands as its conditions say', () => {
    assert.deepEqual(standingOf(job({}), atSecond(1)), { state: 'Running' });
    assert.deepEqual(standingOf(job(condition('SuccessCriteriaMet')), atSecond(1)), { state: 'Running' });
    assert.deepEqual(standingOf(job(condition('Complete')), atSecond(1)), { state: 'Succeeded' });
    const [reason, message] = ['BackoffLimitExceeded', 'Job has reached the specified backoff limit'];
    const failed = standingOf(job(condition('Failed', reason, message)), atSecond(1));
    assert.deepEqual(failed, { state: 'Failed', reason, message });
    assert.deepEqual(standingOf(job(condition('Failed')), atSecond(1)), {
      state: 'Failed',
      reason: 'Failed',
      message: 'it failed',
    });
  });

  it('has failed when nobody ended it within its deadline and a minute', () => {
    assert.equal(standingOf(job({}), atSecond(359)).state, 'Running');
    const { state, reason, message } = standingOf(job({}), atSecond(361));
    assert.deepEqual([state, reason, message], ['Failed', 'Overdue', 'it has not ended 300 s after it was made']);
  });

  it('is counted from when Kubernetes began with it, which a queue puts off', () => {
    const begun = job({ startTime: new Date(atSecond(3600)).toISOString(), active: 1 });
    assert.equal(standingOf(begun, atSecond(3959)).state, 'Running');
    assert.equal(standingOf(begun, atSecond(3961)).reason, 'Overdue');
  });

  it('is at work as long as pods of it are there, whatever our clock says', () => {
    assert.equal(isAtWork(job({ active: 1 }), atSecond(3600)), true);
    assert.equal(isAtWork(job({ terminating: 1 }), atSecond(3600)), true);
    assert.equal(isAtWork(job({ active: 0 }), atSecond(3600)), false);
    assert.equal(isAtWork(job({ ...condition('Complete'), terminating: 1 }), atSecond(1)), false);
  });

  it('runs without end where it has no deadline, for it was no hook, unless nobody has it begin', () => {
    const ordinary = (spec: object) => ({ ...job({}), spec });
    assert.equal(standingOf(ordinary({}), atSecond(86_400)).state, 'Running');
    assert.equal(isAtWork(ordinary({ suspend: true }), atSecond(61)), false);
  });

  it('of every other kind is done when it is there', () => {
    assert.deepEqual(standingOf({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }, 0), {
      state: 'Succeeded',
    });
  });
});
