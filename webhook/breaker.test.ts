import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import { breakerState } from './breaker.ts';
import { missedInjections } from './watchdog.ts';

let serial = 0;
const pod = (state: object | undefined, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'shop', name: `p-${serial++}`, annotations },
  spec: { initContainers: state === undefined ? [] : [{ name: 'metricops-recorder' }] },
  status: state === undefined ? {} : { initContainerStatuses: [{ name: 'metricops-recorder', state }] },
});
const stuck = (): KubeObject => pod({ waiting: { reason: 'ImagePullBackOff' } });
const running = (): KubeObject => pod({ running: {} });
const MINUTE = 60_000;

describe('the breaker', () => {
  it('opens at the first pod whose recorder is not pulled, where none runs', () => {
    assert.equal(breakerState([stuck()], undefined, 5).openedAt, 5);
    assert.equal(breakerState([], undefined, 5).openedAt, undefined);
  });

  it('does not take one bad node for a bad image', () => {
    assert.equal(breakerState([stuck(), running()], undefined, 5).openedAt, undefined);
    assert.equal(breakerState([stuck(), stuck(), stuck(), running()], undefined, 5).openedAt, 5);
  });

  it('takes a crash of the recorder for no pull error', () => {
    assert.equal(breakerState([pod({ waiting: { reason: 'CrashLoopBackOff' } })], undefined, 5).openedAt, undefined);
  });

  it('closes when no pod is stuck any more, a minute later at the earliest', () => {
    assert.equal(breakerState([stuck()], 0, 10 * MINUTE).openedAt, 0);
    assert.equal(breakerState([running()], 0, MINUTE - 1).openedAt, 0);
    assert.equal(breakerState([running()], 0, MINUTE).openedAt, undefined);
  });

  it('does not count pods on their way out', () => {
    const leaving = stuck();
    leaving.metadata.deletionTimestamp = '2030-01-01T00:00:00Z';
    assert.equal(breakerState([leaving], undefined, 5).openedAt, undefined);
  });
});

describe('missed injections', () => {
  const names = (pods: KubeObject[], label = false): string[] =>
    missedInjections(pods, () => label).map((p) => p.metadata.name);
  const optedIn = { 'metricops.dev/inject': 'true' };

  it('are pods that asked, run, and have no recorder', () => {
    const missed = pod(undefined, optedIn);
    assert.deepEqual(names([missed, pod(undefined), pod({ running: {} }, optedIn)]), [missed.metadata.name]);
    assert.equal(names([pod(undefined)], true).length, 1);
  });

  it('are not those that ended, leave, or were told why', () => {
    const ended = { ...pod(undefined, optedIn), status: { phase: 'Succeeded' } };
    const told = pod(undefined, { ...optedIn, 'metricops.dev/injection': 'skipped: HostNetwork' });
    assert.deepEqual(names([ended, told]), []);
  });
});
