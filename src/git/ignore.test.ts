import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ignoredBy } from './ignore.ts';

/** As a walk asks: the folders on the way first. */
const isLeftOut = (text: string, path: string, folder = '.'): boolean => {
  const ignored = ignoredBy([{ folder, text }]);
  const parts = path.split('/');
  return parts.some((_, i) => ignored(parts.slice(0, i + 1), i < parts.length - 1));
};

describe('the patterns of .sourceignore', () => {
  for (const [pattern, leftOut, kept] of [
    ['a.yaml', ['a.yaml', 'deep/down/a.yaml'], ['b.yaml', 'xa.yaml']],
    ['/a.yaml', ['a.yaml'], ['deep/a.yaml']],
    ['*.yaml', ['a.yaml', 'deep/.b.yaml'], ['a.yml']],
    ['apps/*.yaml', ['apps/a.yaml'], ['apps/deep/a.yaml', 'x/apps/a.yaml']],
    ['apps/**/a.yaml', ['apps/a.yaml', 'apps/x/y/a.yaml'], ['a.yaml']],
    ['**/apps', ['apps/a.yaml', 'x/apps/a.yaml'], ['appsy/a.yaml']],
    ['apps/**', ['apps/a.yaml', 'apps/x/a.yaml'], ['other/a.yaml']],
    ['test/', ['test/a.yaml', 'x/test/a.yaml'], ['test']],
    ['test?.yaml', ['test1.yaml'], ['test.yaml', 'test12.yaml']],
    ['test[0-9a].yaml', ['test1.yaml', 'testa.yaml'], ['testb.yaml']],
    ['test[!0-9].yaml', ['testb.yaml'], ['test1.yaml']],
    ['\\*.yaml', ['*.yaml'], ['a.yaml']],
    ['\\#a', ['#a'], ['a']],
    ['# a.yaml', [], ['a.yaml', '# a.yaml']],
    ['*\n!a.yaml', ['b.yaml'], ['a.yaml']],
    ['/*\n!/deploy/', ['a.yaml', 'docs/a.yaml'], ['deploy/a.yaml', 'deploy/x/b.yaml']],
    ['deep/\n!deep/a.yaml', ['deep/a.yaml'], []],
    ['a.yaml  \r\nb.yaml', ['a.yaml', 'b.yaml'], ['c.yaml']],
    ['', [], ['a.yaml']],
  ] as [string, string[], string[]][])
    it(`${JSON.stringify(pattern)} leaves out ${leftOut.join(', ')}${kept.length > 0 ? `, and not ${kept.join(', ')}` : ''}`, () => {
      for (const path of leftOut) assert.ok(isLeftOut(pattern, path), path);
      for (const path of kept) assert.ok(!isLeftOut(pattern, path), path);
    });

  it('count from the folder that they are in', () => {
    assert.ok(isLeftOut('/a.yaml', 'apps/web/a.yaml', 'apps/web'));
    assert.ok(!isLeftOut('/a.yaml', 'a.yaml', 'apps/web'));
    assert.ok(!isLeftOut('a.yaml', 'apps/webber/a.yaml', 'apps/web'));
  });

  it('of many stars cost no time', () => {
    const started = process.cpuUsage().user;
    assert.ok(!isLeftOut(`${'*a'.repeat(60)}b`, 'a'.repeat(4000)));
    assert.ok(!isLeftOut(`${'**/a/'.repeat(60)}b`, Array(2000).fill('a').join('/').concat('/c')));
    assert.ok(process.cpuUsage().user - started < 5_000_000);
  });
});
