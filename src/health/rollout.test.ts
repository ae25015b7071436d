import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { isRolledOut, rolloutOf } from './rollout.ts';

describe('a rollout', () => {
  const workload = (kind: string, spec: object, status: object): KubeObject => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'web', generation: 1 },
    spec,
    status,
  });
  const complete = { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

  it('is complete when every pod is of the template and available', () => {
    assert.ok(isRolledOut(workload('Deployment', { replicas: 2 }, complete)));
    assert.ok(
      isRolledOut(workload('Deployment', {}, { ...complete, replicas: 1, updatedReplicas: 1, availableReplicas: 1 })),
    );
    const same = { ...complete, currentRevision: 'a', updateRevision: 'a' };
    assert.ok(isRolledOut(workload('StatefulSet', { replicas: 2 }, same)));
    const daemons = { observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 };
    assert.ok(isRolledOut(workload('DaemonSet', {}, daemons)));
  });

  it('is not while a pod is missing, old or stale, or the status is not observed yet', () => {
    for (const change of [
      { observedGeneration: 0 },
      { replicas: 3 },
      { updatedReplicas: 1 },
      { availableReplicas: 1 },
      { availableReplicas: undefined },
    ]) {
      assert.ok(
        !isRolledOut(workload('Deployment', { replicas: 2 }, { ...complete, ...change })),
        JSON.stringify(change),
      );
    }
    assert.ok(
      !isRolledOut(
        workload('StatefulSet', { replicas: 2 }, { ...complete, currentRevision: 'a', updateRevision: 'b' }),
      ),
    );
    assert.ok(!isRolledOut(workload('DaemonSet', {}, { observedGeneration: 1 })), 'no node wants it');
    assert.ok(!isRolledOut(workload('Deployment', { replicas: 0 }, { observedGeneration: 1 })), 'nothing ran');
    assert.ok(!isRolledOut(workload('Deployment', {}, {})), 'no status yet');
  });

  it('to zero pods is done, though nothing is rolled out', () => {
    const { done, message } = rolloutOf(workload('Deployment', { replicas: 0 }, { observedGeneration: 1 }));
    assert.deepEqual([done, message], [true, '0 of 0 pods updated, 0 available']);
  });

  it('says how far it is, in pods', () => {
    const messageOf = (change: object): string =>
      rolloutOf(workload('Deployment', { replicas: 2 }, { ...complete, ...change })).message;
    assert.equal(messageOf({}), '2 of 2 pods updated, 2 available');
    assert.equal(messageOf({ replicas: 3, updatedReplicas: 1 }), '1 of 2 pods updated, 2 available, 2 old to go');
    assert.equal(messageOf({ observedGeneration: 0 }), 'waiting for the rollout to begin');
  });
});
