import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { isRolledOut, lacksNode, rolloutOf } from './rollout.ts';

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

  it('is complete although pods lack a node, up to half of them, and not when others are missing', () => {
    const daemons = (available: number, updated = 4) =>
      workload(
        'DaemonSet',
        {},
        {
          observedGeneration: 1,
          desiredNumberScheduled: 4,
          updatedNumberScheduled: updated,
          numberAvailable: available,
        },
      );
    assert.ok(!isRolledOut(daemons(3)));
    assert.ok(isRolledOut(daemons(3), 1));
    assert.ok(isRolledOut(daemons(3, 3), 1), 'the pod on a lost node can not be replaced');
    assert.ok(!isRolledOut(daemons(2), 1), 'another pod is missing');
    assert.ok(isRolledOut(daemons(2), 3));
    assert.ok(!isRolledOut(daemons(1), 3), 'more than half is missing');
    const one = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 0 };
    assert.ok(!isRolledOut(workload('Deployment', { replicas: 1 }, one), 1), 'nothing ran');
    const stale = { ...complete, updatedReplicas: 1, availableReplicas: 1 };
    assert.ok(!isRolledOut(workload('Deployment', { replicas: 2 }, stale), 1), 'a pod is of the template before');
    assert.ok(isRolledOut(workload('Deployment', { replicas: 2 }, { ...complete, availableReplicas: 1 }), 1));
  });

  it('excuses a pod that no node takes, and one whose node is lost; not one that does not start', () => {
    const pod = (...conditions: [string, string, string?][]): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      status: { conditions: conditions.map(([type, status, reason]) => ({ type, status, reason })) },
    });
    assert.ok(lacksNode(pod(['PodScheduled', 'False', 'Unschedulable'])));
    assert.ok(lacksNode(pod(['PodScheduled', 'True'], ['ContainersReady', 'True'], ['Ready', 'False'])));
    assert.ok(!lacksNode(pod(['ContainersReady', 'True'], ['Ready', 'True'])));
    assert.ok(!lacksNode(pod(['ContainersReady', 'False', 'ContainersNotReady'], ['Ready', 'False'])));
    assert.ok(!lacksNode(pod(['ContainersReady', 'True'], ['Ready', 'False', 'ReadinessGatesNotReady'])));
    assert.ok(!lacksNode(pod(['PodScheduled', 'False', 'SchedulingGated'])));
    assert.ok(!lacksNode(pod()));
  });
});
