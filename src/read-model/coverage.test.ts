import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../api/annotations.ts';
import type { KubeObject, ObjectMeta } from '../api/meta.ts';
import { coverageOf, isUncovered } from './coverage.ts';

const object = (kind: string, name: string, metadata: Partial<ObjectMeta> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { namespace: 'shop', name, ...metadata },
});
const optedIn = { annotations: { [annotations.inject]: 'true' } };
const pod = (name: string, owner: [string, string], word?: string, more: Partial<ObjectMeta> = {}): KubeObject =>
  object('Pod', name, {
    ownerReferences: [{ apiVersion: 'apps/v1', kind: owner[0], name: owner[1], uid: 'u', controller: true }],
    annotations: word === undefined ? {} : { [annotations.injection]: word },
    ...more,
  });
const namespaces = [object('Namespace', 'shop')];

describe('the coverage of the recorder', () => {
  it('counts the pods of opted-in workloads through their ReplicaSets, with and without the sidecar', () => {
    const found = coverageOf({
      namespaces,
      workloads: [
        ['Deployment', [object('Deployment', 'web', optedIn), object('Deployment', 'not-opted-in')]],
        ['StatefulSet', [object('StatefulSet', 'db', optedIn)]],
      ],
      pods: [
        pod('web-1', ['ReplicaSet', 'web-5d4f'], 'injected'),
        pod('web-2', ['ReplicaSet', 'web-5d4f'], 'port 8080 is taken'),
        pod('web-3', ['ReplicaSet', 'web-77aa'], undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
        pod('db-0', ['StatefulSet', 'db'], 'injected'),
        pod('alone-1', ['ReplicaSet', 'not-opted-in-1'], undefined),
      ],
    });
    assert.deepEqual(
      found.map(({ workload, pods, injected, why }) => [workload.kind, workload.name, pods, injected, why]),
      [
        ['Deployment', 'web', 2, 1, 'port 8080 is taken'],
        ['StatefulSet', 'db', 1, 1, undefined],
      ],
    );
    assert.deepEqual(found.map(isUncovered), [true, false]);
  });

  it('is whole for a workload without pods', () => {
    const [web] = coverageOf({
      namespaces,
      pods: [],
      workloads: [['Deployment', [object('Deployment', 'web', optedIn)]]],
    });
    assert.ok(web && !isUncovered(web));
  });
});
