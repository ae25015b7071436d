import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'mocha';
import { API_VERSION, annotations } from '../../src/api/annotations.ts';
import type { Incident } from '../../src/api/incident.ts';
import { createCaches } from '../../src/caches.ts';
import { systemClock } from '../../src/clock.ts';
import { newRollback } from '../../src/holds/index.ts';
import { resources } from '../../src/kube/index.ts';
import { startLastWords } from '../../src/last-words/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { issueCa, issueLeaf } from '../../webhook/issue.ts';
import { runCli } from '../support/cli.ts';
import { useControlPlane } from '../support/cluster.ts';
import { digest, evidence, verdict } from '../support/incident.ts';
import { eventually } from '../support/poll.ts';

const NODE = 'node-of-last-words';

/** Through the real API server, from a server of the test in the place of a kubelet: no pod runs. */
describe('the logs of a release that is rolled back', () => {
  const plane = useControlPlane();
  const asked: string[] = [];
  let kubelet: Server;
  let stops: (() => Promise<unknown>)[] = [];

  before(async function () {
    this.timeout(60_000);
    const { certificate, key } = await issueLeaf(await issueCa(Date.now()), ['127.0.0.1'], Date.now());
    kubelet = createServer({ cert: certificate, key }, (request, response) => {
      const url = new URL(request.url ?? '', 'https://kubelet');
      asked.push(
        `${url.pathname} previous=${url.searchParams.get('previous')} tail=${url.searchParams.get('tailLines')}`,
      );
      if (url.searchParams.get('previous') !== 'true') response.writeHead(400).end('the container does not run');
      else response.writeHead(200, { 'content-type': 'text/plain' }).end('no such table: orders\n');
    });
    await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
    const { client } = plane();
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };
    await client.create(resources.nodes, node);
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } },
    };
    await client.patch(resources.nodes, node.metadata, { type: 'merge', body: { status } }, { subresource: 'status' });
    const ports = { clock: systemClock, random: Math.random };
    const watched = createCaches(client, ports);
    await watched.ready();
    const room = startLastWords({ ...ports, client, caches: watched.caches, log: silentLog() });
    stops = [room.stop, watched.stop];
  });
  after(async () => {
    for (const stop of stops) await stop();
    kubelet?.closeAllConnections();
    kubelet?.close();
    await plane().client.delete(resources.nodes, { name: NODE });
  });

  /** A Deployment whose one pod crashes, as its kubelet would say. */
  const crashing = async (namespace: string): Promise<void> => {
    const { client } = plane();
    const labels = { app: 'web' };
    const containers = [{ name: 'app', image: 'web:2' }];
    await client.create(resources.deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name: 'web', annotations: { [annotations.sourceDigest]: digest(2) } },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { nodeName: NODE, containers } },
      },
    });
    const pod = await eventually(async () => (await client.list(resources.pods, { namespace })).items[0], {
      what: 'the pod',
    });
    const ended = { exitCode: 1, reason: 'Error', containerID: 'containerd://a' };
    const container = { name: 'app', image: 'web:2', imageID: '', ready: false, restartCount: 4 };
    const state = { waiting: { reason: 'CrashLoopBackOff' } };
    const status = { containerStatuses: [{ ...container, state, lastState: { terminated: ended } }] };
    await client.patch(resources.pods, pod.metadata, { type: 'merge', body: { status } }, { subresource: 'status' });
  };

  it('are read through the API server beside the Hold, printed by explain, and deleted with the incident', async function () {
    this.timeout(180_000);
    const { client, kubeconfig, namespace: fresh } = plane();
    const namespace = await fresh('logs');
    await crashing(namespace);
    const name = { namespace, name: 'web-1' };
    await client.create<Incident>(resources.incidents, {
      apiVersion: API_VERSION,
      kind: 'Incident',
      metadata: name,
      spec: {
        workloadRef: { kind: 'Deployment', name: 'web' },
        suspect: { number: 2, sourceDigest: digest(2) },
        evidence: [evidence()],
      },
    });
    const status = { phase: 'RollingBack', verdict: verdict('Guilty') };
    await client.patch(resources.incidents, name, { type: 'merge', body: { status } }, { subresource: 'status' });
    const hold = newRollback({
      workload: { kind: 'Deployment', namespace, name: 'web' },
      digest: digest(2),
      target: { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's' } },
      images: [],
      origin: 'Incident',
      incident: 'web-1',
      message: 'it crashes',
    });
    await client.create(resources.holds, hold);
    const logs = await eventually(async () => (await client.get<Incident>(resources.incidents, name))?.status?.logs, {
      what: 'status.logs',
    });
    assert.match(logs.message, /^last log lines of 1 of 1 pod of release 2; app of web-\S+: .*exit code 1 \(Error\)/);
    assert.equal(asked.length, 1);
    assert.match(asked[0] ?? '', new RegExp(`^/containerLogs/${namespace}/web-[^/]+/app previous=true tail=50$`));
    const { out } = await runCli(kubeconfig, ['explain', 'web-1', '--logs', '-n', namespace]);
    assert.match(out, /^-- Log before its last restart:\nno such table: orders$/m);
    const secret = await client.get(resources.secrets, { namespace, name: logs.secretRef?.name ?? '' });
    assert.equal(secret?.type, 'metricops.dev/logs');
    // The garbage collector may need half a minute to know a new kind.
    await client.delete(resources.incidents, name);
    await eventually(async () => !(await client.get(resources.secrets, secret.metadata)), {
      what: 'the end of the Secret',
      timeoutMs: 120_000,
    });
  });
});
