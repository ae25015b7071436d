import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { brokenLinks } from './check.ts';
import { anchorsOf, linksOf } from './markdown.ts';
import { pagesOfRepository } from './repository.ts';

/** Problems of the page docs/a.md in a repository that has docs/b.md and the folder deploy/ beside it. */
const problems = (text: string): string[] => {
  const texts = new Map([
    ['docs/a.md', text],
    ['docs/b.md', '# B\n\n## What it does\n'],
  ]);
  return brokenLinks({ texts, exists: (path) => texts.has(path) || path === 'deploy/' });
};

describe('the pages of the repository', () => {
  it('link to files and headings that exist', () => {
    const pages = pagesOfRepository();
    assert.ok(pages.texts.size > 50);
    assert.deepEqual(brokenLinks(pages), []);
  });
});

describe('a link', () => {
  it('to a file, a folder or a heading that exists is fine', () => {
    assert.deepEqual(problems('# A\n[b](b.md) [b](b.md#what-it-does) [here](#a) ![d](../deploy/ "title")'), []);
  });

  it('to a file that does not exist is reported with its line', () => {
    assert.deepEqual(problems('# A\n\n[c](c.md)'), ['docs/a.md:3: c.md does not exist: docs/c.md']);
  });

  it('to a heading that does not exist is reported, in the same page and in another', () => {
    assert.deepEqual(problems('[b](b.md#gone) [here](#gone)'), [
      'docs/a.md:1: b.md#gone has no heading #gone in docs/b.md',
      'docs/a.md:1: #gone has no heading #gone in docs/a.md',
    ]);
  });

  it('out of the repository, or by an absolute path, is reported', () => {
    assert.deepEqual(problems('[x](../../x.md)\n[b](/docs/b.md)'), [
      'docs/a.md:1: ../../x.md leads out of the repository',
      'docs/a.md:2: /docs/b.md is absolute: write it relative to the page',
    ]);
  });

  it('to another host is not followed', () => {
    assert.deepEqual(problems('[x](https://git.example.com/x) [m](mailto:a@example.com)'), []);
  });

  it('in code is none', () => {
    assert.deepEqual(problems('`[c](c.md)`\n\n```\n[c](c.md)\n```\n'), []);
  });

  it('may be a reference', () => {
    assert.deepEqual(linksOf('See [c].\n\n[c]: c.md\n'), [{ line: 3, target: 'c.md' }]);
  });
});

describe('the anchor of a heading', () => {
  const cases: [string, string][] = [
    ['## DryRun → Approve → Auto', 'dryrun--approve--auto'],
    ['## `status` and *history*', 'status-and-history'],
    ['## See [b](b.md), too', 'see-b-too'],
    ['## metricops_rollbacks_total', 'metricops_rollbacks_total'],
  ];
  for (const [heading, anchor] of cases)
    it(`${heading} is #${anchor}`, () => assert.deepEqual([...anchorsOf(heading)], [anchor]));

  it('is counted where the heading comes again', () => {
    assert.deepEqual([...anchorsOf('# Status\n## Status\n')], ['status', 'status-1']);
  });

  it('is none of a comment in code', () => {
    assert.deepEqual([...anchorsOf('```\n# a comment\n```\n')], []);
  });
});
