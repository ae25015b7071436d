import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { hold } from '../../test/support/incident.ts';
import { once } from './once.ts';

/** Says how often it was asked, and fails the first time where it should. */
const counting = (failsFirst = false) => {
  let asked = 0;
  return async (): Promise<string> => {
    asked += 1;
    if (failsFirst && asked === 1) throw new Error('away');
    return `refused ${asked}`;
  };
};

describe('the dry run of a target', () => {
  it('is made once in ten seconds, whoever asks for it', async () => {
    let now = 0;
    const refusalOf = once(counting(), { now: () => now });
    const target = hold();
    const other = { ...target, metadata: { ...target.metadata, name: 'other' } };
    assert.deepEqual(await Promise.all([target, target, other].map(refusalOf)), [
      'refused 1',
      'refused 1',
      'refused 2',
    ]);
    now = 9_999;
    assert.equal(await refusalOf(target), 'refused 1');
    now = 10_000;
    assert.equal(await refusalOf(target), 'refused 3');
  });

  it('is made again where nobody answered', async () => {
    const refusalOf = once(counting(true), { now: () => 0 });
    await assert.rejects(refusalOf(hold()), /away/);
    assert.equal(await refusalOf(hold()), 'refused 2');
  });
});
