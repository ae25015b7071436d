import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { claimsAlert, hasLabels } from './labels.ts';

const page = { severity: 'page', team: 'shop' };

describe('labels that are wanted', () => {
  it('are had by whoever has all of them, with any others', () => {
    assert.equal(hasLabels(page, { ...page, pod: 'web-1' }), true);
    assert.equal(hasLabels(page, { severity: 'page' }), false);
    assert.equal(hasLabels(page, { severity: 'page', team: 'other' }), false);
  });

  it('are had by everything where there are none, but claim no alert', () => {
    assert.equal(hasLabels({}, page), true);
    assert.equal(claimsAlert({}, page), false);
    assert.equal(claimsAlert(undefined, page), false);
  });

  it('claim the alerts that have all of them', () => {
    assert.equal(claimsAlert(page, page), true);
    assert.equal(claimsAlert(page, { severity: 'page' }), false);
  });
});
