import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { podPattern, withWindow } from './expression.ts';

describe('indicator expressions', () => {
  for (const [what, before, after] of [
    ['ranges', 'rate(x[$window]) / rate(y[ $window ])', 'rate(x[90s]) / rate(y[ 90s ])'],
    ['subqueries and offsets', 'x[$window:1m] offset $window', 'x[90s:1m] offset 90s'],
    ['not in strings', "x{a=\"$window\",b='\\'$window',c=`$window`}[$window]", undefined],
    ['not in comments', 'x # $window\n[$window]', 'x # $window\n[90s]'],
    ['not in what has no end', 'x{a="$window\n[$window]', 'x{a="$window\n[$window]'],
    ['not as a part of another word', 'x[$windows]', 'x[$windows]'],
  ] as const) {
    it(`get their window: ${what}`, () =>
      assert.equal(withWindow(before, 90_000), after ?? before.replace('[$window]', '[90s]')));
  }

  it('get their window in milliseconds where it is no whole second', () =>
    assert.equal(withWindow('x[$window]', 1500.4), 'x[1500ms]'));

  it('get their window in time that grows with the text, whatever it is', () => {
    for (const piece of ['"\\', '\\"', "'`#", '$window', '"', '#'])
      assert.equal(typeof withWindow(piece.repeat(200_000), 1000), 'string', piece);
  });

  it('find the pods of one revision of a Deployment', () => {
    assert.equal(podPattern({ kind: 'Deployment', name: 'my.web' }, '5d4f'), 'my\\.web-5d4f-.+');
    assert.equal(podPattern({ kind: 'StatefulSet', name: 'db' }, '5d4f'), undefined);
  });
});
