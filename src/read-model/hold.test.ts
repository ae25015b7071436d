import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { digestOf, hold } from '../../test/support/objects.ts';
import { isActive } from './hold.ts';

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
});
