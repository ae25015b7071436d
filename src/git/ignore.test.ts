import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ReasonError } from '../api/reason-error.ts';
import { ignoredBy } from './ignore.ts';
import { defaultLimits } from './limits.ts';

/** As a walk asks: the folders on the way first. */
const isLeftOut = (text: string, path: string, folder = '.'): boolean => {
  const ignored = ignoredBy([{ folder, text }], defaultLimits);
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
    ['a\\ ', ['a '], ['a', 'a\\']],
    ['a\\   ', ['a '], ['a', 'a  ']],
    ['[a', ['[a'], ['a']],
    ['?[a', ['b[a', '[[a'], ['[a', 'aa']],
    ['[]a]*[', [']b[', 'a['], ['b[', 'ab']],
    ['*a*a', ['aa', 'baba'], ['a', 'ab']],
    ['a*a', ['aa', 'aba'], ['a']],
    ['**/a/**/*.y?ml', ['a/b.yaml', 'x/a/y/b.yaml'], ['a/b.yml', 'b.yaml']],
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

  it('of many brackets or blanks cost no time', () => {
    const started = process.cpuUsage().user;
    assert.ok(!isLeftOut('['.repeat(300_000), 'a'));
    assert.ok(!isLeftOut(`a${' '.repeat(300_000)}b`, 'a'));
    assert.ok(process.cpuUsage().user - started < 5_000_000);
  });

  const refuses = (work: () => unknown, says: RegExp): void =>
    assert.throws(work, (e: ReasonError) => e.code === 'RepositoryTooLarge' && says.test(e.message));

  it('are refused where there are too many, in all files together', () => {
    const filesOf = (...numbers: number[]) => numbers.map((n) => ({ folder: '.', text: '# a\n\n*b\n'.repeat(n) }));
    assert.ok(ignoredBy(filesOf(500, 500), defaultLimits)(['ab'], false));
    refuses(
      () => ignoredBy(filesOf(500, 501), defaultLimits),
      /\.sourceignore and spec\.ignore have 1001 patterns, with those that always count; 1000 are taken/,
    );
  });

  for (const [what, pattern, name] of [
    ['letters', `*${'a'.repeat(8000)}b*`, 'a'.repeat(100_000)],
    ['character classes', `*${'[a-c]'.repeat(3000)}d*`, 'a'.repeat(50_000)],
    ['folders', `**/${'a/'.repeat(4000)}b/**`, Array(50_000).fill('a').join('/')],
    ['nothing but the name', '*a*', 'b'.repeat(8_000_000)],
  ] as const)
    it(`are refused, and don't hold up others, where a name takes too long to compare: by ${what}`, () => {
      const ignored = ignoredBy([{ folder: '.', text: pattern }], defaultLimits);
      refuses(() => ignored(name.split('/'), false), /^[ab/]{100}… takes more than 1000000 steps to compare with the/);
    });

  it('are refused where all names together take too long to compare', () => {
    const ignored = ignoredBy([{ folder: '.', text: '*b*b\n'.repeat(10) }], { ...defaultLimits, ignoreSteps: 10_000 });
    const name = `${'a'.repeat(50)}b`;
    assert.ok(!ignored([name], false));
    refuses(() => {
      for (let i = 0; i < 100; i++) ignored([name], false);
    }, /the files of the folder take more than 10000 steps to compare with the patterns of \.sourceignore and spec/);
  });
});
