import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { GitSyncSet } from '../../src/api/gitsyncset.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import {
  createDiscovery,
  createEventSink,
  createKubeClient,
  createWatchCache,
  loadConnection,
  resources,
} from '../../src/kube/index.ts';
import { watchPlatformPolicy } from '../../src/policy/platform-policy.ts';
import { startSets } from '../../src/sets/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { type Cluster, startCluster } from '../../tools/cluster/index.ts';
import { runCli } from '../support/cli.ts';
import type { ControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { createRepositories } from '../support/repositories.ts';
import { configMap, type SyncBench, startSyncBench, yaml } from '../support/sync.ts';

const ROOT = join(import.meta.dirname, '../..');
const FIRST = join(ROOT, 'deploy/first');
const CRDS = join(ROOT, 'deploy/crds');

/** Kinds and namespaces go by controllers of Kubernetes that try again after a minute, and then after some more. */
const ENDS_WITHIN_MS = 420_000;

/** On a control plane of its own, with the real kustomizations: it removes what other tests need. One story, in order. */

describe('removing metricops with kubectl', function () {
  this.timeout(200_000);
  let cluster: Cluster;
  let plane: ControlPlane & { client: { close(): Promise<void> } };
  let bench: SyncBench;

  /** Ends, or is ended: then what it deletes hangs. */
  const kubectl = async (...args: string[]): Promise<void> => {
    const child = spawn(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, ...args], {
      stdio: 'pipe',
      timeout: ENDS_WITHIN_MS,
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    const left = code === 0 ? '' : await whatIsLeft();
    assert.equal(code, 0, `kubectl ${args.join(' ')} (killed: ${child.killed}): ${said}\n${left}`);
  };
  /** What is being deleted and is still there, with the words of the controllers that see to it. */
  const whatIsLeft = async (): Promise<string> => {
    const types = [resources.namespaces, resources.crds, resources.gitSyncs, resources.gitSyncSets, resources.holds];
    const lists = await Promise.all(types.map((type) => plane.client.list(type).catch(() => ({ items: [] }))));
    return lists
      .flatMap(({ items }) => items as KubeObject[])
      .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
      .map(({ kind, metadata: { namespace, name, finalizers }, status }) =>
        JSON.stringify({ kind, namespace, name, finalizers, status }),
      )
      .join('\n');
  };
  const install = async (): Promise<void> => {
    await kubectl('apply', '--server-side', '-k', FIRST);
    await kubectl('wait', '--for=condition=Established', '-f', join(CRDS, 'gitsyncs.yaml'));
    await kubectl('apply', '--server-side', '-k', ROOT);
  };
  const startSetController = async () => {
    const { client } = plane;
    const time = { clock: systemClock, random: Math.random };
    const caches = {
      sets: createWatchCache<GitSyncSet>(client, resources.gitSyncSets, {}, time),
      syncs: createWatchCache<GitSync>(client, resources.gitSyncs, {}, time),
      namespaces: createWatchCache(client, resources.namespaces, { metadataOnly: true }, time),
      platform: watchPlatformPolicy(client, time),
    };
    const { credentials } = bench.controller;
    const occurred = createEventSink(client, { instance: 'test', clock: systemClock });
    const common = { ...time, client, caches, credentials, git: createRepositories().room, log: silentLog(), occurred };
    const controller = await startSets({ ...common, systemNamespace: 'metricops-system' });
    return {
      stop: async (): Promise<void> => {
        await controller.stop();
        await Promise.all(Object.values(caches).map((cache) => cache.stop()));
      },
    };
  };
  const applied = (name: string) => plane.client.get(resources.configMaps, { namespace: 'default', name });
  const runs = (name: string) =>
    applied(name).then((object) => {
      assert.ok(object, name);
      assert.equal(object.metadata.deletionTimestamp, undefined);
    });
  /** Two GitSyncs with an object each in `default`: one of metricops' own namespace, and one of another. */
  const follow = async (name: string): Promise<void> => {
    for (const namespace of ['metricops-system', 'default']) {
      const repository = bench.git.repository(`${name}-${namespace}`);
      repository.commit({ 'a.yaml': yaml(configMap(`${name}-of-${namespace}`)) });
      await bench.sync(namespace, name, { source: { git: { url: repository.url } }, targetNamespace: 'default' });
      await bench.ready(namespace, name);
    }
  };

  before(async function () {
    this.timeout(1_200_000);
    cluster = await startCluster({ name: `test-${randomUUID().slice(0, 8)}`, node: false });
    const client = createKubeClient(await loadConnection({ kubeconfig: cluster.kubeconfig }));
    plane = {
      kubeconfig: cluster.kubeconfig,
      client,
      discovery: createDiscovery(client, systemClock),
      kubectl: () => assert.fail('not needed here'),
      namespace: () => assert.fail('not needed here'),
    };
    await install();
    bench = await startSyncBench(plane);
  });
  after(async function () {
    this.timeout(60_000);
    await bench?.stop().catch(() => {}); // its kinds may be gone
    await plane?.client.close();
    await cluster?.down();
  });

  it('only the kind of its sets (kubectl delete crd) deletes no GitSync, and no application', async () => {
    const repository = bench.git.repository('set');
    repository.commit({ 'a.yaml': yaml(configMap('of-a-set')) });
    const sets = await startSetController();
    const set = { namespace: 'default', name: 'all' };
    await plane.client.create(resources.gitSyncSets, {
      apiVersion: API_VERSION,
      kind: 'GitSyncSet',
      metadata: set,
      spec: {
        generators: [{ list: [{ name: 'made' }] }],
        template: { metadata: { name: 'made' }, spec: { source: { git: { url: repository.url } } } },
      },
    } as KubeObject);
    await bench.ready('default', 'made');
    const kind = { name: 'gitsyncsets.metricops.dev' };
    await kubectl('delete', 'crd', kind.name);
    assert.equal(await plane.client.get(resources.crds, kind), undefined);
    const made = await plane.client.get(resources.gitSyncs, { namespace: 'default', name: 'made' });
    assert.deepEqual([made?.metadata.ownerReferences, made?.metadata.deletionTimestamp], [undefined, undefined]);
    await runs('of-a-set');
    await sets.stop();
    await kubectl('delete', 'gitsync', 'made');
    await install();
    await kubectl('wait', '--for=condition=Established', '-f', join(CRDS, 'gitsyncsets.yaml'));
  });

  it('as it was installed (kubectl delete -k .) deletes no application, and leaves kinds, GitSyncs and the key of the seals', async () => {
    await follow('shop');
    const uid = async () => (await plane.client.get(resources.namespaces, { name: 'metricops-system' }))?.metadata.uid;
    const before = await uid();
    await kubectl('delete', '-k', ROOT);
    for (const namespace of ['metricops-system', 'default']) {
      assert.ok(await plane.client.get(resources.gitSyncs, { namespace, name: 'shop' }));
      await runs(`shop-of-${namespace}`);
    }
    assert.equal(await uid(), before);
    assert.equal(
      await plane.client.get(resources.deployments, { namespace: 'metricops-system', name: 'metricops' }),
      undefined,
    );
  });

  it('ends also with the kinds and the namespace, and deletes no application', async function () {
    this.timeout(2 * ENDS_WITHIN_MS);
    await kubectl('delete', '-k', FIRST);
    for (const namespace of ['metricops-system', 'default']) await runs(`shop-of-${namespace}`);
    assert.equal(await plane.client.get(resources.namespaces, { name: 'metricops-system' }), undefined);
    const kind = { name: 'gitsyncs.metricops.dev' };
    await eventually(async () => (await plane.client.get(resources.crds, kind)) === undefined, {
      what: 'the end of the kind',
    });
  });

  it('can be brought to its end with `metricops uninstall --all` where the controller went first', async () => {
    await install();
    await bench.restart();
    await follow('cart');
    await bench.controller.stop();
    const kind = { name: 'gitsyncs.metricops.dev' };
    await plane.client.delete(resources.crds, kind);
    const labels = { 'app.kubernetes.io/name': 'metricops', 'app.kubernetes.io/component': 'ca-bundle' };
    for (const [name, marks] of [
      ['metricops-ca', labels],
      ['settings', labels],
    ] as const)
      await plane.client.create(resources.configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'default', name, labels: marks },
      });
    const { code, err } = await runCli(cluster.kubeconfig, ['uninstall', '--all', '--yes']);
    assert.equal(code, 0, err);
    await eventually(
      async () => {
        const { items } = await plane.client.list(resources.crds);
        return items.every(({ metadata }) => !metadata.name.endsWith('.metricops.dev'));
      },
      { what: 'the end of all kinds' },
    );
    for (const namespace of ['metricops-system', 'default']) await runs(`cart-of-${namespace}`);
    assert.equal(await applied('metricops-ca'), undefined);
    await runs('settings');
  });
});
