import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { useControlPlane } from '../support/cluster.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');

describe('the examples', () => {
  const plane = useControlPlane();

  const applies = async (text: string): Promise<void> => {
    const { client, discovery } = plane();
    const namespace = await plane().namespace('examples');
    for (const object of loadAll(text) as KubeObject[]) {
      const type = await discovery.find(object.apiVersion, object.kind);
      assert.ok(type, `${object.kind} of ${object.apiVersion} is served`);
      const metadata = type.namespaced ? { ...object.metadata, namespace } : object.metadata;
      await client.apply(type, { ...object, metadata }, { fieldManager: 'test', dryRun: true });
    }
  };

  for (const file of [
    'gitsync.yaml',
    'helm/gitsync.yaml',
    'patches/gitsync.yaml',
    'gitsyncset.yaml',
    'platform-policy.yaml',
    'holds.yaml',
    'notification.yaml',
    'rollback-policy.yaml',
    'annotations-only/deployment.yaml',
    'sops/gitsync.yaml',
    'workload-identity.yaml',
  ]) {
    it(`${file} is taken by the API server`, () => applies(readFileSync(join(EXAMPLES, file), 'utf8')));
  }

  it('the shop is built by kustomize and taken by the API server', () =>
    applies(plane().kubectl(['kustomize', join(EXAMPLES, 'shop/manifests')])));
});
