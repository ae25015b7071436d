import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { manifestsIn, withoutHooks } from './output.ts';

const object = (kind: string, name: string, annotations?: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, ...(annotations && { annotations }) },
});

describe('what helm template wrote', () => {
  it('is named by the template that each document is of', () => {
    const output =
      '---\n# Source: web/templates/a.yaml\na: 1\n---\na: 2\n---\n# Source: web/charts/db/templates/b.yaml\nb: 1\n';
    assert.deepEqual(
      manifestsIn(output).map(({ file }) => file),
      ['web/templates/a.yaml', 'web/charts/db/templates/b.yaml'],
    );
    assert.equal(manifestsIn(output)[0]?.text, '# Source: web/templates/a.yaml\na: 1\n---\na: 2\n');
    assert.deepEqual(manifestsIn(''), []);
  });

  it('keeps the hooks that are run, and names those for which there is never a time', () => {
    const hook = object('Job', 'migrate', { 'helm.sh/hook': 'pre-upgrade,pre-delete' });
    const goodbye = object('Job', 'goodbye', { 'helm.sh/hook': 'pre-delete' });
    const { objects, hooks } = withoutHooks([hook, goodbye], { run: true });
    assert.deepEqual(objects, [hook]);
    assert.deepEqual(hooks, ['Job goodbye (pre-delete)']);
  });

  it('is applied without its hooks, which are named', () => {
    const hook = object('Job', 'migrate', { 'helm.sh/hook': 'pre-install,pre-upgrade' });
    const { objects, hooks } = withoutHooks([hook, object('ConfigMap', 'a')]);
    assert.deepEqual(objects, [object('ConfigMap', 'a')]);
    assert.deepEqual(hooks, ['Job migrate (pre-install,pre-upgrade)']);
  });

  it('is not pruned where Helm would leave it behind', () => {
    const kept = object('PersistentVolumeClaim', 'data', { 'helm.sh/resource-policy': 'keep' });
    const { objects } = withoutHooks([kept]);
    assert.equal(objects[0]?.metadata.annotations?.['metricops.dev/prune'], 'disabled');
  });
});
