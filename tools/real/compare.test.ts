import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { comparable } from './comparable.ts';
import { differencesBetween, isBelow } from './differences.ts';
import { objectsIn, randomIn } from './manifests.ts';

const object = (kind: string, rest: object, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'a', ...metadata },
  ...rest,
});

describe('a comparison of two clusters', () => {
  it('names the fields that differ, with a pointer to each', () => {
    const ours = { a: 1, list: [1, 2], 'x/y': { b: 1 }, same: {} };
    const theirs = { a: 2, list: [1], 'x/y': { b: 1, c: 1 }, same: {} };
    assert.deepEqual(differencesBetween(ours, theirs), [
      { path: '/a', ours: 1, theirs: 2 },
      { path: '/list', ours: [1, 2], theirs: [1] },
      { path: '/x~1y/c', ours: undefined, theirs: 1 },
    ]);
    assert.equal(isBelow('/data/a/b', new Set(['/data/a'])), true);
    assert.equal(isBelow('/data/ab', new Set(['/data/a'])), false);
  });

  it('leaves out what each server makes of its own, and the notes of metricops', () => {
    const server = { uid: '1', resourceVersion: '7', creationTimestamp: 'now', generation: 3, managedFields: [{}] };
    const labels = { app: 'a', 'metricops.dev/sync': 'x' };
    const service = {
      spec: { clusterIP: '10.0.0.7', clusterIPs: ['10.0.0.7'], ports: [{ port: 80, nodePort: 30_123 }] },
    };
    const ours = object('Service', { ...service, status: { a: 1 } }, { ...server, labels });
    const theirs = object('Service', { spec: { ports: [{ port: 80 }] } }, { labels: { app: 'a' } });
    assert.deepEqual(differencesBetween(comparable(ours), comparable(theirs)), []);
    const headless = object(
      'Service',
      { spec: { clusterIP: 'None', ports: [{ port: 80 }] } },
      { labels: { app: 'a' } },
    );
    assert.deepEqual(
      differencesBetween(comparable(headless), comparable(theirs)).map(({ path }) => path),
      ['/spec/clusterIP'],
    );
  });

  it('leaves out which object a controller found for another one, and not what that is', () => {
    const volume = (uid: string, name = 'data'): KubeObject =>
      object('PersistentVolume', { spec: { claimRef: { name, uid, resourceVersion: uid } } });
    assert.deepEqual(differencesBetween(comparable(volume('1')), comparable(volume('2'))), []);
    assert.equal(differencesBetween(comparable(volume('1')), comparable(volume('1', 'other'))).length, 1);
    const pod = (name: string, controller: boolean): KubeObject =>
      object('Pod', {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'ReplicationController', name, controller }] });
    assert.deepEqual(differencesBetween(comparable(pod('a', true)), comparable(pod('b', true))), []);
    assert.equal(differencesBetween(comparable(pod('a', false)), comparable(pod('b', false))).length, 1);
  });

  it('leaves out the volume with the token of a pod, whose name is random', () => {
    const pod = (suffix: string): KubeObject =>
      object('Pod', {
        spec: {
          containers: [{ name: 'c', volumeMounts: [{ name: `kube-api-access-${suffix}` }, { name: 'data' }] }],
          volumes: [{ name: `kube-api-access-${suffix}` }, { name: 'data' }],
        },
      });
    assert.deepEqual(differencesBetween(comparable(pod('a1b2c')), comparable(pod('d3e4f'))), []);
  });

  it('knows the places that a template writes otherwise at each render', () => {
    const secret = (value: string): string =>
      `---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  password: ${value}\n  user: me\n`;
    assert.deepEqual([...randomIn(secret('abc'), secret('xyz'))], [['/Secret /a', new Set(['/data/password'])]]);
    assert.equal(randomIn(secret('abc'), secret('abc')).size, 0);
  });

  it('reads lists, and leaves out documents that nobody can read', () => {
    const text =
      '---\n# nothing\n---\nkind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: A\n  metadata: {name: a}\n---\n{{ x';
    assert.deepEqual(
      objectsIn(text).map(({ kind }) => kind),
      ['A'],
    );
  });
});
