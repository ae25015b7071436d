import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { API_VERSION } from '../../api/annotations.ts';
import type { GitSync, GitSyncSpec } from '../../api/gitsync.ts';
import type { Rendered } from '../../render/index.ts';
import { createRenderings } from './renderings.ts';

const sync = (name: string, generation = 1): GitSync => ({
  apiVersion: API_VERSION,
  kind: 'GitSync',
  metadata: { namespace: 'shop', name, uid: name, generation },
  spec: {} as GitSyncSpec,
});
const rendered = (bytes: number): Rendered => ({ objects: [], inputs: [], bytes });

describe('renderings', () => {
  it('are those of the same commit and spec, and no others', () => {
    const renderings = createRenderings(100);
    const made = rendered(10);
    renderings.keep(sync('a'), 'c1', made);
    assert.equal(renderings.get(sync('a'), 'c1'), made);
    assert.equal(renderings.get(sync('a'), 'c2'), undefined);
    assert.equal(renderings.get(sync('a', 2), 'c1'), undefined);
    assert.equal(renderings.get(sync('b'), 'c1'), undefined);
  });

  it('give way in the order in which they were last used, and one that is too large is not kept', () => {
    const renderings = createRenderings(100);
    for (const name of ['a', 'b']) renderings.keep(sync(name), 'c', rendered(40));
    renderings.get(sync('a'), 'c');
    renderings.keep(sync('c'), 'c', rendered(40));
    renderings.keep(sync('d'), 'c', rendered(101));
    const left = ['a', 'b', 'c', 'd'].filter((name) => renderings.get(sync(name), 'c'));
    assert.deepEqual(left, ['a', 'c']);
    renderings.keep(sync('a'), 'c2', rendered(101));
    for (const name of ['x', 'y']) renderings.keep(sync(name), 'c', rendered(30));
    assert.ok(renderings.get(sync('c'), 'c'), 'what was dropped does not count any more');
  });
});
