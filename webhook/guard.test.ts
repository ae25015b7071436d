import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import type { Occurrence } from '../src/api/occurrence.ts';
import { KubeError } from '../src/kube/index.ts';
import type { KubeClient, Name, WatchCache } from '../src/kube/types.ts';
import { createMetrics, silentLog } from '../src/telemetry/index.ts';
import { fakeClock } from '../test/support/clock.ts';
import { startGuard } from './guard.ts';

const IMAGE = 'sidecar:1';

const stuckPod = (namespace: string, name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace,
    name,
    uid: `${namespace}-${name}`,
    annotations: { 'metricops.dev/injection': 'injected' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true }],
  },
  spec: { initContainers: [{ name: 'metricops-recorder', image: IMAGE }] },
  status: { initContainerStatuses: [{ name: 'metricops-recorder', state: { waiting: { reason: 'ErrImagePull' } } }] },
});

const setUp = (pods: KubeObject[], { leads = true } = {}) => {
  const { clock, advance } = fakeClock();
  const cache = (objects: () => KubeObject[]): WatchCache => ({
    get: ({ name }: Name) => objects().find(({ metadata }) => metadata.name === name),
    list: objects,
    onChange: () => () => {},
    ready: async () => {},
    stop: async () => {},
  });
  const namespaces = ['shop', 'pay'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const deleted: { at: number; uid: string | undefined }[] = [];
  const events: Occurrence[] = [];
  const metrics = createMetrics();
  const client = {
    async delete(_type: unknown, _name: Name, options?: { uid?: string }) {
      deleted.push({ at: clock.now(), uid: options?.uid });
      if (options?.uid?.startsWith('shop-refused')) throw new KubeError('no', { status: 403, reason: 'Forbidden' });
      const index = pods.findIndex(({ metadata }) => metadata.uid === options?.uid);
      if (index >= 0) pods.splice(index, 1);
    },
  } as unknown as KubeClient;
  const guard = startGuard({
    client,
    clock,
    log: silentLog(),
    metrics,
    occurred: (occurrence) => void events.push(occurrence),
    pods: cache(() => pods),
    replicaSets: cache(() => []),
    namespaces: cache(() => namespaces),
    isLeading: () => leads,
    image: IMAGE,
  });
  const stopped = async (): Promise<number> => (await metrics.injectionStopped.get()).values[0]?.value ?? 0;
  return { guard, advance, deleted, events, stopped };
};

describe('the guard of injection', () => {
  it('stops it in the namespace of a stuck pod within half a minute, says so, and has the pod made again by then', async () => {
    const { guard, advance, deleted, events, stopped } = setUp([stuckPod('shop', 'a')]);
    await advance(30_000);
    assert.match(guard.stopped('shop', false) ?? '', /^ErrImagePull \(tried again at /);
    assert.equal(guard.stopped('pay', false), undefined);
    assert.deepEqual(
      deleted.map(({ uid }) => uid),
      ['shop-a'],
    );
    assert.match(events[0]?.message ?? '', /sidecar:1 keeps pods of this namespace from starting/);
    assert.equal(await stopped(), 1);
    await guard.stop();
  });

  it('deletes no pod on a replica that does not lead', async () => {
    const { guard, advance, deleted } = setUp([stuckPod('shop', 'a')], { leads: false });
    await advance(60_000);
    assert.notEqual(guard.stopped('shop', false), undefined);
    assert.deepEqual(deleted, []);
    await guard.stop();
  });

  it('deletes a few at a time, of each namespace, also where one deletion is refused', async () => {
    const refused = ['refused-1', 'refused-2', 'refused-3'].map((name) => stuckPod('shop', name));
    const pods = [...refused, ...Array.from({ length: 40 }, (_, i) => stuckPod('shop', `p-${i}`))];
    const { guard, advance, deleted } = setUp([...pods, stuckPod('pay', 'a')]);
    await advance(27_000);
    const first = deleted.filter(({ at }) => at === deleted[0]?.at).map(({ uid }) => uid);
    assert.deepEqual(first, ['shop-refused-1', 'shop-refused-2', 'shop-refused-3', 'pay-a']);
    await advance(90_000);
    assert.equal(new Set(deleted.map(({ uid }) => uid)).size, 44);
    await guard.stop();
  });

  it('never makes a dry run the pod that is tried', async () => {
    const { guard, advance } = setUp([stuckPod('shop', 'a')]);
    await advance(6 * 60_000);
    assert.notEqual(guard.stopped('shop', true), undefined);
    assert.equal(guard.stopped('shop', false), undefined);
    assert.notEqual(guard.stopped('shop', false), undefined, 'one at a time');
    await guard.stop();
  });
});
