import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { podPattern, withWindow } from './expression.ts';

describe('indicator expressions', () => {
  it('get their window', () => assert.equal(withWindow('rate(x[$window])', 90_000), 'rate(x[90s])'));

  it('find the pods of one revision of a Deployment', () => {
    assert.equal(podPattern({ kind: 'Deployment', name: 'my.web' }, '5d4f'), 'my\\.web-5d4f-.+');
    assert.equal(podPattern({ kind: 'StatefulSet', name: 'db' }, '5d4f'), undefined);
  });
});
