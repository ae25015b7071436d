import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { eventually } from '../../test/support/poll.ts';
import { API_VERSION } from '../api/annotations.ts';
import { platformPolicySpec } from '../api/platform-policy.ts';
import { systemClock } from '../clock.ts';
import { resources } from '../kube/index.ts';
import { type PlatformPolicyWatch, watchPlatformPolicy } from './platform-policy.ts';

describe('what the platform allows', () => {
  let watch: PlatformPolicyWatch | undefined;
  afterEach(async () => {
    await watch?.stop();
    watch = undefined;
  });

  const start = async (options?: { requireServiceAccount: boolean }) => {
    const server = createApiServer({ namespaces: [] });
    watch = watchPlatformPolicy(server.client, { clock: systemClock, random: Math.random }, options);
    await watch.ready();
    const write = (spec: object) =>
      server.client.create(resources.platformPolicies, {
        apiVersion: API_VERSION,
        kind: 'PlatformPolicy',
        metadata: { name: 'default' },
        spec: platformPolicySpec.parse(spec),
      });
    return { server, watch, write };
  };

  it('is everything without a policy, and what the policy says from the moment that it is there', async () => {
    const { watch, write } = await start();
    assert.equal(watch.current().requireServiceAccount, false);
    let changes = 0;
    const end = watch.onChange(() => {
      changes += 1;
    });
    await write({ allowedHosts: ['git.example.com'] });
    await eventually(() => watch.current().allowedHosts.length === 1);
    assert.equal(changes, 1);
    end();
  });

  it('needs a ServiceAccount under the lock-down of the process, without a policy and whatever a policy says', async () => {
    const { watch, write } = await start({ requireServiceAccount: true });
    assert.equal(watch.current().requireServiceAccount, true);
    await write({ requireServiceAccount: false, allowedHosts: ['git.example.com'] });
    await eventually(() => watch.current().allowedHosts.length === 1);
    assert.equal(watch.current().requireServiceAccount, true);
  });
});
