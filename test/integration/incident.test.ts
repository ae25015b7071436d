import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { Release, ReleaseHistory } from '../../src/api/release-history.ts';
import type { Guardrails } from '../../src/api/rollback-policy.ts';
import { createCaches } from '../../src/caches.ts';
import { systemClock } from '../../src/clock.ts';
import { newRollback } from '../../src/holds/index.ts';
import { createIntake, type IncidentController, type Intake, startIncidents } from '../../src/incident/index.ts';
import { needsPerson } from '../../src/incident/phases.ts';
import { createEventSink, createKubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import { createPrometheus, createQueryQueue, type Prometheus } from '../../src/slo/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { type PrometheusFixture, startPrometheusFixture } from '../support/prometheus.ts';

const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
/** Requests a second; the $window that an indicator needs changes nothing. */
const windowed = (rate: string): string => `avg_over_time((${rate})[$window:1s])`;
/** A fifth of 100 requests a second fails since release 2 is current. */
const failing = (): string => `20 * (vector(time()) > bool ${Math.round(Date.now() / 1000) - 299})`;
/** A bug of ours that one expression meets. */
const withBug = (prometheus: Prometheus): Prometheus => ({
  ...prometheus,
  query: (expression, at) => {
    if (expression.includes('metricops_test_bug')) throw new TypeError('nobody foresaw this');
    return prometheus.query(expression, at);
  },
  queryRange: (expression, range) => {
    if (expression.includes('metricops_test_bug')) throw new TypeError('nobody foresaw this');
    return prometheus.queryRange(expression, range);
  },
});
const CLUSTER = { label: 'cluster', value: 'test' };

describe('alerts and incidents', () => {
  const plane = useControlPlane();
  let intake: Intake;
  let controller: IncidentController;
  let watched: ReturnType<typeof createCaches>;
  let prometheus: PrometheusFixture;
  const metrics = createMetrics();
  /** Another replica's intake, and what it sends to the API server. */
  const requests: string[] = [];
  let otherClient: Awaited<ReturnType<typeof createKubeClient>>;
  let other: Intake;

  before(async function () {
    this.timeout(60_000);
    prometheus = await startPrometheusFixture();
    const { client } = plane();
    watched = createCaches(client, { clock: systemClock, random: Math.random });
    await watched.ready();
    const common = { client, caches: watched.caches, clock: systemClock, log: silentLog(), metrics };
    const occurred = createEventSink(client, { instance: 'test', clock: systemClock });
    controller = await startIncidents({
      ...common,
      queries: createQueryQueue(withBug(createPrometheus({ url: prometheus.url })), systemClock),
      random: Math.random,
      occurred,
      onHold: () => {},
      refusalOf: async () => undefined,
      obstacleTo: async () => undefined,
    });
    const replica = { ...common, occurred, random: Math.random, cluster: CLUSTER };
    intake = createIntake({ ...replica, onIncident: (incident) => controller.notify(incident) });
    otherClient = createKubeClient(await loadConnection({ kubeconfig: plane().kubeconfig }), {
      onRequest: (verb, code) => requests.push(`${verb} ${code}`),
    });
    other = createIntake({ ...replica, client: otherClient, onIncident: () => {} });
  });
  after(async () => {
    await controller?.stop();
    await watched?.stop();
    await otherClient?.close();
    await prometheus?.stop();
  });

  const alert = (namespace: string, labels: Record<string, string> = {}, rest: object = {}) => ({
    status: 'firing',
    startsAt: new Date().toISOString(),
    labels: { alertname: 'Burn', cluster: 'test', namespace, metricops_policy: 'web', ...labels },
    ...rest,
  });
  const post = (...alerts: object[]) => intake.receive({ version: '4', receiver: 'x', alerts, fieldOfTheFuture: 1 });
  const incidents = async (namespace: string): Promise<Incident[]> =>
    (await plane().client.list<Incident>(resources.incidents, { namespace })).items;
  const phase = (namespace: string, want: string) =>
    eventually(
      async () => {
        const [incident] = await incidents(namespace);
        if (incident?.status?.phase === want) return incident;
        throw new Error(JSON.stringify(incident?.status));
      },
      { what: `phase ${want}`, timeoutMs: 20_000 },
    );
  const waiting = (namespace: string) =>
    eventually(
      async () => {
        const [incident] = await incidents(namespace);
        if (incident && needsPerson(incident)) return incident;
        throw new Error(JSON.stringify(incident?.status));
      },
      { what: 'an incident that needs a person', timeoutMs: 20_000 },
    );
  const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
  const release = (number: number, rest: Partial<Release> = {}): Release => ({
    number,
    sourceDigest: digest(number),
    workloadUID: 'u',
    images: [],
    snapshotRef: { name: `snapshot-${number}` },
    revision: `hash${number}`,
    firstSeenTime: ago(600 / number),
    readyTime: ago(500 / number),
    outcome: number === 1 ? 'Superseded' : 'Active',
    ...rest,
  });

  /** A namespace with a workload, a policy and a recorded history. */
  const workload = async (
    releases: Release[],
    policy: Partial<Guardrails> = { mode: 'Auto' },
    { errors = failing(), total = 'vector(100)' } = {},
  ): Promise<string> => {
    const { client, namespace } = plane();
    const ns = await namespace('incident');
    const ratio = { errors: windowed(errors), total: windowed(total), podLabel: '' };
    await client.create(resources.rollbackPolicies, {
      apiVersion: API_VERSION,
      kind: 'RollbackPolicy',
      metadata: { namespace: ns, name: 'web' },
      spec: {
        targetRef: { kind: 'Deployment', name: 'web' },
        ...policy,
        objectives: [{ name: 'availability', target: '99', indicator: { ratio } }],
      },
    });
    const name = { namespace: ns, name: 'deployment-web' };
    if (releases.length > 0) {
      const history: ReleaseHistory = {
        apiVersion: API_VERSION,
        kind: 'ReleaseHistory',
        metadata: name,
        spec: { workloadRef: { kind: 'Deployment', name: 'web' }, currentRelease: releases[0]?.number, releases },
      };
      await client.create(resources.releaseHistories, history);
    }
    await eventually(() => watched.caches.rollbackPolicies.get({ namespace: ns, name: 'web' }), {
      what: 'the policy in the cache',
    });
    if (releases.length > 0)
      await eventually(() => watched.caches.histories.get(name), { what: 'the history in the cache' });
    return ns;
  };

  it('stores evidence before it answers, rolls back once, whatever number of replicas deliver it', async () => {
    const ns = await workload([release(2), release(1)]);
    const same = alert(ns, {}, { fingerprint: 'f1' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(same)));
    assert.deepEqual(new Set(answers.map((a) => a.status)), new Set([200]));
    assert.equal((await incidents(ns)).length, 1);
    const incident = await phase(ns, 'RollingBack');
    assert.equal(incident.status?.verdict?.result, 'Guilty');
    assert.equal(incident.spec.evidence.length, 1);
    assert.equal(incident.metadata.generation, 1, 'what is known already is not written again');
    const holds = await eventually(async () => {
      const { items } = await plane().client.list<Hold>(resources.holds, { namespace: ns });
      return items.length > 0 ? items : undefined;
    });
    assert.equal(holds.length, 1);
    assert.deepEqual(holds[0]?.spec.rejectedDigests, [digest(2)]);
    assert.equal(holds[0]?.spec.target?.snapshotRef.name, 'snapshot-1');
  });

  it('stores 500 alerts of a workload with a handful of requests, also when two replicas get them at once', async () => {
    const ns = await workload([release(2), release(1)], { mode: 'Auto' }, { total: 'metricops_test_nothing' });
    const alerts = Array.from({ length: 500 }, (_, i) => alert(ns, { pod: `web-${i}` }));
    const body = { version: '4', alerts };
    requests.length = 0;
    const answers = await Promise.all([...Array.from({ length: 5 }, () => other.receive(body)), intake.receive(body)]);
    assert.deepEqual(new Set(answers.map((a) => a.status)), new Set([200]));
    assert.ok(requests.length <= 8, requests.join());
    const [incident, ...more] = await incidents(ns);
    assert.equal(more.length, 0);
    assert.deepEqual([incident?.spec.evidence.length, incident?.spec.truncated], [64, true]);
    requests.length = 0;
    assert.equal((await other.receive(body)).status, 200);
    assert.deepEqual(requests, [], 'the flood goes on, and says nothing new');
  });

  it('notes on the incident that Alertmanager left alerts out', async () => {
    const ns = await workload([release(2), release(1)], { mode: 'DryRun' });
    await intake.receive({ version: '4', alerts: [alert(ns)], truncatedAlerts: 7 });
    assert.equal((await phase(ns, 'Observed')).spec.truncated, true);
  });

  it('opens a new incident for a new burn, also when an older one of the release is gone', async () => {
    const ns = await workload([release(2), release(1)], { mode: 'DryRun' });
    const { client } = plane();
    for (let burn = 1; burn <= 3; burn += 1) {
      assert.equal((await post(alert(ns))).status, 200);
      const all = await eventually(async () => {
        const found = await incidents(ns);
        return found.length === Math.min(burn, 2) && found.every((i) => i.status?.phase === 'Observed') && found;
      });
      if (burn !== 2) continue;
      const [oldest] = all.toSorted((a, b) => (a.status?.closedTime ?? '').localeCompare(b.status?.closedTime ?? ''));
      await client.delete(resources.incidents, { namespace: ns, name: oldest?.metadata.name ?? '' });
      await eventually(() => watched.caches.incidents.list(ns).length === 1, { what: 'the end of the oldest' });
    }
  });

  it('sends away, and says on the policy, what comes while too many incidents of the namespace are open', async () => {
    const ns = await workload([release(2), release(1)]);
    const { client } = plane();
    // Releases of workloads that no rule speaks of: judged for as long as the alert rings.
    const open = async (name: string): Promise<void> => {
      const workload = { kind: 'Deployment' as const, name };
      const history = { namespace: ns, name: `deployment-${name}` };
      await client.create(resources.releaseHistories, {
        apiVersion: API_VERSION,
        kind: 'ReleaseHistory',
        metadata: history,
        spec: { workloadRef: workload, currentRelease: 2, releases: [release(2), release(1)] },
      });
      const times = { receivedTime: ago(0), lastReceivedTime: ago(0) };
      const rings = { source: 'Alertmanager', fingerprint: 'f', alert: 'A', status: 'firing', labels: {} } as const;
      await client.create<Incident>(resources.incidents, {
        apiVersion: API_VERSION,
        kind: 'Incident',
        metadata: { namespace: ns, name },
        spec: {
          workloadRef: workload,
          suspect: { number: 2, sourceDigest: digest(2) },
          evidence: [{ ...rings, ...times }],
        },
      });
    };
    await Promise.all(Array.from({ length: 50 }, (_, i) => open(`open-${i}`)));
    await eventually(() => watched.caches.incidents.list(ns).length === 50, { what: 'the open incidents' });
    const answer = await other.receive({ alerts: [alert(ns)] });
    assert.equal(answer.status, 503);
    assert.match(answer.message, /alerts of 1 of 1 workloads could not be stored; send them again/);
    const event = await eventually(async () => {
      const { items } = await client.list(resources.events, { namespace: ns });
      return items.find((e) => e.reason === 'TooManyIncidents');
    });
    assert.match(String(event.note), /50 incidents of the namespace are open/);
  });

  it('is not stopped by 10,000 alerts about nothing', async () => {
    requests.length = 0;
    const alerts = Array.from({ length: 10_000 }, (_, i) => alert(`nowhere-${i % 300}`, { pod: `p-${i}` }));
    assert.equal((await other.receive({ alerts })).status, 200);
    assert.deepEqual(requests, []);
    assert.ok(other.unmatched().length <= 100);
  });

  it('takes an alert without a fingerprint, and starts nothing new when it rings on', async () => {
    const ns = await workload([release(2), release(1)], { mode: 'DryRun' });
    const bare = alert(ns);
    assert.equal((await post(bare)).status, 200);
    await phase(ns, 'Observed');
    assert.equal((await post(bare)).status, 200);
    assert.equal((await incidents(ns)).length, 1, 'the same alert, still ringing, starts nothing new');
  });

  it('does no more than the platform allows, whatever the policy says', async () => {
    const policy = { name: 'default' };
    const { client } = plane();
    await client.create(resources.platformPolicies, {
      apiVersion: API_VERSION,
      kind: 'PlatformPolicy',
      metadata: policy,
      spec: { rollback: { maxMode: 'DryRun' } },
    });
    try {
      const isCapped = () => watched.caches.platform.current().rollback.maxMode === 'DryRun';
      await eventually(isCapped, { what: 'the policy in the cache' });
      const ns = await workload([release(2), release(1)], { mode: 'Auto' });
      await post(alert(ns));
      assert.equal((await phase(ns, 'Observed')).status?.verdict?.result, 'Guilty');
      assert.equal((await client.list(resources.holds, { namespace: ns })).items.length, 0);
    } finally {
      await client.delete(resources.platformPolicies, policy);
      await eventually(() => watched.caches.platform.current().rollback.maxMode !== 'DryRun', {
        what: 'the end of the policy',
      });
    }
  });

  it('creates nothing for an unknown workload, another namespace, or another cluster', async () => {
    const ns = await workload([release(2), release(1)]);
    const before = intake.unmatched().length;
    const { namespace: _, ...nowhere } = alert(ns).labels;
    await post(
      alert(ns, { metricops_policy: 'nothing' }),
      alert('elsewhere'),
      alert(ns, { cluster: 'other' }),
      alert(ns, {}, { labels: nowhere }),
    );
    assert.equal((await incidents(ns)).length, 0);
    assert.equal(intake.unmatched().length, before + 4);
  });

  it('says what a body is that is no delivery of Alertmanager', async () => {
    for (const body of [
      undefined,
      null,
      'text',
      [],
      {},
      { alerts: 'none' },
      { alerts: [{ status: 'on fire', labels: {} }] },
    ]) {
      const answer = await intake.receive(body);
      assert.equal(answer.status, 400);
      assert.match(answer.message, /not an Alertmanager webhook/);
    }
  });

  it('asks a person without a history', async () => {
    const ns = await workload([]);
    await post(alert(ns));
    assert.equal((await waiting(ns)).status?.reason, 'NoHistory');
  });

  it('asks a person with only one release', async () => {
    const ns = await workload([release(2)]);
    await post(alert(ns));
    assert.equal((await waiting(ns)).status?.reason, 'NoGoodRelease');
    assert.equal((await plane().client.list(resources.holds, { namespace: ns })).items.length, 0);
  });

  it('never rolls back what is itself a rollback', async () => {
    const ns = await workload([release(2, { restoredTime: ago(60) }), release(3, { outcome: 'Rejected' }), release(1)]);
    const hold = newRollback({
      workload: { kind: 'Deployment', namespace: ns, name: 'web' },
      digest: digest(3),
      target: { number: 2, sourceDigest: digest(2), snapshotRef: { name: 'snapshot-2' } },
      origin: 'Incident',
      message: '',
    });
    await plane().client.create(resources.holds, hold);
    await eventually(() => watched.caches.holds.get({ namespace: ns, name: hold.metadata.name }));
    await post(alert(ns));
    assert.equal((await waiting(ns)).status?.reason, 'RollbackOfRollback');
  });

  it('closes what waits for a person when its alerts end', async () => {
    const ns = await workload([release(2)]);
    const rings = alert(ns);
    await post(rings);
    await waiting(ns);
    await post({ ...rings, status: 'resolved' });
    const { status } = await phase(ns, 'Dismissed');
    assert.deepEqual(
      [status?.reason, status?.conditions?.find((c) => c.type === 'NeedsPerson')?.status],
      ['NoGoodRelease', 'False'],
    );
  });

  it('is approved by the Hold that it proposes, and says so to kubectl wait', async () => {
    const { client, kubectl } = plane();
    const ns = await workload([release(2), release(1)], { mode: 'Approve' });
    await post(alert(ns));
    const incident = await waiting(ns);
    const { reason, proposal } = incident.status ?? {};
    assert.equal(reason, 'AwaitingApproval');
    assert.ok(proposal);
    const { items } = await client.list<Hold>(resources.holds, { namespace: ns });
    assert.deepEqual(items, [], 'nothing is done before');
    const name = { namespace: ns, name: proposal.name };
    const hold = { apiVersion: API_VERSION, kind: 'Hold', metadata: name, spec: proposal.spec };
    await client.create<Hold>(resources.holds, hold);
    assert.deepEqual((await phase(ns, 'RollingBack')).status?.holdRef, { name: proposal.name });
    const status = { phase: 'Held', appliedTime: ago(0), observedGeneration: 1 };
    await client.patch(resources.holds, name, { type: 'merge', body: { status } }, { subresource: 'status' });
    await phase(ns, 'Verifying');
    const object = `incident/${incident.metadata.name}`;
    kubectl(['wait', object, '-n', ns, '--for=condition=RolledBack', '--timeout=20s']);
    await client.delete(resources.holds, name);
    assert.equal((await phase(ns, 'Dismissed')).status?.reason, 'HoldLifted');
  });

  it('is denied by a Hold, and stays closed while the same alert fires', async () => {
    const ns = await workload([release(2), release(1)], { mode: 'Approve' });
    const rings = alert(ns);
    await post(rings);
    const { metadata, spec, status } = await waiting(ns);
    await plane().client.create<Hold>(resources.holds, {
      apiVersion: API_VERSION,
      kind: 'Hold',
      metadata: { namespace: ns, name: status?.proposal?.name ?? '' },
      spec: {
        workloadRef: spec.workloadRef,
        action: 'Deny',
        origin: 'Manual',
        incidentRef: { name: metadata.name },
      },
    });
    assert.equal((await phase(ns, 'Dismissed')).status?.reason, 'Denied');
    await post(rings);
    assert.equal((await incidents(ns)).length, 1);
  });

  it('is inconclusive as long as Prometheus has no data', async () => {
    const ns = await workload([release(2), release(1)], { mode: 'Auto' }, { total: 'metricops_test_nothing' });
    await post(alert(ns));
    const { status } = await phase(ns, 'Judging');
    assert.deepEqual([status?.verdict?.result, status?.verdict?.reason], ['Inconclusive', 'NoData']);
    assert.equal((await plane().client.list(resources.holds, { namespace: ns })).items.length, 0);
  });

  it('does not blame a release whose errors nobody counts', async () => {
    const ns = await workload([release(2), release(1)], { mode: 'Auto' }, { errors: 'metricops_test_nothing' });
    await post(alert(ns));
    const { status } = await phase(ns, 'Judging');
    assert.deepEqual([status?.verdict?.result, status?.verdict?.reason], ['NotGuilty', 'NotBurning']);
  });

  it('says on the incident that a bug was met there, and goes on with the others', async () => {
    const bad = await workload([release(2), release(1)], { mode: 'Auto' }, { total: 'metricops_test_bug' });
    await post(alert(bad));
    const stalled = await eventually(async () =>
      (await incidents(bad))[0]?.status?.conditions?.find(({ type }) => type === 'Stalled'),
    );
    assert.deepEqual([stalled.type, stalled.status, stalled.reason], ['Stalled', 'True', 'InternalError']);
    const good = await workload([release(2), release(1)]);
    await post(alert(good));
    await phase(good, 'RollingBack');
    const [incident] = await incidents(bad);
    await eventually(() => watched.caches.incidents.get(incident?.metadata ?? { name: '' })?.status?.conditions);
    await plane().client.delete(resources.incidents, { namespace: bad, name: incident?.metadata.name ?? '' });
  });

  it('is inconclusive while Prometheus is down, and judges when it is back', async () => {
    const ns = await workload([release(2), release(1)]);
    await prometheus.pause();
    await post(alert(ns));
    const { status } = await phase(ns, 'Judging');
    assert.deepEqual([status?.verdict?.result, status?.verdict?.reason], ['Inconclusive', 'PrometheusUnreachable']);
    await prometheus.resume();
    await phase(ns, 'RollingBack');
  });
});
