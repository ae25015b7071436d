import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { injectionOf } from './injection.ts';

const pod = (word?: string, initContainers?: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', ...(word === undefined ? {} : { annotations: { 'metricops.dev/injection': word } }) },
  ...(initContainers === undefined ? {} : { spec: { initContainers } }),
});

describe('the sidecar of a pod that asks for it', () => {
  it('is injected by the word of the webhook, or where the container is there', () => {
    assert.deepEqual(injectionOf(pod('injected')), { is: 'injected' });
    assert.deepEqual(injectionOf(pod(undefined, [{ name: 'metricops-recorder' }])), { is: 'injected' });
  });

  it('was skipped where the webhook wrote why', () => {
    assert.deepEqual(injectionOf(pod('skipped: HostNetwork')), { is: 'skipped', why: 'skipped: HostNetwork' });
  });

  it('was missed where nothing says anything, whatever its other containers', () => {
    for (const containers of [undefined, null, [], [{ name: 'migrate' }]])
      assert.deepEqual(injectionOf(pod(undefined, containers as object)), { is: 'missed' });
  });
});
