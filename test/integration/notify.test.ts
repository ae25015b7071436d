import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { afterEach, describe, it } from 'mocha';
import { API_VERSION, annotations } from '../../src/api/annotations.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Notification } from '../../src/api/notification.ts';
import { unrestrictedPolicy } from '../../src/api/platform-policy.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { watchWorkloads } from '../../src/caches.ts';
import { systemClock } from '../../src/clock.ts';
import { createWatchCache, type KubeClient, resources } from '../../src/kube/index.ts';
import { startHeldWorkloads, startNotifications } from '../../src/notify/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { eventually } from '../support/poll.ts';
import { type SinkServer, startSinkServer } from '../support/sink-server.ts';
import { configMap, deployment, holdBack, imageOf, useSync, yaml } from '../support/sync.ts';

const ports = { clock: systemClock, random: Math.random };

/** ClusterRole of the controller, as it is installed. */
const controllerRole = (): KubeObject => {
  const text = readFileSync(join(import.meta.dirname, '../../deploy/rbac/controller.yaml'), 'utf8');
  const role = (loadAll(text) as KubeObject[]).find(({ kind }) => kind === 'ClusterRole');
  assert.ok(role);
  return role;
};

describe('who is notified of a rollback', () => {
  const { plane, start } = useSync();
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });
  /** With the rights that the controller is installed with, and no others. */
  const asController = async (): Promise<KubeClient> => {
    const { client, discovery } = plane();
    const namespace = await plane().namespace('controller');
    const type = await discovery.find('rbac.authorization.k8s.io/v1', 'ClusterRole');
    assert.ok(type);
    const metadata = { name: namespace };
    const apiGroup = 'rbac.authorization.k8s.io';
    await client.create(type, { ...controllerRole(), metadata });
    await client.create(resources.clusterRoleBindings, {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup, kind: 'ClusterRole', name: namespace },
      subjects: [{ kind: 'ServiceAccount', namespace, name: 'default' }],
    });
    stops.push(async () => {
      await client.delete(resources.clusterRoleBindings, metadata);
      await client.delete(type, metadata);
    });
    return client.impersonate({ userName: `system:serviceaccount:${namespace}:default` });
  };

  describe('on the workload', () => {
    const annotateHeld = async (): Promise<void> => {
      const client = await asController();
      const holds = createWatchCache<Hold>(client, resources.holds, {}, ports);
      const workloads = watchWorkloads(client, ports);
      const all = [holds, ...Object.values(workloads)];
      await Promise.all(all.map((cache) => cache.ready()));
      const room = startHeldWorkloads({ ...ports, client, caches: { holds, workloads }, log: silentLog() });
      stops.push(() => Promise.all(all.map((cache) => cache.stop())), room.stop);
    };
    const manifest = (image: string): string => yaml(configMap('settings'), deployment('web', image));

    it('the Hold is named while it holds: no pod restarts, no sync removes it, and it is no drift', async () => {
      await annotateHeld();
      const { client } = plane();
      const sync = await start({ 'web.yaml': manifest('shop:v1') });
      await sync.ready('True', new RegExp(sync.commit));
      const good = await sync.get(resources.deployments, 'web');
      const bad = sync.push({ 'web.yaml': manifest('shop:v2') });
      await sync.ready('True', new RegExp(bad));
      await holdBack(plane(), sync.ns, { good, bad: await sync.get(resources.deployments, 'web') });
      const noted = async (wanted: string | undefined): Promise<KubeObject> =>
        eventually(
          async () => {
            const web = await sync.get(resources.deployments, 'web');
            assert.equal(web?.metadata.annotations?.[annotations.heldBy], wanted);
            return web;
          },
          { what: `the annotation ${wanted}` },
        );
      const held = await noted('web');
      assert.equal(imageOf(held), 'shop:v1');
      const templates = async (): Promise<number> =>
        (await client.list(resources.replicaSets, { namespace: sync.ns })).items.length;
      const before = await templates();

      // Two more syncs, one of which applies something.
      const other = sync.push({ 'other.yaml': yaml(configMap('other')) });
      const ready = await sync.ready('True', new RegExp(other));
      assert.equal((await noted('web')).metadata.uid, held.metadata.uid);
      assert.equal(await templates(), before, 'no new ReplicaSet');
      assert.equal(conditionOf(ready, 'Drifted')?.status, 'False');
      const [entry] = ready.status?.held ?? [];
      const hold = await client.get<Hold>(resources.holds, { namespace: sync.ns, name: 'web' });
      assert.deepEqual([entry?.targetRelease, entry?.heldTime], [1, hold?.metadata.creationTimestamp]);
      assert.ok(Date.parse(ready.status?.heldRevisionTime ?? '') > 0);
      const events = await client.list(resources.events, { namespace: sync.ns });
      assert.deepEqual(
        events.items.filter(({ reason }) => reason === 'DriftCorrected'),
        [],
      );

      const fixed = sync.push({ 'web.yaml': manifest('shop:v3') });
      const after = await sync.ready('True', new RegExp(fixed));
      assert.equal(imageOf(await noted(undefined)), 'shop:v3');
      assert.deepEqual([after.status?.held, after.status?.heldRevisionTime], [[], undefined]);
    });
  });

  describe('by a Notification', () => {
    const create = (namespace: string, spec: object): Promise<KubeObject> =>
      plane().client.create(resources.notifications, {
        apiVersion: API_VERSION,
        kind: 'Notification',
        metadata: { namespace, name: 'n' },
        spec,
      });
    const events = [{ kind: 'Incident' }];
    const slack = { secretRef: { name: 'chat' } };

    for (const [what, spec, why] of [
      ['no sink', { events, sink: {} }, /set exactly one of cloudEvents/],
      ['two sinks', { events, sink: { slack, teams: slack } }, /set exactly one of cloudEvents/],
      ['no events', { events: [], sink: { slack } }, /should have at least 1 items/],
      ['a kind that nobody notifies of', { events: [{ kind: 'Pod' }], sink: { slack } }, /Unsupported value: "Pod"/],
      [
        'a reason that is none',
        { events: [{ kind: 'Hold', reasons: ['held!'] }], sink: { slack } },
        /a reason is one of/,
      ],
      [
        'credentials in a URL',
        { events, sink: { cloudEvents: { url: 'https://a:b@example.com' } } },
        /without user or password/,
      ],
      ['neither URL nor Secret', { events, sink: { cloudEvents: {} } }, /set url, or secretRef/],
      ['a forge without its URL', { events, sink: { gitea: { secretRef: { name: 's' } } } }, /url: Required value/],
    ] as const)
      it(`is refused with ${what}`, async () => {
        const namespace = await plane().namespace('notify');
        await assert.rejects(create(namespace, spec), why);
      });

    it('is sent what happens, once, across restarts of the controller', async () => {
      const sink: SinkServer = await startSinkServer();
      stops.push(sink.stop);
      const { client } = plane();
      const namespace = await plane().namespace('notify');
      await client.create(resources.secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { namespace, name: 'chat' },
        stringData: { address: `${sink.url}/services/T/B/x` },
      });
      const controller = await asController();
      const lead = async (): Promise<() => Promise<void>> => {
        const client = controller;
        const caches = {
          incidents: createWatchCache<Incident>(client, resources.incidents, { namespace }, ports),
          holds: createWatchCache<Hold>(client, resources.holds, { namespace }, ports),
          syncs: createWatchCache<GitSync>(client, resources.gitSyncs, { namespace }, ports),
          histories: createWatchCache<ReleaseHistory>(client, resources.releaseHistories, { namespace }, ports),
          notifications: createWatchCache<Notification>(client, resources.notifications, { namespace }, ports),
        };
        await Promise.all(Object.values(caches).map((cache) => cache.ready()));
        const room = startNotifications({
          ...ports,
          client,
          caches,
          policy: () => ({ ...unrestrictedPolicy, notifications: { allowedHosts: ['127.0.0.1'] } }),
          systemNamespace: 'metricops-system',
          clusterName: undefined,
          log: silentLog(),
          metrics: createMetrics(),
          occurred: () => {},
        });
        return async () => {
          await room.stop();
          await Promise.all(Object.values(caches).map((cache) => cache.stop()));
        };
      };
      const stop = await lead();
      await create(namespace, { events, sink: { slack } });
      const stored = async (): Promise<Notification | undefined> =>
        client.get<Notification>(resources.notifications, { namespace, name: 'n' });
      const delivered = (count: number): Promise<unknown> =>
        eventually(
          async () => {
            const { status } = (await stored()) ?? {};
            assert.equal(status?.delivered?.length ?? 0, count, JSON.stringify(status));
            return conditionOf({ status }, 'Delivered')?.status === 'True';
          },
          { what: `${count} delivered` },
        );
      await delivered(0);
      const { metadata } = await client.create<Incident>(resources.incidents, {
        apiVersion: API_VERSION,
        kind: 'Incident',
        metadata: { namespace, name: 'web-2-abc' },
        spec: { workloadRef: { kind: 'Deployment', name: 'web' }, evidence: [] },
      });
      const timeline: NonNullable<Incident['status']>['timeline'] = [];
      const step = async (reason: string): Promise<void> => {
        // Not within the second in which the Notification was created: the API server has whole ones.
        timeline.push({ time: new Date(Date.now() + 1000).toISOString(), phase: 'Judging', reason, message: 'x' });
        const body = { status: { phase: 'Judging', timeline } };
        await client.patch(resources.incidents, metadata, { type: 'merge', body }, { subresource: 'status' });
      };
      await step('AwaitingApproval');
      await delivered(1);
      await stop();
      await step('NoGoodRelease');
      const again = await lead();
      stops.push(again);
      await delivered(2);
      assert.deepEqual(
        sink.received.map(({ body }) => (body as { text: string }).text),
        ['Deployment', 'Deployment'].map(
          (kind, i) => `${kind} ${namespace}/web: ${['AwaitingApproval', 'NoGoodRelease'][i]}`,
        ),
      );
    });
  });
});
