import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RenderSpec } from '../api/gitsync.ts';
import type { FileTree } from '../file-tree.ts';
import { render } from './index.ts';

const MANIFEST = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';

/** A folder `app` of these entries, each a file or a folder. */
const treeOf = (entries: Record<string, 'file' | 'folder'>, links = false): FileTree => {
  const no = async (): Promise<never> => assert.fail('not asked for');
  const modeOf = (path: string) => entries[path.slice('app/'.length)];
  const oids = async (paths: readonly string[]) =>
    paths.map((path) => (path === '.' ? 'root' : modeOf(path) && `id of ${path}`));
  return {
    oids,
    async find(path) {
      const mode = modeOf(path);
      return mode && { path, oid: 'x', mode };
    },
    texts: async () => ({ oid: 'id of app', links, texts: [{ file: 'app/a.yaml', text: MANIFEST }], bytes: 50 }),
    oid: no,
    files: no,
    folders: no,
    read: async () => assert.fail('kustomize reads its file'),
    writeTo: async () => assert.fail('a program reads files'),
  };
};
const ports = {
  kustomize: '/nowhere/kustomize',
  helm: '/nowhere/helm',
  sops: '/nowhere/sops-decrypt',
  timeoutMs: 1000,
};
const release = async () => ({
  name: 'web',
  namespace: 'shop',
  capabilities: { kubeVersion: 'v1.34.0', apiVersions: [] },
  values: [],
});
const renderOf = (tree: FileTree, choice?: RenderSpec) =>
  render({ source: 'the source', tree, path: 'app', release, ...(choice && { choice }) }, ports);

describe('a renderer', () => {
  it('is plain where the folder has no kustomization, and says what it read of which source', async () => {
    const { objects, inputs } = await renderOf(treeOf({ 'a.yaml': 'file' }));
    assert.equal(objects.length, 1);
    assert.deepEqual(inputs, [{ source: 'the source', path: 'app', id: 'id of app' }]);
  });

  it('reads all of the source where there are symlinks', async () => {
    const { inputs } = await renderOf(treeOf({ 'a.yaml': 'file' }, true));
    assert.deepEqual(inputs, [{ source: 'the source', path: '.', id: 'root' }]);
  });

  for (const file of ['kustomization.yaml', 'kustomization.yml', 'Kustomization'])
    it(`is kustomize where the folder has a ${file}`, () =>
      assert.rejects(renderOf(treeOf({ 'a.yaml': 'file', [file]: 'file' })), /kustomize/));

  it('is Helm where the folder has a Chart.yaml, and kustomize where it has a kustomization, too', async () => {
    const chart = { 'Chart.yaml': 'file', 'a.yaml': 'file' } as const;
    await assert.rejects(renderOf(treeOf(chart)), /a program reads files/);
    await assert.rejects(renderOf(treeOf({ ...chart, 'kustomization.yaml': 'file' })), /kustomize/);
    assert.equal((await renderOf(treeOf(chart), { plain: {} })).objects.length, 1);
  });

  it('is plain where a folder only has the name of a kustomization', async () => {
    assert.equal((await renderOf(treeOf({ Kustomization: 'folder' }))).objects.length, 1);
  });

  it('is the one that spec.render names, whatever the folder has', async () => {
    const tree = treeOf({ 'kustomization.yaml': 'file' });
    assert.equal((await renderOf(tree, { plain: {} })).objects.length, 1);
    await assert.rejects(renderOf(treeOf({ 'a.yaml': 'file' }), { kustomize: {} }), /a program reads files/);
  });
});
