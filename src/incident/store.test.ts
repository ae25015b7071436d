import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { eventually } from '../../test/support/poll.ts';
import { API_VERSION } from '../api/annotations.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../api/rollback-policy.ts';
import { createCaches } from '../caches.ts';
import { systemClock } from '../clock.ts';
import { resources } from '../kube/index.ts';
import type { Alert } from './alertmanager-webhook.ts';
import { createStore } from './store.ts';

const policy: RollbackPolicy = {
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { namespace: 'shop', name: 'web' },
  spec: rollbackPolicySpec.parse({
    targetRef: { name: 'web' },
    objectives: [{ name: 'a', alerts: { matchLabels: { a: 'b' } } }],
  }),
};
const workload = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const alert = (fingerprint: string): Alert => ({ status: 'firing', labels: {}, fingerprint, startsAt: undefined });

describe('the store of alerts', () => {
  let stop = async (): Promise<void> => {};
  afterEach(() => stop());

  it('answers what it knows already while a write of the same workload is under way', async () => {
    const server = createApiServer({ namespaces: ['shop'] });
    const ports = { clock: systemClock, random: () => 0.5 };
    const watched = createCaches(server.client, ports);
    stop = watched.stop;
    await watched.ready();
    const store = createStore({ ...ports, client: server.client, caches: watched.caches, onIncident: () => {} });
    const say = (fingerprint: string) =>
      store({ match: { workload, policy }, alerts: [alert(fingerprint)], truncated: false });
    assert.equal(await say('one'), 'create');
    const held = Promise.withResolvers<undefined>();
    server.fault = ({ verb }) => (verb === 'patch' ? held.promise : undefined);
    const two = say('two');
    await eventually(() => server.requests.some(({ verb }) => verb === 'patch'), { everyMs: 5 });
    assert.equal(await say('one'), 'known');
    held.resolve(undefined);
    assert.equal(await two, 'update');
    const [incident] = server.list(resources.incidents);
    assert.match(JSON.stringify(incident?.spec), /"one".*"two"/);
  });
});
