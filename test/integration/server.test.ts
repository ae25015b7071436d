import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { postRecord } from '../../sidecar/post.ts';
import type { Settings } from '../../sidecar/settings.ts';
import { annotations, RECORD_AUDIENCE } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { createCaches } from '../../src/caches.ts';
import { systemClock } from '../../src/clock.ts';
import { createIntake } from '../../src/incident/index.ts';
import { createEventSink, createKubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import { createRecorder } from '../../src/release/index.ts';
import { createServer, type Server } from '../../src/server/index.ts';
import { createSnapshotStore } from '../../src/snapshot/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { type CertificateKeeper, createCertificateKeeper } from '../../webhook/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { forgedCalls, hanging, openHanging, send } from '../support/hostile-caller.ts';
import { eventually } from '../support/poll.ts';

describe('the record endpoint', () => {
  const plane = useControlPlane();
  const dir = mkdtempSync(join(tmpdir(), 'metricops-server-'));
  const metrics = createMetrics();
  const log = silentLog();
  let watched: ReturnType<typeof createCaches>;
  let certificates: CertificateKeeper;
  let server: Server;
  let ports: { http: number; records: number; probes: number };
  let client: ReturnType<typeof createKubeClient>;
  /** Requests of the server to the API server, by verb; watches are not counted. */
  const requests = new Map<string, number>();

  before(async () => {
    const { kubeconfig, namespace } = plane();
    client = createKubeClient(await loadConnection({ kubeconfig }), {
      onRequest: (verb) => verb !== 'WATCH' && requests.set(verb, (requests.get(verb) ?? 0) + 1),
    });
    const random = Math.random;
    watched = createCaches(client, { clock: systemClock, random });
    await watched.ready();
    certificates = createCertificateKeeper(
      { client, clock: systemClock, log, metrics },
      { namespace: await namespace('server'), name: 'metricops-webhook-certs' },
      ['localhost'],
    );
    const snapshots = createSnapshotStore(client, Buffer.from('integration-test-key-0123456789ab'), systemClock);
    const { caches } = watched;
    const recorder = createRecorder({
      client,
      caches,
      snapshots,
      clock: systemClock,
      random,
      log,
      metrics,
      systemNamespace: 'metricops-system',
    });
    const intake = createIntake({
      client,
      caches,
      clock: systemClock,
      random,
      log,
      metrics,
      occurred: createEventSink(client, { instance: 'test', clock: systemClock }),
      onIncident: () => {},
    });
    server = createServer(
      {
        clock: systemClock,
        log,
        registry: metrics.registry,
        refusedRequests: metrics.refusedRequests,
        alerts: (body) => intake.receive(body),
        records: (token) => recorder.record(token),
        push: {
          targets: () => [{ namespace: 'shop', name: 'shop', urls: ['https://git.example.com/team/shop.git'] }],
          request: async (target) =>
            void (await client.patch(resources.gitSyncs, target, { type: 'merge', body: {} }).catch(() => {})),
        },
        secrets: { alertmanager: async () => 'alert-token', push: async () => 'push-token' },
        isReady: () => true,
        certificates,
      },
      { httpPort: 0, recordsPort: 0, probesPort: 0, host: '127.0.0.1', drainMs: 1000 },
    );
    ({ ports } = await server.start());
    await certificates.ready();
  });
  after(async () => {
    await server?.stop();
    await certificates?.stop();
    await watched?.stop();
    await client?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const settings = (token: string, ca: string | undefined): Settings => {
    writeFileSync(join(dir, 'token'), token);
    return {
      recordUrl: new URL(`https://localhost:${ports.records}/api/v1/records`),
      tokenFile: join(dir, 'token'),
      caFile: join(dir, 'absent'),
      ca,
      port: 0,
      app: undefined,
    };
  };
  /** As the sidecar does it. */
  const report = (token: string) => postRecord(settings(token, certificates.current()?.bundle));

  const workload = (namespace: string): KubeObject => {
    const template = {
      metadata: { labels: { app: 'web' }, annotations: { [annotations.inject]: 'true' } },
      spec: { containers: [{ name: 'web', image: 'shop/web:v1' }] },
    };
    const spec = { replicas: 1, selector: { matchLabels: { app: 'web' } }, serviceName: 'web', template };
    return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'web', namespace }, spec };
  };

  it('takes the report of a sidecar over TLS, of a StatefulSet too', async () => {
    const { client, namespace, kubectl } = plane();
    const ns = await namespace('server');
    await client.create(resources.statefulSets, workload(ns));
    await eventually(() => watched.caches.pods.get({ namespace: ns, name: 'web-0' }));
    const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', 'web-0', '--audience', RECORD_AUDIENCE];
    const token = kubectl(['create', 'token', 'default', '-n', ns, ...bound]).trim();
    const first = await eventually(async () => {
      const answer = await report(token);
      return answer.status === 201 ? answer : undefined;
    });
    assert.deepEqual(first.body, { release: 1, workload: `statefulset/${ns}/web` });
    assert.equal((await report(token)).status, 200);
    const history = await client.get<ReleaseHistory>(resources.releaseHistories, {
      namespace: ns,
      name: 'statefulset-web',
    });
    assert.match(history?.spec.releases?.[0]?.revision ?? '', /^web-/);
  });

  it('says in words of the catalogue why it takes a token not', async () => {
    const answer = await report('not.a.token');
    assert.equal(answer.status, 401);
    assert.equal(answer.body?.code, 'TokenMalformed');
    assert.equal(typeof answer.body?.next, 'string');
    assert.doesNotMatch(JSON.stringify(answer.body), /not\.a\.token/);
  });

  it('shows a certificate that only the right bundle verifies', async () => {
    await assert.rejects(postRecord(settings('x.y.z', undefined)), /certificate|self-signed/i);
  });

  it('counts reports in the metrics', async () => {
    await report('not.a.token');
    const text = await (await fetch(`http://127.0.0.1:${ports.http}/metrics`)).text();
    assert.match(text, /metricops_release_records_total\{result="refused"\} [1-9]/);
  });

  it('takes alerts and push hooks over TLS, too', async () => {
    const target = { port: ports.records, tls: true };
    const body = JSON.stringify({ version: '4', alerts: [] });
    const headers = { authorization: 'Bearer alert-token' };
    assert.equal(await send(target, { path: '/api/v1/alerts', headers, body }), 200);
    const hook = { path: '/api/v1/push/shop/shop', headers: { 'x-gitlab-token': 'push-token' } };
    assert.equal(await send(target, hook), 202);
  });

  it('writes nothing for forged alerts, hooks and records, whatever they look like', async function () {
    this.timeout(60_000);
    await report('not.a.token'); // by now, the cluster's keys were read
    requests.clear();
    const begun = performance.now();
    for (const call of forgedCalls()) {
      const status = await send({ port: ports[call.at], tls: call.at === 'records' }, call);
      assert.ok(call.refusedBy.includes(status), `${call.name} at ${call.at}: ${status}`);
    }
    const reads = requests.get('GET') ?? 0;
    requests.delete('GET');
    assert.deepEqual([...requests], []);
    // A key that nobody has may be a new one of the cluster: asked for in two requests, at most every ten seconds.
    assert.ok(reads <= 2 * (1 + Math.ceil((performance.now() - begun) / 10_000)), `${reads} reads`);
  });

  it('writes once a second for a hook that is replayed', async () => {
    requests.clear();
    const hook = { path: '/api/v1/push/shop/shop', headers: { authorization: 'Bearer push-token' } };
    const answers = await Promise.all(Array.from({ length: 50 }, () => send({ port: ports.http }, hook)));
    assert.deepEqual(new Set(answers), new Set([202]));
    assert.ok((requests.get('PATCH') ?? 0) <= 2, `${requests.get('PATCH')} writes`);
  });

  it('takes reports while others hold its port, without a handshake or in the middle of a request', async () => {
    const text = hanging['half the headers'];
    const from = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'];
    const silent = await openHanging({ port: ports.records }, { count: 1_000, text: '', from });
    const slow = await openHanging({ port: ports.records, tls: true }, { count: 50, text, from: ['127.0.0.6'] });
    await eventually(async () => (await report('not.a.token')).status === 401, { timeoutMs: 10_000 });
    await eventually(() => silent.open() + slow.open() === 0, { what: 'an end of those that never ask' });
  });
});
