import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import {
  createEventRecorder,
  createKubeClient,
  createWatchCache,
  type KubeError,
  loadConnection,
  resources,
  runLeaderElection,
} from '../../src/kube/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';

const configMap = (namespace: string, name: string, data: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data,
});
const ports = { clock: systemClock, random: Math.random };

describe('the API client', () => {
  const plane = useControlPlane();

  it('applies, conflicts, forces and deletes as the API server says', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    const one = await client.apply(resources.configMaps, configMap(ns, 'a', { k: '1' }), { fieldManager: 'one' });
    assert.deepEqual(one.data, { k: '1' });
    const other = configMap(ns, 'a', { k: '2' });
    const refused = client.apply(resources.configMaps, other, { fieldManager: 'two' });
    await assert.rejects(refused, (e: KubeError) => e.status === 409 && /conflict with "one"/.test(e.message));
    await client.apply(resources.configMaps, other, { fieldManager: 'two', force: true });
    assert.deepEqual((await client.get(resources.configMaps, { namespace: ns, name: 'a' }))?.data, { k: '2' });
    await client.delete(resources.configMaps, { namespace: ns, name: 'a' });
    await client.delete(resources.configMaps, { namespace: ns, name: 'a' });
    assert.equal(await client.get(resources.configMaps, { namespace: ns, name: 'a' }), undefined);
  });

  it('refuses a field that the kind does not have, by name', async () => {
    const { client, namespace } = plane();
    const wrong = { ...configMap(await namespace('kube'), 'a'), dtaa: {} };
    await assert.rejects(client.apply(resources.configMaps, wrong, { fieldManager: 'one' }), /dtaa/);
  });

  it('keeps the case of names in paths', async () => {
    const { client } = plane();
    const type = {
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      kind: 'ClusterRole',
      plural: 'clusterroles',
      namespaced: false,
    };
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'MetricopsTest:View' },
      rules: [],
    };
    await client.apply(type, role, { fieldManager: 'one' });
    assert.equal((await client.get(type, { name: 'MetricopsTest:View' }))?.metadata.name, 'MetricopsTest:View');
    await client.delete(type, { name: 'MetricopsTest:View' });
  });

  it('lists all pages, with kinds, and metadata alone where asked', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    await Promise.all(
      Array.from({ length: 510 }, (_, i) => client.create(resources.configMaps, configMap(ns, `m-${i}`))),
    );
    const { items } = await client.list(resources.configMaps, { namespace: ns, metadataOnly: true });
    assert.equal(items.length, 511); // with kube-root-ca.crt
    assert.equal(items[0]?.kind, 'ConfigMap');
    assert.equal(items[0]?.data, undefined);
  });

  it('finds kinds by discovery, a new one too, and says when there is none', async () => {
    const { discovery } = plane();
    assert.equal((await discovery.find('apps/v1', 'Deployment'))?.plural, 'deployments');
    assert.equal((await discovery.findKind('metricops.dev', 'Hold'))?.plural, 'holds');
    assert.equal((await discovery.find('v1', 'Namespace'))?.namespaced, false);
    assert.equal(await discovery.find('example.com/v1', 'Nothing'), undefined);
  });

  it('acts as another user when told so', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    const nobody = client.impersonate({ userName: `system:serviceaccount:${ns}:default` });
    const denied = nobody.get(resources.configMaps, { namespace: ns, name: 'kube-root-ca.crt' });
    await assert.rejects(denied, (e: KubeError) => e.status === 403);
  });

  it('keeps its cache through broken connections, and sees what was deleted meanwhile', async () => {
    const { client, kubeconfig, namespace } = plane();
    const ns = await namespace('kube');
    const connection = await loadConnection({ kubeconfig });
    const proxy = await startProxy(new URL(connection.server));
    const through = createKubeClient({ ...connection, server: `https://127.0.0.1:${proxy.port}` });
    const cache = createWatchCache(through, resources.configMaps, { namespace: ns }, ports);
    await client.create(resources.configMaps, configMap(ns, 'stays'));
    await client.create(resources.configMaps, configMap(ns, 'goes'));
    await cache.ready();
    await eventually(() => cache.get({ namespace: ns, name: 'goes' }), { what: 'the object in the cache' });
    proxy.cut();
    await client.delete(resources.configMaps, { namespace: ns, name: 'goes' });
    await client.create(resources.configMaps, configMap(ns, 'comes'));
    await eventually(() => cache.get({ namespace: ns, name: 'comes' }), { what: 'the new object after the cut' });
    await eventually(() => cache.get({ namespace: ns, name: 'goes' }) === undefined, { what: 'the deletion' });
    assert.ok(cache.get({ namespace: ns, name: 'stays' }));
    await cache.stop();
    await through.close();
    proxy.close();
  });

  it('elects one leader, and another when it goes', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    const leaders: string[] = [];
    const candidate = (identity: string) => {
      const abort = new AbortController();
      const lead = async (signal: AbortSignal): Promise<void> => {
        leaders.push(identity);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      };
      const options = { client, clock: systemClock, namespace: ns, name: 'leader', identity, leaseMs: 3000, lead };
      return { abort, done: runLeaderElection(options, abort.signal) };
    };
    const a = candidate('a');
    await eventually(() => leaders.length === 1, { what: 'a first leader' });
    const b = candidate('b');
    a.abort.abort();
    await a.done;
    await eventually(() => leaders.length === 2, { what: 'the second leader' });
    assert.deepEqual(leaders, ['a', 'b']);
    b.abort.abort();
    await b.done;
  });

  it('records events that kubectl shows', async () => {
    const { client, kubectl, namespace } = plane();
    const ns = await namespace('kube');
    const object = await client.create(resources.configMaps, configMap(ns, 'a'));
    const events = createEventRecorder(client, { instance: 'test', clock: systemClock });
    const event = { type: 'Warning', reason: 'TestReason', action: 'Test', note: 'what happened' } as const;
    events.record(object, event);
    events.record(object, event);
    const shown = await eventually(() => kubectl(['get', 'events', '-n', ns, '--no-headers']) || undefined);
    assert.match(shown, /TestReason\s+configmap\/a\s+what happened/);
    assert.equal(shown.trim().split('\n').length, 1);
  });
});

/** A TCP proxy whose connections can be cut: the fault that a cache has to live with. */
const startProxy = async (target: URL): Promise<{ port: number; cut(): void; close(): void }> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((inbound) => {
    const outbound = connect(Number(target.port), target.hostname);
    for (const socket of [inbound, outbound]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    inbound.pipe(outbound);
    outbound.pipe(inbound);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    cut,
    close() {
      cut();
      server.close();
    },
  };
};
