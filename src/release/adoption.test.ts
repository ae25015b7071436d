import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { eventually } from '../../test/support/poll.ts';
import { API_VERSION, labels } from '../api/annotations.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { systemClock } from '../clock.ts';
import { createWatchCache } from '../kube/index.ts';
import { resources } from '../kube/resources.ts';
import { silentLog } from '../telemetry/index.ts';
import { createAdoption } from './adoption.ts';

const NAME = 'deployment-web';
const RELEASE = {
  number: 1,
  sourceDigest: `v1:${'a'.repeat(64)}`,
  workloadUID: 'u',
  images: [],
  firstSeenTime: '2026-01-01T12:00:00Z',
  outcome: 'Active',
};
const history = (releases?: object[]): object => ({
  apiVersion: API_VERSION,
  kind: 'ReleaseHistory',
  metadata: { namespace: 'shop', name: NAME },
  spec: { workloadRef: { kind: 'Deployment', name: 'web' }, ...(releases ? { releases } : {}) },
});
const snapshot = (name: string, ownerReferences?: object[]): object => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: {
    namespace: 'shop',
    name,
    labels: { [labels.history]: NAME },
    ...(ownerReferences && { ownerReferences }),
  },
  revision: 1,
});

describe('snapshots from a backup', () => {
  const start = async () => {
    const server = createApiServer({ namespaces: ['shop'] });
    const histories = createWatchCache<ReleaseHistory>(
      server.client,
      resources.releaseHistories,
      {},
      { clock: systemClock, random: Math.random },
    );
    const adoption = createAdoption({ client: server.client, log: silentLog(), caches: { histories } });
    const ownerOf = (name: string): string | undefined =>
      server.get(resources.controllerRevisions, 'shop', name)?.metadata.ownerReferences?.[0]?.uid;
    const stop = async (): Promise<void> => {
      adoption.stop();
      await histories.stop();
    };
    return { server, histories, adoption, ownerOf, stop };
  };

  it('belong to the history of their name again, and cost no request afterwards', async () => {
    const { server, histories, adoption, ownerOf, stop } = await start();
    const owner = server.seed(resources.releaseHistories, history([RELEASE]));
    server.seed(resources.controllerRevisions, snapshot('bare'));
    server.seed(
      resources.controllerRevisions,
      snapshot('stale', [{ apiVersion: API_VERSION, kind: 'ReleaseHistory', name: NAME, uid: 'of-another-cluster' }]),
    );
    await eventually(() => histories.get({ namespace: 'shop', name: NAME }), { what: 'the history in the cache' });
    await adoption.adopt();
    assert.ok(owner.metadata.uid);
    assert.deepEqual([ownerOf('bare'), ownerOf('stale')], [owner.metadata.uid, owner.metadata.uid]);
    server.requests.length = 0;
    await adoption.adopt();
    assert.deepEqual(server.requests, []);
    await stop();
  });

  it('are adopted when they are restored beside a controller that runs', async () => {
    const { server, histories, adoption, ownerOf, stop } = await start();
    await histories.ready();
    await adoption.adopt();
    server.seed(resources.controllerRevisions, snapshot('late'));
    const owner = await server.client.create(resources.releaseHistories, history([RELEASE]) as ReleaseHistory);
    await eventually(() => histories.get({ namespace: 'shop', name: NAME }), { what: 'the history in the cache' });
    await adoption.adopt();
    assert.equal(ownerOf('late'), owner.metadata.uid);
    await stop();
  });
});
