import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { failingContainers } from './failing-containers.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

const pod = (status: object, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'shop', ...metadata },
  status,
});
const crashed = (restartCount: number, seconds: number, reason = 'Error') => ({
  name: 'web',
  restartCount,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: { reason, exitCode: 1, finishedAt: ago(seconds) } },
});
const found = (status: object, metadata?: object): string[] =>
  failingContainers(pod(status, metadata), NOW).map(
    ({ name, reason, restarts, crashes }) => `${name} ${reason} ${restarts} ${crashes ? 'crashes' : 'does not start'}`,
  );

describe('the failing containers of a pod', () => {
  it('are those that crash for the third time, and not those that ended once or twice', () => {
    assert.deepEqual(found({ containerStatuses: [crashed(3, 10)] }), ['web CrashLoopBackOff 3 crashes']);
    assert.deepEqual(found({ containerStatuses: [crashed(2, 10)] }), []);
  });

  it('are named OOMKilled where the kernel ended them', () => {
    assert.deepEqual(found({ containerStatuses: [crashed(4, 10, 'OOMKilled')] }), ['web OOMKilled 4 crashes']);
  });

  it('are also those that run again since their last crash, for ten minutes', () => {
    const running = (seconds: number) => ({ ...crashed(5, seconds), state: { running: { startedAt: ago(seconds) } } });
    assert.deepEqual(found({ containerStatuses: [running(599)] }), ['web Error 5 crashes']);
    assert.deepEqual(found({ containerStatuses: [running(601)] }), []);
  });

  it('are those that cannot be started, whatever the kubelet calls it', () => {
    for (const reason of ['ImagePullBackOff', 'CreateContainerConfigError', 'SomethingNew'])
      assert.deepEqual(found({ containerStatuses: [{ name: 'web', state: { waiting: { reason } } }] }), [
        `web ${reason} 0 does not start`,
      ]);
    for (const reason of ['ContainerCreating', 'PodInitializing'])
      assert.deepEqual(found({ containerStatuses: [{ name: 'web', state: { waiting: { reason } } }] }), []);
  });

  it('are init containers, too, and never the recorder', () => {
    assert.deepEqual(found({ initContainerStatuses: [{ ...crashed(3, 10), name: 'migrate' }] }), [
      'migrate CrashLoopBackOff 3 crashes',
    ]);
    assert.deepEqual(found({ initContainerStatuses: [{ ...crashed(9, 10), name: 'metricops-recorder' }] }), []);
  });

  it('are none in a pod that is being deleted', () => {
    assert.deepEqual(found({ containerStatuses: [crashed(3, 10)] }, { deletionTimestamp: ago(1) }), []);
  });
});
