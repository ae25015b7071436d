import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { freePort } from '../webhook/merge.ts';
import { settingsOf } from './settings.ts';

describe('the settings of the recorder', () => {
  const METRICOPS_RECORD_URL = 'https://metricops.metricops-system.svc/api/v1/records';

  it('have the port that the injector gives to a pod without one of its own, and not that of a mesh', () => {
    assert.equal(settingsOf({ METRICOPS_RECORD_URL }).port, freePort({}));
    assert.equal(settingsOf({ METRICOPS_RECORD_URL, METRICOPS_PORT: '70000' }).port, freePort({}));
    assert.equal(settingsOf({ METRICOPS_RECORD_URL, METRICOPS_PORT: '8080' }).port, 8080);
  });
});
