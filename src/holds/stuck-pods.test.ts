import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import type { KubeObject } from '../api/meta.ts';
import { KubeError, resources } from '../kube/index.ts';
import { deleteStuckPods, isRollingOut } from './stuck-pods.ts';

const UID = 'uid-of-web';
/** Asks for revision web-1 again; pods of web-2, which was rolled back, and of web-0 before them may be left. */
const statefulSet = (status: object = {}, spec: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { namespace: 'shop', name: 'web', uid: UID, generation: 3 },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  status: { observedGeneration: 3, updateRevision: 'web-1', replicas: 3, updatedReplicas: 2, ...status },
});
const pod = (name: string, revision: string, ready: boolean, uid = UID): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'shop',
    name,
    labels: { app: 'web', 'controller-revision-hash': revision },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid, controller: true }],
  },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const free = async (live: KubeObject, pods: KubeObject[], fault?: KubeError) => {
  const server = createApiServer({ namespaces: ['shop'] });
  for (const one of pods) server.seed(resources.pods, one);
  server.fault = ({ verb }) => {
    if (verb === 'delete' && fault) throw fault;
    return undefined;
  };
  const freed = await deleteStuckPods(live, { client: server.client, signal: new AbortController().signal });
  return { freed, left: server.list(resources.pods).map(({ metadata }) => metadata.name), asked: server.requests };
};
const pods = [pod('web-0', 'web-1', true), pod('web-1', 'web-1', false), pod('web-2', 'web-2', false)];

describe('a StatefulSet that was rolled back', () => {
  it('is stuck with a pod of the rejected revision that never gets ready: it is deleted', async () =>
    assert.deepEqual((await free(statefulSet(), pods)).left, ['web-0', 'web-1']));

  it('keeps its pods that start with the restored release, and those that are ready', async () => {
    const others = [pod('web-0', 'web-2', true), pod('web-1', 'web-1', false)];
    assert.deepEqual((await free(statefulSet(), others)).left, ['web-0', 'web-1']);
  });

  it('keeps pods of others, whatever their labels are', async () => {
    const foreign = pod('other-0', 'web-2', false, 'uid-of-other');
    assert.deepEqual((await free(statefulSet(), [foreign])).left, ['other-0']);
  });

  it('keeps pods that a partition keeps out of the update', async () => {
    const partition = { updateStrategy: { rollingUpdate: { partition: 3 } } };
    assert.equal((await free(statefulSet({}, partition), pods)).left.length, 3);
  });

  it('is tried again once its controller has seen the rollback: before that nobody knows the revisions', async () => {
    const { freed, left, asked } = await free(statefulSet({ observedGeneration: 2, updateRevision: 'web-2' }), pods);
    assert.deepEqual([freed, left.length, asked.length], [{ again: 1000 }, 3, 0]);
  });

  it('costs no request where every pod has the newest revision', async () => {
    const live = statefulSet({ updatedReplicas: 3 });
    assert.deepEqual([(await free(live, pods)).asked.length, isRollingOut(live)], [0, false]);
    assert.equal(isRollingOut(statefulSet()), true);
    assert.equal(isRollingOut({ ...statefulSet(), kind: 'Deployment' }), false);
  });

  it('says which pod may not be deleted, and rejects where nobody answers', async () => {
    const forbidden = new KubeError('pods "web-2" is forbidden', { status: 403, reason: 'Forbidden' });
    const { freed } = await free(statefulSet(), pods, forbidden);
    assert.match(freed.refused ?? '', /^pod web-2 of another revision is not ready, and is not deleted: .* forbidden$/);
    const away = new KubeError('no answer', { status: 0, reason: 'Unreachable' });
    await assert.rejects(free(statefulSet(), pods, away), KubeError);
  });
});
