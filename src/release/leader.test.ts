import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { eventually } from '../../test/support/poll.ts';
import { API_VERSION } from '../api/annotations.ts';
import { createCaches } from '../caches.ts';
import { systemClock } from '../clock.ts';
import { resources } from '../kube/index.ts';
import { createSnapshotStore } from '../snapshot/index.ts';
import { createMetrics, silentLog } from '../telemetry/index.ts';
import { createRecorder } from './recorder.ts';

describe('the leader of the recorders', () => {
  it('records workloads beside a history and a Hold that say nothing', async () => {
    const server = createApiServer({ namespaces: ['shop', 'evil'] });
    for (const type of [resources.releaseHistories, resources.holds])
      server.seed(type, { apiVersion: API_VERSION, kind: type.kind, metadata: { namespace: 'evil', name: 'bare' } });
    const labels = { app: 'web' };
    server.seed(resources.deployments, {
      metadata: { namespace: 'shop', name: 'web' },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations: { 'metricops.dev/inject': 'true' } },
          spec: { containers: [{ name: 'c', image: 'web:1' }] },
        },
      },
    });
    const { client } = server;
    const ports = { clock: systemClock, random: Math.random };
    const watched = createCaches(client, ports);
    await watched.ready();
    const snapshots = createSnapshotStore(client, Buffer.from('0123456789abcdef0123456789abcdef'), systemClock);
    const recorder = createRecorder({
      client,
      caches: watched.caches,
      snapshots,
      ...ports,
      log: silentLog(),
      metrics: createMetrics(),
    });
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
