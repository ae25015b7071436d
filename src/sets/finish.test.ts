import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type ApiServer, createApiServer } from '../../test/support/api-server.ts';
import { gitSync, type Leader, startLeader } from '../../test/support/leader.ts';
import { eventually } from '../../test/support/poll.ts';
import { createRepositories } from '../../test/support/repositories.ts';
import { API_VERSION } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import { gitSyncSpec } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import { type ResourceType, resources } from '../kube/index.ts';

const URL = 'https://git.example.com/shop.git';
const CONFIG_MAP = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: '1' } });
const SETS = 'gitsyncsets.metricops.dev';

/** The definition of one of our kinds, with the finalizer by which the API server deletes its objects. */
const define = (server: ApiServer, { group, version, kind, plural }: ResourceType): KubeObject =>
  server.seed(resources.crds, {
    metadata: { name: `${plural}.${group}`, finalizers: ['customresourcecleanup.apiextensions.k8s.io'] },
    spec: { group, scope: 'Namespaced', names: { kind, plural }, versions: [{ name: version, served: true }] },
  });

describe('the end of a GitSyncSet', () => {
  let leader: Leader | undefined;
  afterEach(async () => {
    await leader?.stop();
    leader = undefined;
  });

  const setUp = async (generator: object, namespace: string) => {
    const server = createApiServer({ namespaces: ['shop', 'metricops-system'] });
    server.seed(resources.namespaces, { metadata: { name: 'shop', labels: { team: 'a' } } });
    define(server, resources.gitSyncs);
    define(server, resources.gitSyncSets);
    const repositories = createRepositories();
    repositories.commit(URL, { 'a.yaml': CONFIG_MAP });
    leader = await startLeader(server, repositories);
    await server.client.create(resources.gitSyncSets, {
      apiVersion: API_VERSION,
      kind: 'GitSyncSet',
      metadata: { namespace, name: 'all' },
      spec: {
        generators: [generator],
        template: { metadata: { name: 'app' }, spec: { source: { git: { url: URL } } } },
      },
    } as KubeObject);
    await leader.ready('shop', 'app', ({ status }) => status === 'True');
    assert.ok(server.get(resources.configMaps, 'shop', 'a'));
    const sync = () => server.get(resources.gitSyncs, 'shop', 'app') as GitSync | undefined;
    const end = async (): Promise<void> => {
      await server.client.delete(resources.gitSyncSets, { namespace, name: 'all' });
      await eventually(() => server.get(resources.gitSyncSets, namespace, 'all') === undefined, { what: 'its end' });
    };
    return { server, sync, end };
  };
  const list = { list: [{ name: 'app' }] };

  it('leaves no GitSync to the garbage collector where its kind is being deleted', async () => {
    const { server, sync, end } = await setUp(list, 'shop');
    assert.equal(sync()?.metadata.ownerReferences?.[0]?.kind, 'GitSyncSet');
    await server.client.delete(resources.crds, { name: SETS });
    await end();
    assert.deepEqual(sync()?.metadata.ownerReferences ?? [], []);
    assert.equal(sync()?.metadata.deletionTimestamp, undefined);
  });

  it('deletes no GitSync of another namespace where its own is being deleted', async () => {
    const { server, sync, end } = await setUp({ namespaces: { matchLabels: { team: 'a' } } }, 'metricops-system');
    await server.client.delete(resources.namespaces, { name: 'metricops-system' });
    await end();
    assert.equal(sync()?.metadata.deletionTimestamp, undefined);
    assert.ok(server.get(resources.configMaps, 'shop', 'a'));
  });

  it('leaves the GitSync to the garbage collector where somebody deleted the set', async () => {
    const { sync, end } = await setUp(list, 'shop');
    await end();
    assert.equal(sync()?.metadata.ownerReferences?.[0]?.kind, 'GitSyncSet');
  });

  for (const [what, isGone] of [
    ['a GitSync that goes after its set, whose kind is gone, keeps its objects', true],
    ['a GitSync that goes after its set takes its objects with it', false],
  ] as const)
    it(what, async () => {
      const server = createApiServer({ namespaces: ['shop', 'metricops-system'] });
      define(server, resources.gitSyncs);
      if (!isGone) define(server, resources.gitSyncSets);
      const repositories = createRepositories();
      repositories.commit(URL, { 'a.yaml': CONFIG_MAP });
      const app = gitSync('shop', 'app', { ...gitSyncSpec.parse({ source: { git: { url: URL } } }) }) as KubeObject;
      const owner = { apiVersion: API_VERSION, kind: 'GitSyncSet', name: 'all', uid: 'u', controller: true };
      server.seed(resources.gitSyncs, { ...app, metadata: { ...app.metadata, ownerReferences: [owner] } });
      leader = await startLeader(server, repositories);
      await leader.ready('shop', 'app', ({ status }) => status === 'True');
      await server.client.delete(resources.gitSyncs, app.metadata);
      await eventually(() => server.get(resources.gitSyncs, 'shop', 'app') === undefined, { what: 'its end' });
      assert.equal(server.get(resources.configMaps, 'shop', 'a') !== undefined, isGone);
    });
});
