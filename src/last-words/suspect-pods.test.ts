import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { digest, incident, NOON } from '../../test/support/incident.ts';
import { createCaches } from '../caches.ts';
import { systemClock } from '../clock.ts';
import { resources } from '../kube/index.ts';
import { suspectPods } from './suspect-pods.ts';

describe('the pods of the release under suspicion', () => {
  let stop: () => Promise<unknown> = async () => {};
  afterEach(() => stop());

  /** Names of those of a StatefulSet that has pods of two revisions, one of which is being deleted. */
  const namesWith = async (suspect: { revision?: string }, recorded: { revision?: string } = {}) => {
    const server = createApiServer({ namespaces: ['shop'] });
    const { apiVersion, kind, metadata } = server.seed(resources.statefulSets, {
      metadata: { namespace: 'shop', name: 'web' },
      spec: { template: {} },
    });
    const owner = { apiVersion, kind, name: 'web', uid: metadata.uid, controller: true };
    for (const [name, revision] of [
      ['web-0', 'old'],
      ['web-1', 'new'],
      ['web-2', 'new'],
    ] as const)
      server.seed(resources.pods, {
        metadata: {
          namespace: 'shop',
          name,
          labels: { 'controller-revision-hash': revision },
          ownerReferences: [owner],
          ...(name === 'web-2' ? { deletionTimestamp: new Date(NOON).toISOString(), finalizers: ['kubelet'] } : {}),
        },
        status: {},
      });
    server.seed(resources.releaseHistories, {
      metadata: { namespace: 'shop', name: 'statefulset-web' },
      spec: { workloadRef: { kind: 'StatefulSet', name: 'web' }, releases: [{ sourceDigest: digest(2), ...recorded }] },
    });
    const watched = createCaches(server.client, { clock: systemClock, random: () => 0.5 });
    stop = watched.stop;
    await watched.ready();
    const made = incident(undefined, {
      workloadRef: { kind: 'StatefulSet', name: 'web' },
      suspect: { number: 2, sourceDigest: digest(2), ...suspect },
    });
    return suspectPods(made, watched.caches, NOON).map((pod) => pod.metadata.name);
  };

  it('are known by the revision, also after the template is that of the target', async () => {
    assert.deepEqual(await namesWith({ revision: 'new' }), ['web-1', 'web-2']);
  });

  it('are known by a revision that was recorded after the incident was opened', async () => {
    assert.deepEqual(await namesWith({}, { revision: 'new' }), ['web-1', 'web-2']);
  });

  it('are none where no revision was recorded: they may be those of another release', async () => {
    assert.deepEqual(await namesWith({}), []);
  });
});
