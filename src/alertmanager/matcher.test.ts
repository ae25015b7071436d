import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AlertmanagerError } from './error.ts';
import { type Matcher, matchesAll } from './matcher.ts';

const matcher = (text: string): Matcher => {
  const [, name = '', operator, value = ''] = /^(\w+)(=~|!~|!=|=)(.*)$/s.exec(text) ?? [];
  return {
    name,
    value,
    isRegex: operator === '=~' || operator === '!~',
    isEqual: operator === '=' || operator === '=~',
  };
};
const labels = { alertname: 'Burn', namespace: 'shop', deployment: 'web-1', version: '1.2.3' };
const isSilenced = (...matchers: string[]): boolean => matchesAll(matchers.map(matcher), labels);

describe('the matchers of a silence', () => {
  for (const [text, expected] of [
    ['namespace=shop', true],
    ['namespace=sho', false],
    ['namespace!=bank', true],
    ['namespace!=shop', false],
    ['team=', true],
    ['team!=', false],
    ['team!=a', true],
    ['namespace=~shop', true],
    ['namespace=~sho', false],
    ['namespace=~sho.', true],
    ['namespace=~bank|shop', true],
    ['namespace=~bank|sho', false],
    ['namespace!~bank|shop', false],
    ['namespace!~ban.*', true],
    ['team=~.*', true],
    ['team=~.+', false],
    ['team!~.+', true],
    ['deployment=~web-[0-9]+', true],
    ['deployment=~web\\-\\d', true],
    ['version=~1\\.2\\..*', true],
    ['version=~1\\_2.*', false],
    ['alertname=~(?i)BURN', true],
    ['alertname=~(?i:b)urn', true],
    ['alertname=~(?P<what>Bu)rn', true],
    ['version=~[\\d.]+', true],
    ['version=~[0-9\\-\\.]+', true],
    ['alertname=~^Burn$', true],
  ] as const)
    it(`${text} ${expected ? 'matches' : 'does not match'}`, () => assert.equal(isSilenced(text), expected));

  it('all have to match', () => {
    assert.equal(isSilenced('namespace=shop', 'deployment=~web.*', 'team!=bank'), true);
    assert.equal(isSilenced('namespace=shop', 'deployment=~web.*', 'team=bank'), false);
  });

  for (const [text, why] of [
    ['alertname=~[[:alpha:]]+', /the matcher \[\[:alpha:\]\]\+ can't be read/],
    ['alertname=~\\pL+', /can't be read/],
    ['alertname=~\\ABurn\\z', /can't be read/],
    ['alertname=~a{', /can't be read/],
  ] as const)
    it(`is refused, rather than that it means something else: ${text}`, () => {
      assert.throws(
        () => isSilenced(text),
        (error) => error instanceof AlertmanagerError && why.test(error.message),
      );
    });

  it('is refused where it takes for ever here, which no other silence pays for', () => {
    const long = { ...labels, note: `${'a'.repeat(200)}!` };
    const hostile = matcher('note=~(a+)+');
    assert.throws(() => matchesAll([hostile], long), /takes more than 250 ms/);
    assert.equal(matchesAll([hostile, matcher('namespace=bank')], long), false, 'it is not evaluated');
  });
});
