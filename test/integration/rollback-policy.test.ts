import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { after, before, describe, it } from 'mocha';
import { API_VERSION, annotations } from '../../src/api/annotations.ts';
import type { Condition } from '../../src/api/common.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { RollbackPolicy } from '../../src/api/rollback-policy.ts';
import { createCaches } from '../../src/caches.ts';
import { systemClock } from '../../src/clock.ts';
import { otherToolOf } from '../../src/holds/index.ts';
import { createIntake, startIncidents } from '../../src/incident/index.ts';
import { createEventSink, createKubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import { createPrometheus, createQueryQueue, startPolicyStatus } from '../../src/slo/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { type PrometheusFixture, startPrometheusFixture } from '../support/prometheus.ts';

const ROOT = join(import.meta.dirname, '../..');
const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();

/** The README's objects of our kinds, as they are printed. */
const printed = (): KubeObject[] =>
  [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/```yaml\n(.*?)```/gs)]
    .flatMap(([, text = '']) => loadAll(text) as Partial<KubeObject>[])
    .filter((object): object is KubeObject => object.apiVersion === API_VERSION);

/** Counters of a shop whose second release fails a fifth of its requests; the first fails none. */
const startShop = async (): Promise<Server> => {
  const start = Date.now();
  const series = (pod: string, code: string, rate: number): string =>
    `http_requests_total{namespace="shop",service="checkout",pod="${pod}",code="${code}"} ${Math.round(((Date.now() - start) / 1000) * rate) + 1}\n`;
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(
      [
        series('checkout-hash1-a', '200', 100),
        series('checkout-hash2-a', '200', 80),
        series('checkout-hash2-a', '500', 20),
      ].join(''),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

describe('a RollbackPolicy', () => {
  const plane = useControlPlane();
  let shop: Server;
  let prometheus: PrometheusFixture;
  let watched: ReturnType<typeof createCaches>;
  let intake: ReturnType<typeof createIntake>;
  const stops: (() => Promise<unknown>)[] = [];
  /** What the writer of the status sends. */
  const requests: string[] = [];

  before(async function () {
    this.timeout(60_000);
    shop = await startShop();
    prometheus = await startPrometheusFixture({ targets: [`127.0.0.1:${(shop.address() as AddressInfo).port}`] });
    const { client } = plane();
    watched = createCaches(client, { clock: systemClock, random: Math.random });
    await watched.ready();
    const { caches } = watched;
    const common = { clock: systemClock, random: Math.random, log: silentLog() };
    const occurred = createEventSink(client, { instance: 'test', clock: systemClock });
    const queries = createQueryQueue(createPrometheus({ url: prometheus.url }), systemClock);
    const metrics = createMetrics();
    const incidents = await startIncidents({
      ...common,
      client,
      caches,
      queries,
      metrics,
      occurred,
      onHold: () => {},
      refusalOf: async () => undefined,
      obstacleTo: async () => undefined,
    });
    intake = createIntake({
      ...common,
      ...{ client, caches, metrics, occurred },
      onIncident: (incident) => incidents.notify(incident),
    });
    const writer = createKubeClient(await loadConnection({ kubeconfig: plane().kubeconfig }), {
      onRequest: (verb, code) => requests.push(`${verb} ${code}`),
    });
    const policies = startPolicyStatus({
      ...common,
      client: writer,
      caches,
      hasPrometheus: true,
      otherToolOf,
    });
    stops.push(incidents.stop, policies.stop, watched.stop, () => writer.close(), prometheus.stop);
  });
  after(async () => {
    for (const stop of stops) await stop();
    shop?.close();
  });

  const deployment = (namespace: string, name: string, labels: Record<string, string> = {}): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, labels, annotations: { [annotations.inject]: 'true' } },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
    },
  });
  const policy = (namespace: string, name: string, spec: object): KubeObject => ({
    apiVersion: API_VERSION,
    kind: 'RollbackPolicy',
    metadata: { namespace, name },
    spec: { mode: 'Auto', ...spec },
  });
  const conditions = async (namespace: string, name: string): Promise<string[]> => {
    const found = await plane().client.get<RollbackPolicy>(resources.rollbackPolicies, { namespace, name });
    return (found?.status?.conditions ?? []).map((c: Condition) => `${c.type}=${c.status} ${c.reason}`);
  };
  const says = (namespace: string, name: string, ...expected: string[]): Promise<unknown> =>
    eventually(
      async () => {
        assert.deepEqual(await conditions(namespace, name), expected);
        return true;
      },
      { what: `${name}: ${expected}`, timeoutMs: 10_000 },
    );

  it('as the README prints it ends in a rollback, for the alert of the example, which names the workload', async () => {
    const { client, discovery, kubectl } = plane();
    await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    const objects = printed();
    assert.deepEqual(
      objects.map(({ kind }) => kind),
      ['GitSync', 'RollbackPolicy'],
    );
    for (const object of objects) {
      const type = await discovery.find(object.apiVersion, object.kind);
      assert.ok(type, object.kind);
      await client.apply(type, object, { fieldManager: 'kubectl' });
    }
    await says('shop', 'checkout', 'Ready=False TargetNotFound', 'Overridden=False NotOverridden');
    await client.create(resources.deployments, deployment('shop', 'checkout'));
    await says('shop', 'checkout', 'Ready=True InForce', 'Overridden=False NotOverridden');
    const [head = '', row = ''] = kubectl(['get', 'rollbackpolicies', '-n', 'shop']).split('\n');
    assert.match(head, /^NAME +TARGET +MODE +READY +REASON +AGE$/);
    assert.match(row, /^checkout +checkout +Auto +True +InForce +[0-9]+s$/);

    const release = (number: number, seconds: number) => ({
      number,
      sourceDigest: digest(number),
      workloadUID: 'u',
      images: [],
      snapshotRef: { name: `snapshot-${number}` },
      revision: `hash${number}`,
      firstSeenTime: ago(seconds),
      readyTime: ago(seconds),
      outcome: number === 1 ? ('Superseded' as const) : ('Active' as const),
    });
    const history = { namespace: 'shop', name: 'deployment-checkout' };
    await client.create(resources.releaseHistories, {
      apiVersion: API_VERSION,
      kind: 'ReleaseHistory',
      metadata: history,
      spec: {
        workloadRef: { kind: 'Deployment', name: 'checkout' },
        currentRelease: 2,
        releases: [release(2, 5), release(1, 900)],
      },
    });
    await eventually(() => watched.caches.histories.get(history), { what: 'the history in the cache' });

    const rules = load(readFileSync(join(ROOT, 'examples/prometheus-rules.yaml'), 'utf8')) as {
      groups: [{ rules: [{ alert: string; labels: Record<string, string> }] }];
    };
    const [{ alert, labels }] = rules.groups[0].rules;
    const firing = { status: 'firing', startsAt: ago(0), labels: { alertname: alert, ...labels } };
    assert.equal((await intake.receive({ version: '4', alerts: [firing] })).status, 200);
    const hold = await eventually(
      async () => (await client.list<Hold>(resources.holds, { namespace: 'shop' })).items[0],
      { what: 'the Hold', timeoutMs: 30_000 },
    );
    assert.deepEqual(hold.spec.rejectedDigests, [digest(2)]);
    const [incident] = (await client.list<Incident>(resources.incidents, { namespace: 'shop' })).items;
    assert.deepEqual(incident?.spec.policyRef, { name: 'checkout' });
    const [found] = incident?.status?.verdict?.objectives ?? [];
    assert.deepEqual([found?.name, found?.result], ['availability', 'Guilty']);
    assert.match(found?.query ?? '', /pod=~"checkout-hash2-\.\+"/);
    assert.ok(Math.abs(Number(found?.newErrorRatio) - 0.2) < 0.05, found?.newErrorRatio);
  });

  it('says which policy counts, and moves on when that one goes', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('policy');
    await client.create(resources.deployments, deployment(ns, 'web'));
    await client.create(resources.rollbackPolicies, policy(ns, 'own', { targetRef: { name: 'web' } }));
    await client.create(resources.rollbackPolicies, policy(ns, 'zebra', { targetRef: { name: 'web' } }));
    await client.create(resources.rollbackPolicies, policy(ns, 'default', { selector: {} }));
    await says(ns, 'own', 'Ready=True InForce', 'Overridden=False NotOverridden');
    await says(ns, 'zebra', 'Ready=False Overridden', 'Overridden=True Overridden');
    await says(ns, 'default', 'Ready=True InForce', 'Overridden=True Overridden');
    await client.delete(resources.rollbackPolicies, { namespace: ns, name: 'own' });
    await says(ns, 'zebra', 'Ready=True InForce', 'Overridden=False NotOverridden');
  });

  it('follows the labels, the annotations and the deletion of what it guards', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('policy');
    const at = { namespace: ns, name: 'web' };
    const change = (metadata: object): Promise<unknown> =>
      client.patch(resources.deployments, at, { type: 'merge', body: { metadata } });
    await client.create(resources.rollbackPolicies, policy(ns, 'team', { selector: { matchLabels: { team: 'a' } } }));
    await client.create(resources.deployments, deployment(ns, 'web'));
    await says(ns, 'team', 'Ready=False TargetNotFound', 'Overridden=False NotOverridden');
    await change({ labels: { team: 'a' } });
    await says(ns, 'team', 'Ready=True InForce', 'Overridden=False NotOverridden');
    await change({ annotations: { [annotations.pause]: 'true' } });
    await says(ns, 'team', 'Ready=False Paused', 'Overridden=False NotOverridden');
    await client.delete(resources.deployments, at);
    await says(ns, 'team', 'Ready=False TargetNotFound', 'Overridden=False NotOverridden');
  });

  it('is written once for what it says, and not again while that is so', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('policy');
    await client.create(resources.deployments, deployment(ns, 'web'));
    await client.create(resources.rollbackPolicies, policy(ns, 'web', { targetRef: { name: 'web' } }));
    await says(ns, 'web', 'Ready=True InForce', 'Overridden=False NotOverridden');
    // Not the status that it had before its workload was seen: a write over that one is refused, and repeated.
    await eventually(
      () =>
        watched.caches.rollbackPolicies
          .get({ namespace: ns, name: 'web' })
          ?.status?.conditions?.some(({ reason }) => reason === 'InForce'),
      { what: 'the status' },
    );
    requests.length = 0;
    const body = { metadata: { annotations: { note: 'nothing of ours' } } };
    await client.patch(resources.deployments, { namespace: ns, name: 'web' }, { type: 'merge', body });
    // What comes later in the same namespace looks at both.
    await client.create(resources.rollbackPolicies, policy(ns, 'other', { targetRef: { name: 'other' } }));
    await says(ns, 'other', 'Ready=False TargetNotFound', 'Overridden=False NotOverridden');
    await eventually(() => watched.caches.rollbackPolicies.get({ namespace: ns, name: 'other' })?.status, {
      what: 'the status',
    });
    await client.delete(resources.rollbackPolicies, { namespace: ns, name: 'other' });
    await eventually(() => watched.caches.rollbackPolicies.get({ namespace: ns, name: 'other' }) === undefined);
    assert.deepEqual(requests, ['PATCH 200']);
  });
});
