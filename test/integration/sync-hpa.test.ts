import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { createWatchCache, resources } from '../../src/kube/index.ts';
import { type MetricsAdapter, startMetricsAdapter } from '../support/metrics-adapter.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, holdBack, imageOf, type StartedSync, useSync, yaml } from '../support/sync.ts';

const WAVE = 'metricops.dev/wave';

/** One pod for every ten messages in a queue, which a metrics adapter tells of. No stabilization: tests don't wait. */
const autoscaler = (annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web', annotations },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 1,
    maxReplicas: 20,
    metrics: [
      {
        type: 'External',
        external: { metric: { name: 'queue_messages' }, target: { type: 'AverageValue', averageValue: '10' } },
      },
    ],
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 20, periodSeconds: 1 }] },
      scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 20, periodSeconds: 1 }] },
    },
  },
});

const web = (image: string, replicas?: number): KubeObject => deployment('web', image, 'settings', { replicas });

describe('a GitSync and a HorizontalPodAutoscaler on a metric of an adapter:', () => {
  const { plane, start } = useSync();
  const watches: { stop(): Promise<void> }[] = [];
  let adapter: MetricsAdapter;
  before(async () => {
    adapter = await startMetricsAdapter(plane(), await plane().namespace('adapter'));
  });
  afterEach(async () => {
    await Promise.all(watches.splice(0).map((watch) => watch.stop()));
  });
  after(() => adapter.remove());

  /** Every number of replicas that the Deployment was ever told to have, in order. */
  const watchReplicas = async (ns: string): Promise<() => number[]> => {
    const cache = createWatchCache(
      plane().client,
      resources.deployments,
      {},
      { clock: systemClock, random: Math.random },
    );
    const seen: number[] = [];
    cache.onChange((object) => {
      if (object?.metadata.namespace !== ns || object.metadata.name !== 'web') return;
      const { replicas } = object.spec as { replicas: number };
      if (replicas !== seen.at(-1)) seen.push(replicas);
    });
    watches.push(cache);
    await cache.ready();
    return () => [...seen];
  };
  const begin = async (files: Record<string, string>) => {
    const ns = await plane().namespace('sync');
    const replicas = await watchReplicas(ns);
    const sync = await start(files, {}, { namespace: ns });
    await sync.ready();
    return { ...sync, replicas };
  };
  const follow = async ({ push, ready }: StartedSync, changes: Record<string, string | null>): Promise<void> => {
    await ready('True', new RegExp(push(changes)));
  };
  const scaledTo = (replicas: () => number[], want: number) =>
    eventually(() => replicas().at(-1) === want || Promise.reject(new Error(`${replicas()}`)), {
      what: `${want} replicas`,
      timeoutMs: 45_000,
    });
  const makeAutoscaler = (namespace: string) => {
    const object = autoscaler();
    return plane().client.create(resources.horizontalPodAutoscalers, {
      ...object,
      metadata: { ...object.metadata, namespace },
    });
  };
  const liveImage = async ({ get }: StartedSync) => imageOf(await get(resources.deployments, 'web'));

  it('releases the replicas when an autoscaler appears, and never sets them back to 1 or to what Git says', async () => {
    const sync = await begin({ 'web.yaml': yaml(web('shop:v1', 2)) });
    adapter.set(sync.ns, 40);
    await makeAutoscaler(sync.ns);
    await scaledTo(sync.replicas, 4);
    await follow(sync, { 'web.yaml': yaml(web('shop:v2', 2)) });
    await follow(sync, { 'web.yaml': yaml(web('shop:v3')) });
    assert.equal(await liveImage(sync), 'shop:v3');
    assert.deepEqual(sync.replicas(), [2, 4]);
    const live = await sync.get(resources.deployments, 'web');
    const entries = live?.metadata.managedFields as { manager: string; fieldsV1: Record<string, object> }[];
    const ours = entries.find(({ manager }) => manager === `metricops/${sync.ns}/app`);
    assert.ok(ours && !('f:replicas' in (ours.fieldsV1['f:spec'] ?? {})));
  });

  it('keeps what was there when the autoscaler comes in the commit that takes the replicas out of Git', async () => {
    const sync = await begin({ 'web.yaml': yaml(web('shop:v1', 3)) });
    adapter.set(sync.ns, 50);
    await follow(sync, { 'web.yaml': yaml(web('shop:v2'), autoscaler()) });
    await scaledTo(sync.replicas, 5);
    assert.deepEqual(sync.replicas(), [3, 5]);
  });

  it('starts with the replicas of Git when workload and autoscaler come in one commit, and leaves them from then on', async () => {
    const ns = await plane().namespace('sync');
    adapter.set(ns, 40);
    const replicas = await watchReplicas(ns);
    const sync = await start({ 'web.yaml': yaml(web('shop:v1', 2), autoscaler()) }, {}, { namespace: ns });
    await sync.ready();
    await scaledTo(replicas, 4);
    await follow(sync, { 'web.yaml': yaml(web('shop:v2', 3), autoscaler()) });
    assert.equal(await liveImage(sync), 'shop:v2');
    assert.deepEqual(replicas(), [2, 4]);
  });

  it('lets a person scale nothing that no autoscaler scales: there, Git says the replicas', async () => {
    const sync = await begin({ 'web.yaml': yaml(web('shop:v1', 2)) });
    plane().kubectl(['scale', 'deployment/web', '--replicas=7', '-n', sync.ns]);
    await eventually(() => sync.replicas().length === 3, { what: 'the correction' });
    assert.deepEqual(sync.replicas(), [2, 7, 2]);
  });

  it('brings the replicas of Git back when the autoscaler leaves Git', async () => {
    const sync = await begin({ 'web.yaml': yaml(web('shop:v1', 2)), 'hpa.yaml': yaml(autoscaler()) });
    adapter.set(sync.ns, 60);
    await scaledTo(sync.replicas, 6);
    await follow(sync, { 'hpa.yaml': null });
    await scaledTo(sync.replicas, 2);
  });

  it('keeps the replicas when the autoscaler goes and Git says none', async () => {
    const sync = await begin({ 'web.yaml': yaml(web('shop:v1', 2)) });
    adapter.set(sync.ns, 60);
    await makeAutoscaler(sync.ns);
    await scaledTo(sync.replicas, 6);
    await follow(sync, { 'web.yaml': yaml(web('shop:v2')) });
    await plane().client.delete(resources.horizontalPodAutoscalers, { namespace: sync.ns, name: 'web' });
    await follow(sync, { 'web.yaml': yaml(web('shop:v3')) });
    assert.deepEqual(sync.replicas(), [2, 6]);
  });

  it('keeps the replicas when the autoscaler scales up in the middle of a sync', async () => {
    const sync = await begin({ 'web.yaml': yaml(web('shop:v1', 2)) });
    adapter.set(sync.ns, 20);
    // The wave of the workload waits for a gate, and with it the sync, while the autoscaler is at work.
    const gate = deployment('gate', 'gate:v1', 'settings', { replicas: 1 });
    gate.metadata.annotations = { [WAVE]: '-1' };
    const sha = sync.push({ 'web.yaml': yaml(autoscaler({ [WAVE]: '-1' }), gate, web('shop:v2', 2)) });
    await eventually(() => sync.get(resources.deployments, 'gate'), { what: 'the gate' });
    adapter.set(sync.ns, 70);
    await eventually(() => sync.replicas().includes(7), { what: '7 replicas', timeoutMs: 45_000 });
    assert.equal(await liveImage(sync), 'shop:v1');
    await openGate(sync.ns);
    await sync.ready('True', new RegExp(sha));
    assert.equal(await liveImage(sync), 'shop:v2');
    assert.deepEqual(sync.replicas(), [2, 7]);
  });

  it('keeps the replicas of an autoscaler that scales up all the time while commit after commit is applied', async () => {
    const sync = await begin({ 'web.yaml': yaml(web('shop:v0', 1)) });
    adapter.set(sync.ns, 20);
    await makeAutoscaler(sync.ns);
    await scaledTo(sync.replicas, 2);
    for (let n = 3; n <= 12; n += 1) {
      adapter.set(sync.ns, n * 10);
      await follow(sync, { 'web.yaml': yaml(web(`shop:v${n}`, n % 2 === 0 ? 1 : undefined)) });
    }
    await scaledTo(sync.replicas, 12);
    // Pods in surplus during a rollout lead it to a pod more now and then; one is what Git says.
    assert.deepEqual(
      sync.replicas().filter((n) => n === 1),
      [1],
    );
  });

  it('keeps the replicas when the autoscaler scales up during a rollback, to a release that had its own in Git', async () => {
    const files = (image: string, replicas?: number) => ({
      'web.yaml': yaml(configMap('settings'), web(image, replicas)),
    });
    const sync = await begin(files('shop:v1', 2));
    const good = await sync.get(resources.deployments, 'web');
    adapter.set(sync.ns, 40);
    await makeAutoscaler(sync.ns);
    await scaledTo(sync.replicas, 4);
    await follow(sync, files('shop:v2', 3));
    const bad = await sync.get(resources.deployments, 'web');
    adapter.set(sync.ns, 90);
    await holdBack(plane(), sync.ns, { good, bad });
    await eventually(async () => (await liveImage(sync)) === 'shop:v1', { what: 'the rollback' });
    await scaledTo(sync.replicas, 9);
    await follow(sync, { 'other.yaml': yaml(configMap('other')) });
    assert.equal(await liveImage(sync), 'shop:v1');
    // Two is what the good release had in Git, three what the bad one had.
    assert.deepEqual(
      sync.replicas().filter((n) => n < 4),
      [2],
    );
  });

  /** What a kubelet would say of the pod of the gate. */
  const openGate = async (namespace: string): Promise<void> => {
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
    const patch = { type: 'merge', body: { status: { phase: 'Running', conditions } } } as const;
    const { items } = await plane().client.list(resources.pods, { namespace, labelSelector: 'app=gate' });
    for (const { metadata } of items)
      await plane().client.patch(resources.pods, metadata, patch, { subresource: 'status' });
  };
});
