import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import type { KubeClient, ListOptions, ResourceType } from '../src/kube/types.ts';
import type { AdmittedPod } from './pod.ts';
import { createRefusals } from './refusals.ts';

const ownerOf = (kind: string, uid = 'owner-1') => ({
  apiVersion: 'apps/v1',
  kind,
  name: 'web',
  uid,
  controller: true,
});
const pod = (kind = 'ReplicaSet', uid = 'owner-1'): AdmittedPod => ({
  metadata: { generateName: 'web-', ownerReferences: [ownerOf(kind, uid)] },
});
const arrived = (kind = 'ReplicaSet'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'shop', name: 'web-1', ownerReferences: [ownerOf(kind)] },
});

const setUp = () => {
  let now = 0;
  let failure: string | undefined = 'pods "web-" is forbidden: exceeded quota';
  const reads: (string | undefined)[] = [];
  const replicaSet = (): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { namespace: 'shop', name: 'web', uid: 'owner-1' },
    status: {
      conditions: failure === undefined ? [] : [{ type: 'ReplicaFailure', status: 'True', message: failure }],
    },
  });
  const client = {
    list: async (_type: ResourceType, options?: ListOptions) => {
      reads.push(options?.fieldSelector);
      return { items: failure === undefined ? [] : [{ note: failure }], resourceVersion: '1' };
    },
  } as unknown as Pick<KubeClient, 'list'>;
  const refusals = createRefusals({ clock: { now: () => now }, client, replicaSets: { get: () => replicaSet() } });
  return {
    refusals,
    reads,
    pass: (ms: number) => {
      now += ms;
    },
    works: () => {
      failure = undefined;
    },
  };
};

describe('pods that the API server refuses on account of the recorder', () => {
  it('are those that were injected, are not there, and that their ReplicaSet says it can not create', async () => {
    const { refusals, pass, reads } = setUp();
    refusals.asked(pod(), 'shop', true);
    assert.deepEqual(await refusals.look(), [], 'the watch may be late');
    pass(5_000);
    const [refusal] = await refusals.look();
    assert.equal(refusal?.words, 'pods "web-" is forbidden: exceeded quota');
    assert.equal(refusal?.isUnrelated, false);
    assert.deepEqual(reads, [], 'a ReplicaSet is in a watch');
  });

  it('are told by Events of controllers without such a condition', async () => {
    const { refusals, pass, reads } = setUp();
    refusals.asked(pod('StatefulSet'), 'shop', true);
    pass(5_000);
    assert.equal((await refusals.look()).length, 1);
    assert.deepEqual(reads, ['reason=FailedCreate,regarding.uid=owner-1']);
  });

  it('are none where the pod came, or where nobody but the review says so', async () => {
    const came = setUp();
    came.refusals.asked(pod(), 'shop', true);
    came.refusals.arrived(arrived(), true);
    came.pass(5_000);
    assert.deepEqual(await came.refusals.look(), []);
    const forged = setUp();
    forged.works();
    forged.refusals.asked(pod(), 'shop', true);
    forged.pass(5_000);
    assert.deepEqual(await forged.refusals.look(), []);
  });

  it('are not our fault where they are refused without the recorder, too; that owner is not asked about again', async () => {
    const { refusals, pass } = setUp();
    refusals.asked(pod(), 'shop', true);
    pass(5_000);
    await refusals.look();
    refusals.asked(pod(), 'shop', false);
    pass(5_000);
    assert.equal((await refusals.look())[0]?.isUnrelated, true);
    refusals.asked(pod(), 'shop', true);
    pass(5_000);
    assert.deepEqual(await refusals.look(), []);
  });

  it('are our fault where the next one comes without the recorder', async () => {
    const { refusals, pass } = setUp();
    refusals.asked(pod(), 'shop', true);
    pass(5_000);
    await refusals.look();
    refusals.asked(pod(), 'shop', false);
    refusals.arrived(arrived(), false);
    pass(5_000);
    assert.deepEqual(await refusals.look(), []);
  });

  it('cost a bounded memory and a bounded number of reads, however many reviews are forged', async () => {
    const { refusals, pass, reads } = setUp();
    for (let i = 0; i < 10_000; i += 1) refusals.asked(pod('StatefulSet', `uid-${i}`), `ns-${i % 100}`, true);
    for (let i = 0; i < 100; i += 1) refusals.asked(pod('StatefulSet', `more-${i}`), 'one', true);
    refusals.asked(pod('StatefulSet', 'a,metadata.name=b'), 'shop', true);
    pass(5_000);
    await refusals.look();
    assert.equal(reads.length, 5);
    pass(60_000);
    assert.deepEqual(await refusals.look(), [], 'forgotten');
  });
});
