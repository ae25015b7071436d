import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { knowsNativeSidecars } from './native-sidecars.ts';

describe('native sidecars', () => {
  it('are known from 1.29 on, whatever a vendor appends', () => {
    for (const version of ['v1.29.0', 'v1.34.4', 'v1.31.2-gke.100', '1.29+', 'v2.0.0']) {
      assert.ok(knowsNativeSidecars(version), version);
    }
    for (const version of ['v1.28.15', 'v1.9.0', '', 'unknown']) assert.ok(!knowsNativeSidecars(version), version);
  });
});
