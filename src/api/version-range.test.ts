import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compareVersions, versionOf, versionRange } from './version-range.ts';

const versions = [
  '0.0.3',
  '0.0.4',
  '0.2.3',
  '0.2.9',
  '0.3.0',
  '1.0.0-alpha.1',
  '1.0.0-rc.2',
  '1.0.0-rc.10',
  '1.0.0',
  '1.2.3',
  '1.2.9',
  '1.3.0-beta',
  '1.3.0',
  '1.10.0',
  '2.0.0',
];
const within = (range: string): string[] => {
  const isIn = versionRange(range);
  assert.ok(isIn, range);
  return versions.filter((text) => {
    const version = versionOf(text);
    assert.ok(version, text);
    return isIn(version);
  });
};

describe('a range of versions', () => {
  for (const [range, expected] of [
    ['1.2.3', ['1.2.3']],
    ['=v1.2.3', ['1.2.3']],
    ['1.2', ['1.2.3', '1.2.9']],
    ['1.x', ['1.0.0', '1.2.3', '1.2.9', '1.3.0', '1.10.0']],
    ['1.2.*', ['1.2.3', '1.2.9']],
    ['*', ['0.0.3', '0.0.4', '0.2.3', '0.2.9', '0.3.0', '1.0.0', '1.2.3', '1.2.9', '1.3.0', '1.10.0', '2.0.0']],
    ['^1.2.3', ['1.2.3', '1.2.9', '1.3.0', '1.10.0']],
    ['^0.2.3', ['0.2.3', '0.2.9']],
    ['^0.0.3', ['0.0.3']],
    ['^0.0', ['0.0.3', '0.0.4']],
    ['^0', ['0.0.3', '0.0.4', '0.2.3', '0.2.9', '0.3.0']],
    ['~1.2.3', ['1.2.3', '1.2.9']],
    ['~1.2', ['1.2.3', '1.2.9']],
    ['~1', ['1.0.0', '1.2.3', '1.2.9', '1.3.0', '1.10.0']],
    ['>1.2', ['1.3.0', '1.10.0', '2.0.0']],
    ['> 1.2.3', ['1.2.9', '1.3.0', '1.10.0', '2.0.0']],
    ['<=1.2', ['0.0.3', '0.0.4', '0.2.3', '0.2.9', '0.3.0', '1.0.0', '1.2.3', '1.2.9']],
    ['<0.3', ['0.0.3', '0.0.4', '0.2.3', '0.2.9']],
    ['>=1.2.9 <1.10', ['1.2.9', '1.3.0']],
    ['>=1.2.9, <1.10', ['1.2.9', '1.3.0']],
    ['1.2 - 1.3', ['1.2.3', '1.2.9', '1.3.0']],
    ['>=1.2.3 !=1.3.0 <2', ['1.2.3', '1.2.9', '1.10.0']],
    ['0.0.3 || ^2', ['0.0.3', '2.0.0']],
    ['>=1.0.0-0 <1.0.1-0', ['1.0.0-alpha.1', '1.0.0-rc.2', '1.0.0-rc.10', '1.0.0']],
    ['>=1.3.0-0 <2', ['1.3.0-beta', '1.3.0', '1.10.0']],
    ['>=1.3.0-0', ['1.3.0-beta', '1.3.0', '1.10.0', '2.0.0']],
  ] as [string, string[]][])
    it(`${range} has ${expected.join(', ')}`, () => assert.deepEqual(within(range), expected));

  for (const text of ['', 'latest', '1.2.3.4', '^', '>=', '1.2.3 ||', '-1', '>>1', '1..2'])
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(versionRange(text), undefined));

  it('has its versions in the order of semver.org', () => {
    const parsed = versions.map((text) => versionOf(text) ?? assert.fail(text));
    for (const [i, version] of parsed.entries())
      for (const [j, other] of parsed.entries())
        assert.equal(Math.sign(compareVersions(version, other)), Math.sign(i - j));
  });

  it('takes no tag for a version that is none in full', () => {
    for (const tag of ['1', 'v1.2', '01.2.3', 'release-1.2.3', '1.2.3.4', 'v1.2.3 '])
      assert.equal(versionOf(tag), undefined);
    assert.equal(versionOf(`1.0.0+${'A'.repeat(123)}`), undefined, 'longer than a label');
    assert.ok(versionOf(`1.0.0+${'A'.repeat(122)}`));
    assert.deepEqual(versionOf('v1.2.3-rc.1+build.5'), { core: [1, 2, 3], pre: ['rc', '1'] });
  });
});
