import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { release } from '../../test/support/incident.ts';
import { guiltyBefore } from './guilty-before.ts';

describe('the releases that have the fault of the suspect', () => {
  const releases = [release(5), release(4), release(3, { outcome: 'Accepted' }), release(2), release(1)];
  const numbers = (sinceRelease?: number): number[] =>
    guiltyBefore(5, sinceRelease === undefined ? undefined : { sinceRelease }, releases).map(({ number }) => number);

  it('are those from the one with which the burn began to the suspect, but for what a person accepted', () =>
    assert.deepEqual(numbers(2), [4, 2]));

  it('are none where the burn began with the suspect', () => assert.deepEqual(numbers(), []));
});
