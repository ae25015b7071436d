import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, it } from 'mocha';
import type { ReasonError } from '../api/reason-error.ts';
import type { FileTree } from '../file-tree.ts';
import { partsOfKustomization } from './kustomization.ts';
import { parseDocuments } from './yaml.ts';

const documentsOf = async ({ text, file }: { text: string; file: string }) => parseDocuments(text, file);

/** A commit in memory: paths and texts. */
const treeOf = (texts: Record<string, string>): Pick<FileTree, 'find' | 'read'> => {
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
      'overlay/kustomization.yaml': 'Resources: [../base, a.yaml]\ncomponents: [../extra/]\n',
      'overlay/a.yaml': '',
      'base/kustomization.yml': 'bases: [../base/deep, ../overlay]',
      'base/deep/Kustomization': '{}',
      'extra/kustomization.yaml': '# nothing',
      'other/kustomization.yaml': 'resources: [https://example.com/elsewhere]',
    });
    const { folders } = await partsOfKustomization(tree, './overlay/', documentsOf);
    assert.deepEqual(folders, ['overlay', 'base', 'extra', 'base/deep']);
  });

  it('name files: resources, and variables of which Secrets are generated', async () => {
    const tree = treeOf({
      'a/kustomization.yaml':
        'resources: [db.yaml, ../b]\nsecretGenerator: [{name: s, envs: [one.env], env: two.env, files: [c.pem]}]\n',
      'a/db.yaml': '',
      'b/kustomization.yaml': 'resources: [web.yaml]\nconfigMapGenerator: [{name: c, envs: [three.env]}]\n',
      'b/web.yaml': '',
    });
    const { files } = await partsOfKustomization(tree, 'a', documentsOf);
    assert.deepEqual(files.toSorted(), ['a/db.yaml', 'a/one.env', 'a/two.env', 'b/web.yaml']);
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
    // kustomize decodes field names as encoding/json does: without regard to case, by Unicode's folding.
    'Resources: [http://127.0.0.1/x.yaml]',
    'RESOURCES: [https://example.com/base]',
    'reſources: [https://example.com/base]',
    'resources: [" https://example.com/base"]',
    'resources: []\nResources: [https://example.com/base]',
    'Bases: ["gh:org/base"]',
    'CRDs: [http://127.0.0.1/crd.json]',
    'OpenAPI: {Path: http://127.0.0.1/schema.json}',
    'Patches: [{PATH: http://127.0.0.1/patch.yaml}]',
    'PatchesStrategicMerge: [http://127.0.0.1/patch.yaml]',
    'ConfigMapGenerator: [{name: a, Files: ["key=http://127.0.0.1/a"]}]',
    'secretGenerator: [{name: a, Env: http://127.0.0.1/a}]',
    'Generators: [generator.yaml]',
    'Transformers:\n- |\n  kind: ConfigMapGenerator\n  FILES: [http://127.0.0.1/a]',
    'generators: ["{kind: ConfigMapGenerator, files: [http://127.0.0.1/a]}"]',
    'HelmCharts: [{name: a, repo: https://example.com}]',
    'HelmChartInflationGenerator: [{chartName: a}]',
    // A folder of plug-ins' configurations, in turn a kustomization.
    'generators: [plugins]',
    'validators: [plugins]',
    // The last of two equal keys wins for kustomize, too: neither hides the other.
    'resources: [a.yaml]\nresources: [https://example.com/base.yaml]',
  ];
  for (const text of refused) {
    it(`are not fetched: ${JSON.stringify(text)}`, () =>
      assert.rejects(
        partsOfKustomization(
          treeOf({
            'kustomization.yaml': text,
            'generator.yaml': 'files: [http://127.0.0.1/a]',
            'plugins/kustomization.yaml': 'resources: [more]',
            'plugins/more/kustomization.yaml': 'Resources: [two.yaml]',
            'plugins/more/two.yaml': 'kind: A\n---\nkind: ConfigMapGenerator\nfiles: [http://127.0.0.1/a]',
          }),
          '.',
          documentsOf,
        ),
        (e: ReasonError) => e.code === 'RemoteBaseRefused',
      ));
  }

  it('are not looked for in a file that is too large for one', () =>
    assert.rejects(
      partsOfKustomization(treeOf({ 'kustomization.yaml': '#'.repeat(300_000) }), '.', documentsOf),
      (e: ReasonError) => e.code === 'ManifestTooLarge' && /kustomization\.yaml/.test(e.message),
    ));

  it('are not looked for in more text than all kustomizations of a build may have', () => {
    const texts = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`${i}/kustomization.yaml`, '#'.repeat(250_000)]),
    );
    const resources = Array.from({ length: 20 }, (_, i) => i).join();
    return assert.rejects(
      partsOfKustomization(
        treeOf({ ...texts, 'kustomization.yaml': `resources: ["${resources.replaceAll(',', '","')}"]` }),
        '.',
        documentsOf,
      ),
      (e: ReasonError) => e.code === 'ManifestTooLarge' && /4194304 bytes/.test(e.message),
    );
  });

  it('may name URLs where nothing is fetched', async () => {
    const text = `commonAnnotations: {docs: "https://example.com"}
configMapGenerator: [{name: a, literals: ["url=https://example.com"]}]
images: [{name: a, newName: github.com/a}]
patches: [{patch: "- {op: add, path: /a, value: https://example.com}"}]`;
    const { folders } = await partsOfKustomization(treeOf({ 'kustomization.yaml': text }), '.', documentsOf);
    assert.deepEqual(folders, ['.']);
  });
});
