import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { FolderTexts, GitTree } from '../git/index.ts';
import { createRenderTurns, RENDERS, render } from './index.ts';

const configMap = (length: number): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: "${'x'.repeat(length)}"}\n`;

/** A commit with one manifest; whatever else is asked of it fails the test. */
const treeOf = (text: string): GitTree => {
  const no = async (): Promise<never> => assert.fail('not asked for');
  const manifests = [{ file: 'a.yaml', text }];
  const texts: FolderTexts = { oid: '1', found: false, links: false, texts: manifests, bytes: text.length };
  const rest = { oid: no, oids: no, files: no, folders: no, find: no, read: no, writeTo: no };
  return { commit: '1', texts: async () => texts, ...rest };
};

describe('a render of plain manifests', () => {
  const turns = createRenderTurns();
  const plain = (text: string) =>
    render({ tree: treeOf(text), path: '.', mode: 'Plain', tenant: 'shop' }, { kustomize: '', timeoutMs: 1, turns });

  it('takes no memory beside two kustomize processes when it is large, and waits for none when it is small', async () => {
    const builds = Array.from({ length: RENDERS.large.slots }, () => Promise.withResolvers<void>());
    const done = builds.map(({ promise }, i) => turns.large(`tenant ${i}`, () => promise));
    let isRendered = false;
    const large = plain(configMap(1_100_000)).then(() => {
      isRendered = true;
    });
    assert.equal((await plain(configMap(10))).objects.length, 1);
    assert.equal(isRendered, false);
    for (const { resolve } of builds) resolve();
    await Promise.all([...done, large]);
  });
});
