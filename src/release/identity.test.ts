import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations, labels } from '../api/annotations.ts';
import type { KubeObject, OwnerReference } from '../api/meta.ts';
import type { Name, WatchCache } from '../kube/types.ts';
import { liveDigest, runningRelease } from '../snapshot/index.ts';
import { templateWriters, workloadCacheOptions } from '../ssa/template-writers.ts';
import { describeRelease, tagOf } from './describe.ts';
import {
  imageIdsOf,
  isOfCurrent,
  type OwnerCaches,
  ownerOf,
  replicaSetCacheOptions,
  replicaSetOf,
} from './identity.ts';

const cache = (...objects: KubeObject[]): WatchCache => ({
  get: ({ namespace, name }: Name) =>
    objects.find((o) => o.metadata.name === name && o.metadata.namespace === namespace),
  list: (namespace) => objects.filter((o) => namespace === undefined || o.metadata.namespace === namespace),
  onChange: () => () => {},
  ready: async () => {},
  stop: async () => {},
});

const object = (
  kind: string,
  name: string,
  owner?: { kind: string; name: string; uid?: string },
  rest: Partial<KubeObject> & { labels?: Record<string, string>; annotations?: Record<string, string> } = {},
): KubeObject => {
  const { labels: own, annotations: notes, ...fields } = rest;
  const reference: OwnerReference[] = owner
    ? [
        {
          apiVersion: owner.kind === 'Job' ? 'batch/v1' : 'apps/v1',
          uid: `uid-${owner.name}`,
          controller: true,
          ...owner,
        },
      ]
    : [];
  return {
    apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1',
    kind,
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      generation: 1,
      ownerReferences: reference,
      ...(own ? { labels: own } : {}),
      ...(notes ? { annotations: notes } : {}),
    },
    ...fields,
  };
};
const template = (image: string): object => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image }] },
});

const deployment = object('Deployment', 'web', undefined, { spec: { template: template('shop:v2') } });
const replicaSet = (name: string, image: string, rollout: string): KubeObject =>
  object(
    'ReplicaSet',
    name,
    { kind: 'Deployment', name: 'web' },
    {
      labels: { 'pod-template-hash': `hash-${name}` },
      annotations: { 'deployment.kubernetes.io/revision': rollout },
      spec: {
        replicas: 1,
        template: { ...template(image), metadata: { labels: { app: 'web', 'pod-template-hash': `hash-${name}` } } },
      },
    },
  );
const old = replicaSet('web-1', 'shop:v1', '1');
const fresh = replicaSet('web-2', 'shop:v2', '2');
const statefulSet = object('StatefulSet', 'db', undefined, {
  status: { observedGeneration: 1, updateRevision: 'db-2', currentRevision: 'db-1' },
});
const daemonSet = object('DaemonSet', 'agent', undefined, {
  annotations: { 'deprecated.daemonset.template.generation': '3' },
});
const caches = (change: Partial<OwnerCaches> = {}): OwnerCaches => ({
  pods: cache(),
  replicaSets: cache(old, fresh),
  workloads: { Deployment: cache(deployment), StatefulSet: cache(statefulSet), DaemonSet: cache(daemonSet) },
  ...change,
});

describe('the owner of a pod', () => {
  const of = (owner?: { kind: string; name: string; uid?: string }, change: Partial<OwnerCaches> = {}) =>
    ownerOf(object('Pod', 'pod', owner), caches(change));
  const name = (owner: ReturnType<typeof of>): string =>
    owner.is === 'workload' ? `${owner.key.kind}/${owner.key.namespace}/${owner.key.name}` : owner.is;

  it('is its Deployment, StatefulSet or DaemonSet', () => {
    assert.equal(name(of({ kind: 'ReplicaSet', name: 'web-1' })), 'Deployment/shop/web');
    assert.equal(name(of({ kind: 'StatefulSet', name: 'db' })), 'StatefulSet/shop/db');
    assert.equal(name(of({ kind: 'DaemonSet', name: 'agent' })), 'DaemonSet/shop/agent');
  });

  it('is nobody of ours for bare pods, Jobs, and ReplicaSets without a Deployment', () => {
    assert.equal(name(of()), 'none');
    assert.equal(name(of({ kind: 'Job', name: 'migrate' })), 'none');
    const lonely = object('ReplicaSet', 'lonely');
    assert.equal(name(of({ kind: 'ReplicaSet', name: 'lonely' }, { replicaSets: cache(lonely) })), 'none');
  });

  it('is not known when a UID is another one: the name was used again', () => {
    assert.equal(name(of({ kind: 'ReplicaSet', name: 'web-1', uid: 'other' })), 'unknown');
    assert.equal(name(of({ kind: 'StatefulSet', name: 'db', uid: 'other' })), 'unknown');
    assert.equal(name(of({ kind: 'ReplicaSet', name: 'web-1' }, { replicaSets: cache() })), 'unknown');
    const again = { ...deployment, metadata: { ...deployment.metadata, uid: 'again' } };
    const workloads = { ...caches().workloads, Deployment: cache(again) };
    assert.equal(name(of({ kind: 'ReplicaSet', name: 'web-1' }, { workloads })), 'unknown');
  });
});

describe('a pod of the current release', () => {
  const digest = liveDigest(template('shop:v2'));

  it('is told by the template of its ReplicaSet, whole or trimmed', () => {
    const trimmed = [old, fresh].map((rs) => replicaSetCacheOptions.trim?.(structuredClone(rs)) ?? rs);
    for (const [first, second] of [[old, fresh], trimmed] as [KubeObject, KubeObject][]) {
      const pod = object('Pod', 'pod');
      assert.equal(isOfCurrent(pod, { workload: deployment, replicaSet: first }, digest), false);
      assert.equal(isOfCurrent(pod, { workload: deployment, replicaSet: second }, digest), true);
      assert.equal(replicaSetOf(deployment, cache(first, second), digest)?.metadata.name, 'web-2');
    }
    assert.deepEqual(trimmed[0]?.spec, { replicas: 1 });
  });

  it('is told by its revision for a StatefulSet, and by the generation for a DaemonSet', () => {
    const db = (revision: string) =>
      object('Pod', 'p', undefined, { labels: { 'controller-revision-hash': revision } });
    assert.equal(isOfCurrent(db('db-1'), { workload: statefulSet }, ''), false);
    assert.equal(isOfCurrent(db('db-2'), { workload: statefulSet }, ''), true);
    const behind = { ...statefulSet, metadata: { ...statefulSet.metadata, generation: 2 } };
    assert.equal(isOfCurrent(db('db-2'), { workload: behind }, ''), false, 'the controller has not looked yet');
    const agent = (generation: string) =>
      object('Pod', 'p', undefined, { labels: { 'pod-template-generation': generation } });
    assert.equal(isOfCurrent(agent('2'), { workload: daemonSet }, ''), false);
    assert.equal(isOfCurrent(agent('3'), { workload: daemonSet }, ''), true);
  });

  it('shows the image IDs of the containers that run', () => {
    const containerStatuses = [
      { name: 'web', imageID: 'shop@sha256:aa' },
      { name: 'log', imageID: '' },
    ];
    const pod = object('Pod', 'p', undefined, { status: { containerStatuses } });
    assert.deepEqual([...imageIdsOf(pod)], [['web', 'shop@sha256:aa']]);
    assert.deepEqual([...imageIdsOf(object('Pod', 'p'))], []);
  });
});

describe('what a workload says of its release', () => {
  const stamp = `v1:${'a'.repeat(64)}`;
  const ours = 'metricops/shop/all';
  const field = (manager: string, time: string, fields: object) => ({
    manager,
    time,
    fieldsV1: { 'f:spec': { 'f:template': fields } },
  });
  const synced = (managedFields: unknown[], change: Record<string, string> = {}): KubeObject => {
    const workload = object('Deployment', 'web', undefined, {
      labels: { [labels.sync]: 'shop.all' },
      annotations: { [annotations.sourceDigest]: stamp, [annotations.commit]: 'c'.repeat(40), ...change },
      spec: { template: template('registry:5000/shop:v2') },
    });
    workload.metadata.managedFields = managedFields;
    return workload;
  };
  const applied = field(ours, '2026-03-01T12:00:00Z', { 'f:spec': {} });

  it('is what its GitSync stamped', () => {
    const workload = synced([applied]);
    assert.deepEqual(runningRelease(workload), { digest: stamp, fromGit: true, byHand: undefined });
    const release = describeRelease(workload, { digest: stamp, fromGit: true }, ['web']);
    assert.deepEqual(release, {
      sourceDigest: stamp,
      workloadUID: 'uid-web',
      images: [{ container: 'web', image: 'registry:5000/shop:v2', tag: 'v2' }],
      commit: 'c'.repeat(40),
      gitSyncRef: { namespace: 'shop', name: 'all' },
      appliedBy: ours,
      labels: { app: 'web' },
      alertRules: ['web'],
    });
  });

  it('is the live template after a change by hand, but not after a restart or an opt-in', () => {
    const byHand = synced([applied, field('kubectl-set', '2026-03-01T12:05:00Z', { 'f:spec': {} })]);
    const live = liveDigest(template('registry:5000/shop:v2'));
    assert.deepEqual(runningRelease(byHand), { digest: live, fromGit: false, byHand: 'kubectl-set' });
    const notes = { 'f:metadata': { 'f:annotations': {} } };
    assert.equal(
      runningRelease(synced([applied, field('kubectl-rollout', '2026-03-01T12:05:00Z', notes)])).digest,
      stamp,
    );
    const adopted = field('kubectl-client-side-apply', '2026-02-01T12:00:00Z', { 'f:spec': {} });
    assert.equal(runningRelease(synced([adopted, applied])).digest, stamp);
  });

  it('is what its GitSync stamped, too, where the apply found all of it there: a backup tool had created it', () => {
    const restored = field('velero-server', '2026-03-01T12:00:00Z', { 'f:spec': {} });
    const { time: _, ...withoutTime } = applied;
    const created = (managedFields: unknown[]): KubeObject => {
      const workload = synced(managedFields);
      workload.metadata.creationTimestamp = '2026-03-01T12:00:00Z';
      return workload;
    };
    assert.equal(runningRelease(created([withoutTime, restored])).digest, stamp);
    assert.equal(templateWriters(created([withoutTime, restored]))[0]?.manager, ours);
    const edited = created([withoutTime, restored, field('kubectl-set', '2026-03-01T12:05:00Z', { 'f:spec': {} })]);
    assert.equal(runningRelease(edited).byHand, 'kubectl-set');
  });

  it('is the same from a trimmed workload, which has no managedFields any more', () => {
    const workload = synced([applied, field('kubectl-set', '2026-03-01T12:05:00Z', { 'f:spec': {} })]);
    const before = runningRelease(workload);
    const trimmed = workloadCacheOptions.trim?.(structuredClone(workload));
    assert.ok(trimmed);
    assert.equal(trimmed.metadata.managedFields, undefined);
    assert.deepEqual(runningRelease(trimmed), before);
    assert.equal(templateWriters(trimmed)[0]?.manager, 'kubectl-set');
  });

  it('is not what an annotation says that came along in a copy, or is no digest', () => {
    const live = liveDigest(template('registry:5000/shop:v2'));
    const copied = synced([]);
    assert.equal(runningRelease(copied).digest, live, 'with its labels: no GitSync applied it');
    delete copied.metadata.labels;
    assert.equal(runningRelease(copied).digest, live);
    assert.equal(runningRelease(synced([applied], { [annotations.sourceDigest]: 'v1:nonsense' })).digest, live);
    const odd = describeRelease(
      synced([applied], { [annotations.commit]: '<script>' }),
      { digest: stamp, fromGit: true },
      [],
    );
    assert.equal(odd.commit, undefined);
  });

  it('finds the tag of an image', () => {
    const tags = ['shop', 'shop:v1', 'registry:5000/shop', 'registry:5000/shop:v1@sha256:aa', 'shop@sha256:aa'].map(
      tagOf,
    );
    assert.deepEqual(tags, [undefined, 'v1', undefined, 'v1', undefined]);
  });
});
