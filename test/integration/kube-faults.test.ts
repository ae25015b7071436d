import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import {
  createKubeClient,
  createWatchCache,
  type KubeClient,
  loadConnection,
  type ResourceType,
  resources,
  runLeaderElection,
} from '../../src/kube/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { newKind, removeKind } from '../support/widgets.ts';

const configMap = (namespace: string, name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
});

describe('a network that fails', () => {
  const plane = useControlPlane();
  const endings: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  /** A client whose every byte passes a proxy. */
  const throughProxy = async (
    options: { watchQuietMs?: number } = {},
  ): Promise<{ through: KubeClient; proxy: FaultProxy }> => {
    const connection = await loadConnection({ kubeconfig: plane().kubeconfig });
    const proxy = await startProxy(new URL(connection.server));
    const through = createKubeClient({ ...connection, server: `https://127.0.0.1:${proxy.port}` }, options);
    endings.push(
      () => proxy.close(),
      () => through.close(),
    );
    return { through, proxy };
  };
  const cacheOf = (client: KubeClient, namespace?: string, type: ResourceType = resources.configMaps) => {
    const what: string[] = [];
    const cache = createWatchCache(client, type, namespace === undefined ? {} : { namespace }, {
      clock: systemClock,
      random: Math.random,
      onWatchError: (event) => what.push(event.what),
    });
    endings.push(() => cache.stop());
    return { cache, what };
  };

  it('leaves the cache right after connections were cut, again and again', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    const { through, proxy } = await throughProxy();
    const { cache } = cacheOf(through, ns);
    await client.create(resources.configMaps, configMap(ns, 'stays'));
    await cache.ready();
    for (let i = 0; i < 4; i += 1) {
      await client.create(resources.configMaps, configMap(ns, `goes-${i}`));
      await eventually(() => cache.get({ namespace: ns, name: `goes-${i}` }), { what: 'the object in the cache' });
      proxy.cut();
      await client.delete(resources.configMaps, { namespace: ns, name: `goes-${i}` });
      await client.create(resources.configMaps, configMap(ns, `comes-${i}`));
      await eventually(() => cache.get({ namespace: ns, name: `comes-${i}` }), { what: 'the new object' });
      await eventually(() => cache.get({ namespace: ns, name: `goes-${i}` }) === undefined, { what: 'the deletion' });
    }
    assert.ok(cache.get({ namespace: ns, name: 'stays' }));
  });

  it('is noticed when it says nothing any more', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    const { through, proxy } = await throughProxy({ watchQuietMs: 1_000 });
    const { cache } = cacheOf(through, ns);
    await cache.ready();
    await client.create(resources.configMaps, configMap(ns, 'before'));
    await eventually(() => cache.get({ namespace: ns, name: 'before' }));
    proxy.freeze();
    await client.create(resources.configMaps, configMap(ns, 'after'));
    proxy.thaw();
    await eventually(() => cache.get({ namespace: ns, name: 'after' }), { what: 'the object after the silence' });
  });

  it('has the cache list again when what it knew is too old', async () => {
    const { client } = plane();
    const { type, definition } = newKind();
    await client.create(resources.crds, definition);
    endings.push(() => removeKind(client, definition));
    await eventually(() => client.list(type), { what: 'the new kind' });
    let first = true;
    // The first watch starts from before the kind was there.
    const forgetful: KubeClient = {
      ...client,
      watch(of, options, signal) {
        const resourceVersion = first ? '1' : options.resourceVersion;
        first = false;
        return client.watch(of, { ...options, resourceVersion }, signal);
      },
    };
    const { cache, what } = cacheOf(forgetful, undefined, type);
    await cache.ready();
    const widget = { apiVersion: `${type.group}/v1`, kind: 'Widget', metadata: { name: 'a' } };
    await client.apply(type, widget, { fieldManager: 'test' });
    await eventually(() => cache.get({ name: 'a' }), { what: 'the object after the new list' });
    assert.deepEqual(what, ['relist']);
  });
});

describe('leader election on a real Lease', () => {
  const plane = useControlPlane();

  const candidate = (client: KubeClient, namespace: string, identity: string, leaders: string[]) => {
    const abort = new AbortController();
    const lead = async (signal: AbortSignal): Promise<void> => {
      leaders.push(`+${identity}`);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      leaders.push(`-${identity}`);
    };
    const options = { client, clock: systemClock, namespace, name: 'leader', identity, leaseMs: 2000, lead };
    return { abort, done: runLeaderElection(options, abort.signal) };
  };

  it('has one leader, and at once another when it goes', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    const leaders: string[] = [];
    const a = candidate(client, ns, 'a', leaders);
    await eventually(() => leaders.length === 1, { what: 'a first leader' });
    const b = candidate(client, ns, 'b', leaders);
    a.abort.abort();
    await a.done;
    await eventually(() => leaders.length === 3, { what: 'the second leader' });
    assert.deepEqual(leaders, ['+a', '-a', '+b']);
    b.abort.abort();
    await b.done;
  });

  it('has none for a while, never two, when the leader is cut off', async () => {
    const { client, kubeconfig, namespace } = plane();
    const ns = await namespace('kube');
    const connection = await loadConnection({ kubeconfig });
    const proxy = await startProxy(new URL(connection.server));
    const through = createKubeClient({ ...connection, server: `https://127.0.0.1:${proxy.port}` });
    const leaders: string[] = [];
    const a = candidate(through, ns, 'a', leaders);
    await eventually(() => leaders.length === 1, { what: 'a first leader' });
    const b = candidate(client, ns, 'b', leaders);
    proxy.freeze();
    await eventually(() => leaders.length === 3, { what: 'the second leader' });
    assert.deepEqual(leaders, ['+a', '-a', '+b']);
    a.abort.abort();
    b.abort.abort();
    proxy.close();
    await Promise.all([a.done, b.done]);
    await through.close();
  });
});
