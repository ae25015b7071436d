import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { asStored } from './stored.ts';

const object = (kind: string, rest: object): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'a' },
  ...rest,
});

describe('an object as the API server stores it', () => {
  it('has the stringData of a Secret as data, so that a change by hand is seen', () => {
    const secret = asStored(object('Secret', { data: { a: 'eA==', b: 'eA==' }, stringData: { b: 'ü', c: '' } }));
    assert.deepEqual(secret.data, { a: 'eA==', b: 'w7w=', c: '' });
    assert.ok(!('stringData' in secret));
  });

  it('is what it was otherwise', () => {
    for (const other of [object('Secret', { data: { a: 'eA==' } }), object('ConfigMap', { stringData: { a: 'b' } })])
      assert.equal(asStored(other), other);
  });
});
