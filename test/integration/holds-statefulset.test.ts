import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import { eventually } from '../support/poll.ts';
import { holdBack, imageOf, type StartedSync, useSync, yaml } from '../support/sync.ts';

/** Nobody runs its pods, so that none gets ready: its controller waits for the first one for ever. */
const statefulSet = (image: string, replicas: number, podManagementPolicy: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', annotations: { [annotations.inject]: 'true' } },
  spec: {
    replicas,
    serviceName: 'web',
    podManagementPolicy,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
  },
});

describe('a StatefulSet that is rolled back while its pod does not get ready', () => {
  const { plane, start } = useSync();

  const pod = async ({ ns }: StartedSync): Promise<{ image: string | undefined; uid: string | undefined }> => {
    const found = await plane().client.get(resources.pods, { namespace: ns, name: 'web-0' });
    const { containers = [] } = (found?.spec ?? {}) as { containers?: { image: string }[] };
    return { image: containers[0]?.image, uid: found?.metadata.uid };
  };
  const runs = (sync: StartedSync, image: string) =>
    eventually(async () => (await pod(sync)).image === image && pod(sync), {
      what: `pod web-0 of ${image}`,
      timeoutMs: 30_000,
    });

  const isFreed = async (policy: string): Promise<void> => {
    const sync = await start({ 'app.yaml': yaml(statefulSet('shop:v1', 0, policy)) });
    await sync.ready();
    const good = await sync.get(resources.statefulSets, 'web');
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': yaml(statefulSet('shop:v2', 1, policy)) })));
    const stuck = await runs(sync, 'shop:v2');
    const bad = await sync.get(resources.statefulSets, 'web');
    await holdBack(plane(), sync.ns, { good, bad });
    const restored = await runs(sync, 'shop:v1');
    assert.equal(imageOf(await sync.get(resources.statefulSets, 'web')), 'shop:v1');
    assert.ok(stuck && restored && stuck.uid !== restored.uid);
  };

  it('gets a pod of the restored release: the one that is stuck is deleted', () => isFreed('OrderedReady'));

  it('gets one with podManagementPolicy Parallel, too', () => isFreed('Parallel'));
});
