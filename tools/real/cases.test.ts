import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { findCases, nameOf } from './cases.ts';
import { ignoreFor } from './try-case.ts';

const MANIFEST = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n';

describe('the folders that npm run real tries', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'metricops-cases-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const write = (files: Record<string, string>): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
  };

  it('are each folder with manifests of its own, without the files that are none', () => {
    write({
      'a.yaml': MANIFEST,
      'b.json': '{"apiVersion": "v1", "kind": "List", "items": []}',
      'values.yaml': 'extra:\n  apiVersion: v1\n  kind: ConfigMap\n',
      'template.yaml': `{{ if .Values.x }}\n${MANIFEST}{{ end }}`,
      'deep/er/c.yml': MANIFEST,
      'notes/readme.md': 'kind: of\napiVersion: none\n',
      '.github/workflows/d.yaml': MANIFEST,
    });
    assert.deepEqual(findCases(dir), [
      { kind: 'plain', path: '.', files: ['a.yaml', 'b.json'], others: ['template.yaml', 'values.yaml'] },
      { kind: 'plain', path: 'deep/er', files: ['c.yml'], others: [] },
    ]);
  });

  it('are each kustomization, and not a component', () => {
    write({
      'base/kustomization.yaml': 'resources: [a.yaml]\n',
      'base/a.yaml': MANIFEST,
      'parts/x/kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n',
    });
    assert.deepEqual(findCases(dir), [
      { kind: 'kustomize', path: 'base' },
      { kind: 'kustomize', path: 'parts/x', skipped: 'it is a component, which other kustomizations use' },
    ]);
  });

  it('are each chart as a whole, also with the values of its examples, and not a library', () => {
    write({
      'web/Chart.yaml': 'name: web\n',
      'web/charts/db/Chart.yaml': 'name: db\n',
      'web/crds/a.yaml': MANIFEST,
      'web/ci/all-values.yaml': 'a: 1\n',
      'common/Chart.yaml': 'name: common\ntype: library\n',
    });
    assert.deepEqual(findCases(dir), [
      { kind: 'helm', path: 'common', skipped: 'it is a library, which other charts use' },
      { kind: 'helm', path: 'web' },
      { kind: 'helm', path: 'web', values: 'web/ci/all-values.yaml' },
    ]);
    assert.deepEqual(findCases(dir).map(nameOf), ['common', 'web', 'web with ci/all-values.yaml']);
  });
});

describe('a folder of manifests as a case', () => {
  const plain = { kind: 'plain', files: ['a.yaml', 'b.yaml'], others: ['[x].yaml'] } as const;
  const parts = { ...plain, files: [...plain.files], others: [...plain.others] };

  it('leaves out folders below it, and files that are no manifests', () => {
    assert.equal(ignoreFor({ ...parts, path: '.' }), '/*/\n/\\[x\\].yaml');
    assert.equal(ignoreFor({ ...parts, path: 'deep/er' }), '/deep/er/*/\n/deep/er/\\[x\\].yaml');
  });

  it('names its manifests where they are fewer', () => {
    const few = { ...parts, path: 'few', others: ['c.yaml', 'd.json'], files: ['a.yaml'] };
    assert.equal(ignoreFor(few), '/few/*/\n/few/*.*\n!/few/a.yaml');
  });
});
