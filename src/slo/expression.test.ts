import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ofPods, podPattern, withWindow } from './expression.ts';

describe('indicator expressions', () => {
  it('get their window', () => assert.equal(withWindow('rate(x[$window])', 90_000), 'rate(x[90s])'));

  for (const [what, before, after] of [
    ['no matcher', 'sum(rate(x[$window]))', 'sum(rate(x{pod=~"a-.+"}[$window]))'],
    ['matchers', 'sum(rate(x{code=~"5.."}[$window]))', 'sum(rate(x{code=~"5..",pod=~"a-.+"}[$window]))'],
    ['braces in strings', 'rate(x{path="/{id}"}[$window])', 'rate(x{path="/{id}",pod=~"a-.+"}[$window])'],
    ['two metrics', 'rate(x[$window]) + rate(y{},[$window])', 'rate(x{pod=~"a-.+"}[$window]) + rate(y{},[$window])'],
    ['a trailing comma', 'rate(x{a="b",}[$window])', 'rate(x{a="b",pod=~"a-.+"}[$window])'],
  ] as const) {
    it(`are asked of some pods: ${what}`, () => assert.equal(ofPods(before, 'pod', 'a-.+'), after));
  }

  it('find the pods of one revision of a Deployment', () => {
    const pattern = podPattern({ kind: 'Deployment', name: 'my.web' }, '5d4f');
    assert.equal(pattern, 'my\\.web-5d4f-.+');
    assert.equal(podPattern({ kind: 'StatefulSet', name: 'db' }, '5d4f'), undefined);
    assert.match(ofPods('rate(x[$window])', 'pod', pattern ?? ''), /my\\\\\.web/);
  });
});
