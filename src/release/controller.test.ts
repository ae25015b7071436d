import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'mocha';
import { type ApiServer, createApiServer } from '../../test/support/api-server.ts';
import { eventually } from '../../test/support/poll.ts';
import { API_VERSION } from '../api/annotations.ts';
import type { ObjectMeta } from '../api/meta.ts';
import { createCaches } from '../caches.ts';
import { systemClock } from '../clock.ts';
import { apiVersionOf, type ResourceType, resources } from '../kube/index.ts';
import { createSnapshotStore } from '../snapshot/index.ts';
import { createLog, createMetrics, silentLog } from '../telemetry/index.ts';
import { createRecorder } from './recorder.ts';
import type { RecorderPorts } from './types.ts';

const seedWorkload = (server: ApiServer, namespace: string): void => {
  const labels = { app: 'web' };
  const metadata = { labels, annotations: { 'metricops.dev/inject': 'true' } };
  const template = { metadata, spec: { containers: [{ name: 'c', image: 'web:1' }] } };
  server.seed(resources.deployments, {
    metadata: { namespace, name: 'web' },
    spec: { selector: { matchLabels: labels }, template },
  });
};

/** Of the Deployment `web`, by its ReplicaSet. */
const seedPod = (server: ApiServer, namespace: string): ObjectMeta => {
  const ownedBy = (type: ResourceType, name: string) => {
    const { uid = '' } = server.get(type, namespace, name)?.metadata ?? {};
    return [{ apiVersion: apiVersionOf(type), kind: type.kind, name, uid, controller: true }];
  };
  const replicaSet = { namespace, name: 'web-1', ownerReferences: ownedBy(resources.deployments, 'web') };
  server.seed(resources.replicaSets, { metadata: replicaSet, spec: {} });
  const pod = { namespace, name: 'web-1-a', ownerReferences: ownedBy(resources.replicaSets, 'web-1') };
  return server.seed(resources.pods, { metadata: pod, spec: {}, status: {} }).metadata;
};

const recorderOf = async (server: ApiServer, ports: Partial<RecorderPorts> = {}) => {
  const { client } = server;
  const time = { clock: systemClock, random: Math.random };
  const watched = createCaches(client, time);
  await watched.ready();
  const snapshots = createSnapshotStore(client, Buffer.from('0123456789abcdef0123456789abcdef'), systemClock);
  const common = {
    ...time,
    client,
    snapshots,
    log: silentLog(),
    metrics: createMetrics(),
    systemNamespace: 'metricops-system',
  };
  return { watched, recorder: createRecorder({ ...common, caches: watched.caches, ...ports }) };
};

describe('the leader of the recorders', () => {
  it('records workloads beside a history and a Hold that say nothing', async () => {
    const server = createApiServer({ namespaces: ['shop', 'evil'] });
    for (const type of [resources.releaseHistories, resources.holds])
      server.seed(type, { apiVersion: API_VERSION, kind: type.kind, metadata: { namespace: 'evil', name: 'bare' } });
    seedWorkload(server, 'shop');
    const { recorder, watched } = await recorderOf(server);
    const stop = new AbortController();
    const ended = recorder.start(stop.signal);
    const history = () => server.get(resources.releaseHistories, 'shop', 'deployment-web');
    await Promise.race([eventually(history, { what: 'the history' }), ended]);
    assert.ok(history());
    stop.abort();
    await ended;
    await watched.stop();
  });
});

describe('in a namespace that is being deleted', () => {
  for (const [when, isSeen] of [
    ['', true],
    [', before the watch shows it,', false],
  ] as const)
    it(`nothing${when} is recorded, and nothing is warned of`, async () => {
      const server = createApiServer({ namespaces: ['shop', 'other'] });
      const before = server.get(resources.namespaces, '', 'shop');
      // It ends slowly; the workload in it is there yet.
      server.seed(resources.configMaps, { metadata: { namespace: 'shop', name: 'slow', finalizers: ['a/b'] } });
      await server.client.delete(resources.namespaces, { name: 'shop' });
      for (const namespace of ['shop', 'other']) seedWorkload(server, namespace);
      const pod = seedPod(server, 'shop');
      const lines: string[] = [];
      const destination = new Writable({
        write(chunk, _, done) {
          lines.push(String(chunk));
          done();
        },
      });
      const identity = { namespace: 'shop', pod: pod.name, podUID: pod.uid ?? '', serviceAccount: 'default' };
      const verifier = { verify: async () => identity };
      const { recorder, watched } = await recorderOf(server, { log: createLog({ destination }), verifier });
      if (!isSeen) {
        const { get } = watched.caches.namespaces;
        watched.caches.namespaces.get = (name) => (name.name === 'shop' ? before : get(name));
      }
      const stop = new AbortController();
      const ended = recorder.start(stop.signal);
      const answer = await recorder.record('a token');
      await eventually(() => server.get(resources.releaseHistories, 'other', 'deployment-web'), { what: 'the other' });
      stop.abort();
      await ended;
      await watched.stop();
      assert.deepEqual([answer.status, 'code' in answer && answer.code], [202, 'NoHistory']);
      assert.deepEqual(
        lines.filter((line) => !line.includes('release recorded')),
        [],
      );
      const asked = server.requests.filter(({ verb, namespace }) => verb === 'create' && namespace === 'shop');
      assert.equal(asked.length > 0, !isSeen);
    });
});
