import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { matchesPath, matchesSegment } from './glob.ts';

describe('a pattern of folders', () => {
  const cases: [string, string, boolean][] = [
    ['apps/*', 'apps/web', true],
    ['apps/*', 'apps', false],
    ['apps/*', 'apps/web/base', false],
    ['./apps/*/', 'apps/web', true],
    ['clusters/*/prod', 'clusters/eu/prod', true],
    ['clusters/*/prod', 'clusters/eu/test', false],
    ['apps/web-*', 'apps/web-1', true],
    ['apps/web-*', 'apps/api-1', false],
    ['apps/*-*-prod', 'apps/eu-shop-prod', true],
    ['apps/*-*-prod', 'apps/eu-prod', false],
    ['apps/a*a', 'apps/a', false],
    ['apps/*', 'apps/.hidden', false],
    ['apps/.*', 'apps/.hidden', true],
    ['apps/(a|b)+', 'apps/a', false],
    ['Apps/*', 'apps/web', false],
  ];
  for (const [pattern, path, expected] of cases) {
    it(`${pattern} ${expected ? 'matches' : 'does not match'} ${path}`, () => {
      assert.equal(matchesPath(pattern, path), expected);
    });
  }

  it('matches what a regular expression would', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(text, name, (segment, candidate) => {
        const expression = new RegExp(`^${segment.replaceAll('*', '.*')}$`);
        assert.equal(matchesSegment(segment, candidate), expression.test(candidate));
      }),
    );
  });

  it('takes no time for a pattern that would cost a regular expression ages', () => {
    assert.equal(matchesSegment(`${'a*'.repeat(200)}b`, 'a'.repeat(4000)), false);
  }).timeout(200);
});
