import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { type Leader, startLeader } from '../../test/support/leader.ts';
import { eventually } from '../../test/support/poll.ts';
import { createRepositories } from '../../test/support/repositories.ts';
import { API_VERSION } from '../api/annotations.ts';
import { PRUNE_FINALIZER } from '../api/gitsync-names.ts';
import { resources } from '../kube/index.ts';

const URL = 'https://git.example.com/shop.git';

describe('a GitSync that a set makes', () => {
  let leader: Leader | undefined;
  afterEach(async () => {
    await leader?.stop();
    leader = undefined;
  });

  const start = async () => {
    const server = createApiServer({ namespaces: ['shop'] });
    const repositories = createRepositories();
    repositories.commit(URL, {
      'a.yaml': JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }),
    });
    leader = await startLeader(server, repositories);
    await server.client.create(resources.gitSyncSets, {
      apiVersion: API_VERSION,
      kind: 'GitSyncSet',
      metadata: { namespace: 'shop', name: 'all' },
      spec: {
        generators: [{ list: [{ name: 'app' }] }],
        template: { metadata: { name: '{{ name }}' }, spec: { source: { git: { url: URL } } } },
      },
    });
    await leader.ready('shop', 'app', ({ status }) => status === 'True');
    return server;
  };

  it('has its finalizer from the start: its first sync needs no write for it', async () => {
    const server = await start();
    assert.deepEqual(server.get(resources.gitSyncs, 'shop', 'app')?.metadata.finalizers, [PRUNE_FINALIZER]);
    const patched = server.requests.filter(
      ({ verb, type, subresource }) => verb === 'patch' && type.kind === 'GitSync' && subresource === undefined,
    );
    assert.deepEqual(patched, []);
  });

  it('keeps it when the template changes, and is gone with its objects when the set wants it no more', async () => {
    const server = await start();
    const set = { namespace: 'shop', name: 'all' };
    const patch = (spec: object) => server.client.patch(resources.gitSyncSets, set, { type: 'merge', body: { spec } });
    const app = () => server.get(resources.gitSyncs, 'shop', 'app');
    await patch({ template: { spec: { interval: '7m' } } });
    await eventually(() => (app()?.spec as { interval?: string } | undefined)?.interval === '7m');
    assert.deepEqual(app()?.metadata.finalizers, [PRUNE_FINALIZER]);
    await patch({ generators: [{ list: [{ name: 'other' }] }] });
    await eventually(() => app() === undefined, { what: 'the GitSync gone' });
    const owner = () => server.get(resources.configMaps, 'shop', 'a')?.metadata.labels?.['metricops.dev/sync'];
    await eventually(() => owner() === 'shop.other', { what: 'its object with the other one' });
  });
});
