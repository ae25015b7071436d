import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { FileTree, FolderTexts } from '../file-tree.ts';
import { createRenderTurns, RENDERS, render } from './index.ts';

const configMap = (length: number): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: "${'x'.repeat(length)}"}\n`;

/** A commit with one manifest and no .sourceignore; whatever else is asked of it fails the test. */
const treeOf = (text: string): FileTree => {
  const no = async (): Promise<never> => assert.fail('not asked for');
  const manifests = [{ file: 'a.yaml', text }];
  const texts: FolderTexts = { oid: '1', links: false, texts: manifests, bytes: text.length };
  const oids: FileTree['oids'] = async (paths) => paths.map(() => undefined);
  const rest = { oid: no, oids, files: no, folders: no, find: no, read: no, writeTo: no };
  return { texts: async () => texts, ...rest };
};

describe('a render of plain manifests', () => {
  const turns = createRenderTurns();
  const plain = (text: string) =>
    render(
      { source: 'a', tree: treeOf(text), path: '.', choice: { plain: {} }, tenant: 'shop' },
      { kustomize: '', helm: '', sops: '', timeoutMs: 1, turns },
    );

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
