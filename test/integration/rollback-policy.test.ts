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
  /** Of 100 requests a second none takes longer than 0.3 s. */
  const fast = (pod: string): string[] =>
    ['_bucket{le="0.3",', '_bucket{le="+Inf",', '_count{'].map(
      (head) =>
        `http_request_duration_seconds${head}namespace="shop",service="checkout",pod="${pod}"} ${Math.round((Date.now() - start) / 10) + 1}\n`,
    );
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(
      [
        series('checkout-hash1-a', '200', 100),
        series('checkout-hash2-a', '200', 80),
        series('checkout-hash2-a', '500', 20),
        ...['checkout-hash1-a', 'checkout-hash2-a'].flatMap(fast),
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

  before(async function () {
    this.timeout(60_000);
    shop = await startShop();
    const { groups } = load(readFileSync(join(ROOT, 'examples/prometheus-rules.yaml'), 'utf8')) as { groups: object[] };
    // Of every workload: its alerts would have their labels from the expression.
    const any = { alert: 'Any', expr: 'sum by (namespace, deployment) (up{job="nothing"}) > 1' };
    prometheus = await startPrometheusFixture({
      targets: [`127.0.0.1:${(shop.address() as AddressInfo).port}`],
      rules: { groups: [...groups, { name: 'any', rules: [any] }] },
    });
    const { client } = plane();
    watched = createCaches(client, { clock: systemClock, random: Math.random });
    await watched.ready();
    const { caches } = watched;
    const common = { clock: systemClock, random: Math.random, log: silentLog() };
    const occurred = createEventSink(client, { instance: 'test', clock: systemClock });
    const queries = createQueryQueue(createPrometheus({ url: prometheus.url }), systemClock);
    const requests = 'sum(rate(http_requests_total[1h]))';
    await eventually(async () => (await queries('shop').query(requests)).length > 0, { what: 'requests' });
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
    const writer = createKubeClient(await loadConnection({ kubeconfig: plane().kubeconfig }));
    const policies = startPolicyStatus({
      ...common,
      client: writer,
      caches,
      queries,
      systemNamespace: 'metricops-system',
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
    return (found?.status?.conditions ?? [])
      .filter(({ type }) => ['Ready', 'Overridden'].includes(type))
      .map((c: Condition) => `${c.type}=${c.status} ${c.reason}`);
  };
  /** Once it was measured. */
  const measured = (namespace: string, name: string): Promise<string[]> =>
    eventually(
      async () => {
        const found = await plane().client.get<RollbackPolicy>(resources.rollbackPolicies, { namespace, name });
        const { conditions: all = [] } = found?.status ?? {};
        return all.length === 4 && all.map((c: Condition) => `${c.type}=${c.status} ${c.reason}`);
      },
      { what: 'what Prometheus knows of it' },
    );
  /** Release 2 runs, and release 1 can be gone back to. */
  const recorded = async (namespace: string, name: string): Promise<void> => {
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
    await plane().client.create(resources.releaseHistories, {
      apiVersion: API_VERSION,
      kind: 'ReleaseHistory',
      metadata: { namespace, name: `deployment-${name}` },
      spec: {
        workloadRef: { kind: 'Deployment', name },
        currentRelease: 2,
        releases: [release(2, 5), release(1, 900)],
      },
    });
  };
  const historyOf = async (namespace: string, name: string): Promise<object> =>
    (await plane().client.get(resources.releaseHistories, { namespace, name: `deployment-${name}` }))?.spec as object;
  const says = (namespace: string, name: string, ...expected: string[]): Promise<unknown> =>
    eventually(
      async () => {
        assert.deepEqual(await conditions(namespace, name), expected);
        return true;
      },
      { what: `${name}: ${expected}` },
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
    await says('shop', 'checkout', 'Ready=False NoHistory', 'Overridden=False NotOverridden');
    await recorded('shop', 'checkout');
    await says('shop', 'checkout', 'Ready=True InForce', 'Overridden=False NotOverridden');
    assert.deepEqual(await measured('shop', 'checkout'), [
      'Ready=True InForce',
      'Overridden=False NotOverridden',
      'Measured=True IndicatorMeasured',
      'AlertsReach=True AlertRuleLoaded',
    ]);
    const [head = '', row = ''] = kubectl(['get', 'rollbackpolicies', '-n', 'shop']).split('\n');
    assert.match(head, /^NAME +TARGET +MODE +READY +REASON +AGE$/);
    assert.match(row, /^checkout +checkout +Auto +True +InForce +[0-9]+s$/);

    const history = { namespace: 'shop', name: 'deployment-checkout' };
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
    await recorded(ns, 'web');
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
    await recorded(ns, 'web');
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
    const at = { namespace: ns, name: 'web' };
    await client.create(resources.deployments, deployment(ns, 'web'));
    await recorded(ns, 'web');
    await client.create(resources.rollbackPolicies, policy(ns, 'web', { targetRef: { name: 'web' } }));
    await measured(ns, 'web');
    await says(ns, 'web', 'Ready=True InForce', 'Overridden=False NotOverridden');
    const version = async () => (await client.get(resources.rollbackPolicies, at))?.metadata.resourceVersion;
    const before = await version();
    const body = { metadata: { annotations: { note: 'nothing of ours' } } };
    await client.patch(resources.deployments, at, { type: 'merge', body });
    // What comes later in the same namespace looks at both.
    await client.create(resources.rollbackPolicies, policy(ns, 'other', { targetRef: { name: 'other' } }));
    await measured(ns, 'other');
    await client.delete(resources.rollbackPolicies, { namespace: ns, name: 'other' });
    await eventually(() => watched.caches.rollbackPolicies.get({ namespace: ns, name: 'other' }) === undefined);
    assert.equal(await version(), before);
  });

  it('is not ready where Prometheus has no requests, and where no rule would report a burn', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('policy');
    await client.create(resources.deployments, deployment(ns, 'web'));
    await recorded(ns, 'web');
    const ratio = { errors: 'sum(rate(nothing{code="500"}[$window]))', total: 'sum(rate(nothing[$window]))' };
    const objectives = [{ name: 'availability', target: '99.9', indicator: { ratio } }];
    await client.create(resources.rollbackPolicies, policy(ns, 'web', { targetRef: { name: 'web' }, objectives }));
    await says(ns, 'web', 'Ready=False NoData', 'Overridden=False NotOverridden');
    const { spec, ...store } = deployment(ns, 'store');
    await client.create(resources.statefulSets, {
      ...store,
      kind: 'StatefulSet',
      spec: { ...(spec as object), serviceName: 'store' },
    });
    const targetRef = { kind: 'StatefulSet', name: 'store' };
    await client.create(resources.releaseHistories, {
      apiVersion: API_VERSION,
      kind: 'ReleaseHistory',
      metadata: { namespace: ns, name: 'statefulset-store' },
      spec: { ...(await historyOf(ns, 'web')), workloadRef: targetRef },
    });
    await client.create(resources.rollbackPolicies, policy(ns, 'store', { targetRef }));
    await says(ns, 'store', 'Ready=False NoAlertRule', 'Overridden=False NotOverridden');
    const listed = plane().kubectl(['get', 'rollbackpolicies', '-n', ns]);
    assert.match(listed, /^store +store +Auto +False +NoAlertRule/m);
    assert.match(listed, /^web +web +Auto +False +NoData/m);
  });
});
