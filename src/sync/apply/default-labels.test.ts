import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { defaultLabelsOf } from './default-labels.ts';

const object = (type: string, labels?: Record<string, string>, ofPods: object = { app: 'web' }): KubeObject => {
  const [apiVersion = '', kind = ''] = type.split(' ');
  const metadata = { name: 'web', ...(labels && { labels }) };
  return { apiVersion, kind, metadata, spec: { template: { metadata: { labels: ofPods } } } };
};

describe('the labels of an object that has none', () => {
  it('are those of its pods where the API server would take them', () => {
    assert.deepEqual(defaultLabelsOf(object('batch/v1 Job')), { app: 'web' });
    assert.deepEqual(defaultLabelsOf(object('v1 ReplicationController', {})), { app: 'web' });
  });

  it('are its own where it has some, and none of other kinds', () => {
    assert.deepEqual(defaultLabelsOf(object('batch/v1 Job', { mine: 'a' })), {});
    assert.deepEqual(defaultLabelsOf(object('apps/v1 Deployment')), {});
    assert.deepEqual(defaultLabelsOf(object('example.com/v1 Job')), {});
    const bare = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'web' }, spec: { template: {} } };
    assert.deepEqual(defaultLabelsOf(bare), {});
  });
});
