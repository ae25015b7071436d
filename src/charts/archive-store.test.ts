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

  it('are there for another process, by the chart that they are of', async () => {
    const { content, sha256 } = archive('a');
    await createArchiveStore(join(dir, 'charts')).keep('shop/web', sha256, content);
    const later = createArchiveStore(join(dir, 'charts'));
    assert.deepEqual(await later.read('shop/web', sha256), content);
    assert.equal(await later.read('other/web', sha256), undefined);
    assert.equal(await later.read('shop/web', archive('b').sha256), undefined);
  });

  it('are not taken where they are not as they were kept', async () => {
    const { content, sha256 } = archive('a');
    const store = createArchiveStore(dir);
    await store.keep('shop/web', sha256, content);
    for (const name of readdirSync(dir)) writeFileSync(join(dir, name), 'something else');
    assert.equal(await store.read('shop/web', sha256), undefined);
  });

  it('give way to newer ones', async () => {
    const store = createArchiveStore(dir, 25);
    const [a, b, c] = [archive('a'), archive('b'), archive('c')];
    for (const each of [a, b, c]) {
      await store.keep('shop/web', each.sha256, each.content);
      age(1);
    }
    assert.equal(readdirSync(dir).length, 2);
    assert.deepEqual(await store.read('shop/web', c.sha256), c.content);
  });

  it('are not kept where there is no disk, and nobody is disturbed', async () => {
    const { content, sha256 } = archive('a');
    const store = createArchiveStore('/dev/null/charts');
    await store.keep('shop/web', sha256, content);
    assert.equal(await store.read('shop/web', sha256), undefined);
  });
});
