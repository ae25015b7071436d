import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, it } from 'mocha';
import type { GitTree } from '../git/index.ts';
import type { RenderError } from './errors.ts';
import { kustomizationFolders } from './kustomization.ts';

/** A commit in memory: paths and texts. */
const treeOf = (texts: Record<string, string>): Pick<GitTree, 'find' | 'read'> => {
  const below = (path: string): string[] =>
    Object.keys(texts).filter((p) => path === '.' || p.startsWith(`${posix.normalize(path)}/`));
  return {
    find: async (path) => {
      const at = posix.normalize(path).replace(/(.)\/$/, '$1');
      if (at in texts) return { path: at, mode: 'file', oid: at };
      return below(at).length > 0 ? { path: at, mode: 'folder', oid: at } : undefined;
    },
    read: async (file) => Buffer.from(texts[file.path] ?? ''),
  };
};

describe('the folders of a kustomization', () => {
  it('are it, its bases and components, and theirs', async () => {
    const tree = treeOf({
      'overlay/kustomization.yaml': 'resources: [../base, a.yaml]\ncomponents: [../extra/]\n',
      'overlay/a.yaml': '',
      'base/kustomization.yml': 'bases: [../base/deep, ../overlay]',
      'base/deep/Kustomization': '{}',
      'extra/kustomization.yaml': '# nothing',
      'other/kustomization.yaml': 'resources: [https://example.com/elsewhere]',
    });
    assert.deepEqual(await kustomizationFolders(tree, './overlay/'), ['overlay', 'base', 'extra', 'base/deep']);
  });

  const refused = [
    'resources: [https://example.com/base.yaml]',
    'resources: ["git::https://example.com/base"]',
    'resources: ["git@example.com:org/base.git"]',
    'resources: [ssh://git@example.com/base]',
    'resources: [github.com/org/base]',
    'resources: ["example.com/org/base.git//path"]',
    'resources: ["example.com/org/base?ref=v1"]',
    'resources: [file:///etc]',
    'bases: ["gh:org/base"]',
    'components: [http://127.0.0.1/base]',
    'crds: [http://127.0.0.1/crd.json]',
    'openapi: {path: http://127.0.0.1/schema.json}',
    'patches: [{path: http://127.0.0.1/patch.yaml}]',
    'replacements: [{path: http://127.0.0.1/r.yaml}]',
    'patchesStrategicMerge: [http://127.0.0.1/patch.yaml]',
    'configMapGenerator: [{name: a, files: ["key=http://127.0.0.1/a"]}]',
    'secretGenerator: [{name: a, envs: [http://127.0.0.1/a]}]',
    'generators: [generator.yaml]',
    'generators:\n- |\n  kind: ConfigMapGenerator\n  files: [http://127.0.0.1/a]',
    'helmCharts: [{name: a, repo: https://example.com}]',
    // The last of two equal keys wins for kustomize, too: neither hides the other.
    'resources: [a.yaml]\nresources: [https://example.com/base.yaml]',
  ];
  for (const text of refused) {
    it(`are not fetched: ${JSON.stringify(text)}`, () =>
      assert.rejects(
        kustomizationFolders(
          treeOf({ 'kustomization.yaml': text, 'generator.yaml': 'files: [http://127.0.0.1/a]' }),
          '.',
        ),
        (e: RenderError) => e.code === 'RemoteBaseRefused',
      ));
  }

  it('are not looked for in a file that is too large for one', () =>
    assert.rejects(
      kustomizationFolders(treeOf({ 'kustomization.yaml': '#'.repeat(300_000) }), '.'),
      (e: RenderError) => e.code === 'ManifestTooLarge' && /kustomization\.yaml/.test(e.message),
    ));

  it('may name URLs where nothing is fetched', async () => {
    const text = `commonAnnotations: {docs: "https://example.com"}
configMapGenerator: [{name: a, literals: ["url=https://example.com"]}]
images: [{name: a, newName: github.com/a}]
patches: [{patch: "- {op: add, path: /a, value: https://example.com}"}]`;
    assert.deepEqual(await kustomizationFolders(treeOf({ 'kustomization.yaml': text }), '.'), ['.']);
  });
});
