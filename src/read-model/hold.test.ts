import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, conditionWith, digestOf, hold } from '../../test/support/objects.ts';
import { holdView, isActive } from './hold.ts';

describe('a hold', () => {
  for (const phase of ['Pending', 'Held', 'Failed'] as const)
    it(`keeps a release out in phase ${phase}`, () => assert.equal(isActive(hold('a', { phase })), true));

  it('keeps a release out before the controller has seen it', () => assert.equal(isActive(hold('a')), true));

  it('keeps nothing out while it is dormant, nor where it accepts or denies', () => {
    assert.equal(isActive(hold('a', { phase: 'Dormant' })), false);
    const other = { rejectedDigests: undefined, target: undefined };
    const accept = { ...other, action: 'Accept', acceptedDigests: [digestOf(3)] } as const;
    assert.equal(isActive(hold('a', undefined, { ...accept, acceptedDigests: [...accept.acceptedDigests] })), false);
    assert.equal(isActive(hold('a', undefined, { ...other, action: 'Deny', incidentRef: { name: 'i' } })), false);
  });

  it('says what stands in its way, and when that is tried again, while its target is not applied', () => {
    const conditions = [conditionWith('Held', { status: 'False', message: 'v1 is forbidden' })];
    const failed = holdView(hold('a', { phase: 'Failed', conditions, nextAttemptTime: at(8) }));
    assert.deepEqual([failed.obstacle, failed.nextAttemptTime], ['v1 is forbidden', at(8)]);
    assert.equal(holdView(hold('a', { phase: 'Held', conditions })).obstacle, undefined);
  });
});
