import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { createArchiveStore } from './archive-store.ts';

const archive = (text: string) => {
  const content = Buffer.from(text.repeat(10));
  return { content, sha256: createHash('sha256').update(content).digest('hex') };
};

describe('archives of charts on disk', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'metricops-archives-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  /** Makes what is there as old as if it were written then. */
  const age = (minutes: number): void => {
    for (const name of readdirSync(dir)) utimesSync(join(dir, name), 0, Date.now() / 1000 - minutes * 60);
  };

  const web = (sha256: string, tenant = 'shop') => ({ tenant, chart: `${tenant}/web`, sha256 });

  it('are there for another process, by the chart that they are of', async () => {
    const { content, sha256 } = archive('a');
    await createArchiveStore(join(dir, 'charts')).keep(web(sha256), content);
    const later = createArchiveStore(join(dir, 'charts'));
    assert.deepEqual(await later.read(web(sha256)), content);
    assert.equal(await later.read(web(sha256, 'other')), undefined);
    assert.equal(await later.read({ ...web(sha256), chart: 'shop/db' }), undefined);
    assert.equal(await later.read(web(archive('b').sha256)), undefined);
  });

  it('are not taken where they are not as they were kept', async () => {
    const { content, sha256 } = archive('a');
    const store = createArchiveStore(dir);
    await store.keep(web(sha256), content);
    for (const name of readdirSync(dir)) writeFileSync(join(dir, name), 'something else');
    assert.equal(await store.read(web(sha256)), undefined);
  });

  it('give way to newer ones, and to those that were read since', async () => {
    const store = createArchiveStore(dir, 25);
    const [a, b, c] = [archive('a'), archive('b'), archive('c')];
    for (const each of [a, b]) {
      await store.keep(web(each.sha256), each.content);
      age(1);
    }
    assert.deepEqual(await store.read(web(a.sha256)), a.content);
    await store.keep(web(c.sha256), c.content);
    assert.equal(readdirSync(dir).length, 2);
    assert.equal(await store.read(web(b.sha256)), undefined);
    assert.deepEqual(await store.read(web(c.sha256)), c.content);
  });

  it('of a tenant give way to no neighbour who has more', async () => {
    const store = createArchiveStore(dir, 45);
    const mine = archive('m');
    await store.keep(web(mine.sha256), mine.content);
    age(60);
    const theirs = [...'abcdef'].map(archive);
    for (const each of theirs) await store.keep(web(each.sha256, 'other'), each.content);
    assert.deepEqual(await store.read(web(mine.sha256)), mine.content);
    assert.equal(readdirSync(dir).length, 4);
    assert.deepEqual(await store.read(web(theirs[5]?.sha256 ?? '', 'other')), theirs[5]?.content);
  });

  it('give way to nothing that is no archive, which goes', async () => {
    const store = createArchiveStore(dir, 25);
    for (const name of ['a.part', `${'0'.repeat(64)}-${'1'.repeat(64)}.tgz`])
      writeFileSync(join(dir, name), 'x'.repeat(20));
    const { content, sha256 } = archive('a');
    await store.keep(web(sha256), content);
    assert.deepEqual(await store.read(web(sha256)), content);
    assert.equal(readdirSync(dir).length, 1);
  });

  it('are not kept where there is no disk, and nobody is disturbed', async () => {
    const { content, sha256 } = archive('a');
    const store = createArchiveStore('/dev/null/charts');
    await store.keep(web(sha256), content);
    assert.equal(await store.read(web(sha256)), undefined);
  });
});
