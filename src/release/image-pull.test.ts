import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { WatchCache } from '../kube/types.ts';
import { unpulledImage } from './image-pull.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const KEY = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
const cache = (...objects: KubeObject[]): WatchCache => ({
  get: ({ name }) => objects.find((o) => o.metadata.name === name),
  list: (namespace) => objects.filter((o) => namespace === undefined || o.metadata.namespace === namespace),
  onChange: () => () => {},
  ready: async () => {},
  stop: async () => {},
});
const object = (kind: string, name: string, owner: string | undefined, rest: Partial<KubeObject> = {}): KubeObject => ({
  apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1',
  kind,
  metadata: {
    name,
    namespace: 'shop',
    uid: `uid-${name}`,
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: kind === 'Pod' ? 'ReplicaSet' : 'Deployment',
              name: owner,
              uid: `uid-${owner}`,
              controller: true,
            },
          ],
        }),
  },
  ...rest,
});
const replicaSet = (n: number): KubeObject => {
  const made = object('ReplicaSet', `web-${n}`, 'web');
  return { ...made, metadata: { ...made.metadata, annotations: { [annotations.sourceDigest]: digest(n) } } };
};
const waiting = (name: string, of: number, reason: string): KubeObject =>
  object('Pod', name, `web-${of}`, {
    status: { containerStatuses: [{ name: 'web', state: { waiting: { reason } } }] },
  });
const ready = (name: string, of: number): KubeObject =>
  object('Pod', name, `web-${of}`, { status: { conditions: [{ type: 'Ready', status: 'True' }] } });
const found = (...pods: KubeObject[]) =>
  unpulledImage(
    KEY,
    digest(1),
    {
      pods: cache(...pods),
      replicaSets: cache(replicaSet(1), replicaSet(2)),
      workloads: {
        Deployment: cache(object('Deployment', 'web', undefined)),
        StatefulSet: cache(),
        DaemonSet: cache(),
      },
    },
    NOW,
  );

describe('an image that the pods of a release do not get', () => {
  it('is that of the container that waits for it, in the words of the kubelet', () => {
    for (const reason of ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName'])
      assert.deepEqual(found(waiting('a', 1, reason), ready('b', 2)), { container: 'web', reason });
  });

  it('is none where a pod of the release is ready: it is to be had', () => {
    assert.equal(found(waiting('a', 1, 'ErrImagePull'), ready('b', 1)), undefined);
  });

  it('is none of another release, and none where the pods wait for something else', () => {
    assert.equal(found(waiting('a', 2, 'ErrImagePull')), undefined);
    assert.equal(found(waiting('a', 1, 'CreateContainerConfigError'), waiting('b', 1, 'ContainerCreating')), undefined);
  });
});
