import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { annotations, labels } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { GitSyncSet } from '../../src/api/gitsyncset.ts';
import { systemClock } from '../../src/clock.ts';
import { createClouds } from '../../src/cloud/clouds.ts';
import { createGit } from '../../src/git/index.ts';
import {
  createEventSink,
  createKubeClient,
  createWatchCache,
  loadConnection,
  resources,
} from '../../src/kube/index.ts';
import { type PlatformPolicyWatch, watchPlatformPolicy } from '../../src/policy/platform-policy.ts';
import { type SetController, startSets } from '../../src/sets/index.ts';
import { createCredentials } from '../../src/source/credentials.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';

const file = (path: string): Record<string, string> => ({ [`${path}/a.yaml`]: 'x: 1\n' });
const files = (...paths: string[]): Record<string, string> => Object.assign({}, ...paths.map(file));

describe('a GitSyncSet', () => {
  const plane = useControlPlane();
  const dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
  /** Verbs of the requests, without those by which a watch that the server ended is begun again. */
  const requests: string[] = [];
  let git: GitServer;
  let controller: SetController;
  let policies: PlatformPolicyWatch;
  let systemNamespace: string;
  let end: () => Promise<void>;

  before(async function () {
    this.timeout(600_000);
    git = await startGitServer();
    systemNamespace = await plane().namespace('system');
    const connection = await loadConnection({ kubeconfig: plane().kubeconfig });
    const client = createKubeClient(connection, { onRequest: (verb) => verb !== 'WATCH' && requests.push(verb) });
    const room = createGit(dir);
    const ports = { clock: systemClock, random: Math.random };
    const caches = {
      sets: createWatchCache<GitSyncSet>(client, resources.gitSyncSets, {}, ports),
      syncs: createWatchCache<GitSync>(client, resources.gitSyncs, {}, ports),
      namespaces: createWatchCache(client, resources.namespaces, { metadataOnly: true }, ports),
      platform: watchPlatformPolicy(client, ports),
    };
    policies = caches.platform;
    // The controller of GitSyncs does not run here: what goes is let go of in its place.
    caches.syncs.onChange((sync) => {
      if (sync?.metadata.deletionTimestamp !== undefined) letGo(sync).catch(() => {}); // gone already
    });
    const clouds = createClouds(client, { clock: systemClock, policy: policies.current, systemNamespace });
    const credentials = createCredentials(client, clouds, ports);
    controller = await startSets({
      client,
      caches,
      credentials,
      git: room,
      systemNamespace,
      ...ports,
      log: silentLog(),
      occurred: createEventSink(client, { instance: 'test', clock: systemClock }),
    });
    end = async () => {
      await Promise.all([controller.stop(), credentials.stop()]);
      await Promise.all([...Object.values(caches).map((cache) => cache.stop()), room.close()]);
      await client.close();
      await git.close();
      rmSync(dir, { recursive: true, force: true });
    };
  });
  after(async function () {
    this.timeout(120_000);
    const { client } = plane();
    // Nobody makes them again, and nobody is left to finish them.
    await end?.();
    for (const { metadata } of (await client.list(resources.gitSyncSets)).items.filter(isOurs)) {
      await client.delete(resources.gitSyncSets, metadata);
      const body = { metadata: { finalizers: null } };
      await client.patch(resources.gitSyncSets, metadata, { type: 'merge', body }).catch(() => {});
    }
    const namespaces = new Set(made.map((name) => name.slice(0, name.indexOf('/'))));
    const { items } = await client.list<GitSync>(resources.gitSyncs);
    const left = items.filter(({ metadata }) => namespaces.has(metadata.namespace ?? ''));
    await Promise.all(left.map((sync) => letGo(sync).catch(() => {}))); // gone already
  });
  const letGo = ({ metadata }: GitSync): Promise<unknown> =>
    plane().client.patch(resources.gitSyncs, metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
  const made: string[] = [];
  const isOurs = ({ metadata }: { metadata: { namespace?: string; name: string } }): boolean =>
    made.includes(`${metadata.namespace}/${metadata.name}`);

  const create = async (namespace: string, spec: object, name = 'all'): Promise<GitSyncSet> => {
    made.push(`${namespace}/${name}`);
    return plane().client.create(resources.gitSyncSets, {
      apiVersion: 'metricops.dev/v1alpha1',
      kind: 'GitSyncSet',
      metadata: { namespace, name },
      spec: { interval: '1h', ...spec },
    }) as Promise<GitSyncSet>;
  };
  const patch = (namespace: string, body: object, name = 'all') =>
    plane().client.patch(resources.gitSyncSets, { namespace, name }, { type: 'merge', body });
  const syncs = async (namespace: string): Promise<GitSync[]> =>
    (await plane().client.list<GitSync>(resources.gitSyncs, { namespace })).items;
  const names = async (namespace: string): Promise<string[]> =>
    (await syncs(namespace)).map((sync) => sync.metadata.name).toSorted();
  const areNamed = (namespace: string, ...wanted: string[]) =>
    eventually(async () => assert.deepEqual(await names(namespace), wanted.toSorted()) ?? true, {
      what: `GitSyncs ${wanted}`,
      timeoutMs: 60_000, // of a kind that was just defined, the garbage collector learns within 30 s
    });
  const says = (namespace: string, status: 'True' | 'False', words: RegExp, name = 'all') =>
    eventually(
      async () => {
        const set = await plane().client.get<GitSyncSet>(resources.gitSyncSets, { namespace, name });
        const ready = set?.status?.conditions?.find((c) => c.type === 'Ready');
        if (ready?.status === status && words.test(`${ready.reason} ${ready.message}`)) return set;
        throw new Error(JSON.stringify(set?.status));
      },
      { what: `Ready=${status} ${words}`, timeoutMs: 15_000 },
    );
  const ofFolders = async (...paths: string[]): Promise<{ ns: string; repository: GitRepository }> => {
    const ns = await plane().namespace('set');
    const repository = git.repository(ns);
    repository.commit(files(...paths));
    return { ns, repository };
  };
  const folders = (repository: GitRepository, pattern = 'apps/*', more: object = {}, git: object = {}): object => ({
    generators: [{ folders: { source: { git: { url: repository.url, ...git } }, pattern, ...more } }],
    template: { metadata: { name: '{{basename}}' }, spec: { interval: '30m' } },
  });

  it('makes a GitSync for each folder, and follows the commits', async () => {
    const { ns, repository } = await ofFolders('apps/web', 'apps/api/base', 'apps/legacy', 'docs');
    const commit = repository.git('rev-parse', 'HEAD');
    await create(ns, folders(repository, 'apps/*', { exclude: ['apps/leg*'] }));
    await areNamed(ns, 'api', 'web');
    const set = await says(ns, 'True', new RegExp(`ReconciliationSucceeded 2 GitSyncs from main@${commit}`));
    assert.equal(set?.status?.generatedCount, 2);
    assert.deepEqual(set?.status?.revisions, [`main@${commit}`]);
    const web = (await syncs(ns)).find((sync) => sync.metadata.name === 'web');
    assert.equal(web?.spec.path, 'apps/web');
    assert.equal(web.spec.source.git?.url, repository.url);
    assert.equal(web.metadata.labels?.[labels.syncSet], 'all');
    assert.equal(web.metadata.ownerReferences?.[0]?.uid, set?.metadata.uid);

    repository.commit({ ...files('apps/new'), 'apps/web': null });
    controller.requestSet({ namespace: ns, name: 'all' });
    await areNamed(ns, 'api', 'new');
    await says(ns, 'True', /2 GitSyncs/);
  });

  it('makes the GitSyncs of all its generators, and deletes nothing while one of them can not be read', async () => {
    const { ns, repository } = await ofFolders('apps/web');
    const sourceAt = (branch: string) => ({ git: { url: repository.url, ref: { branch } } });
    const generators = (branch: string, entry: string): object[] => [
      { folders: { source: sourceAt(branch), pattern: 'apps/*' } },
      { list: [{ name: entry }] },
    ];
    const template = { metadata: { name: '{{name}}' }, spec: { source: sourceAt('main') } };
    await create(ns, { generators: generators('main', 'db'), template });
    await areNamed(ns, 'db', 'web');
    await says(ns, 'True', /2 GitSyncs from main@/);
    await patch(ns, { spec: { generators: generators('nothing', 'cache') } });
    const set = await says(ns, 'False', /RefNotFound .*no branch nothing/);
    assert.equal(set?.status?.generatedCount, 2); // of the last time that all of them were read
    await areNamed(ns, 'cache', 'db', 'web');
    await patch(ns, { spec: { generators: generators('main', 'cache') } });
    await areNamed(ns, 'cache', 'web');
  });

  it('looks when the annotation asks for it, as a replica does that does not lead', async () => {
    const { ns, repository } = await ofFolders('apps/web');
    await create(ns, folders(repository));
    await areNamed(ns, 'web');
    repository.commit(files('apps/api'));
    await patch(ns, { metadata: { annotations: { [annotations.requestedAt]: 'now' } } });
    await areNamed(ns, 'api', 'web');
  });

  it('says what is wrong with the repository, and leaves its GitSyncs alone', async () => {
    const { ns, repository } = await ofFolders('apps/web');
    await create(ns, folders(repository));
    await areNamed(ns, 'web');
    await patch(ns, { spec: folders(repository, 'apps/*', {}, { ref: { branch: 'nothing' } }) });
    await says(ns, 'False', /RefNotFound .*no branch nothing/);
    await patch(ns, { spec: folders(repository, 'apps/*', {}, { secretRef: { name: 'none' } }) });
    await says(ns, 'False', new RegExp(`SecretNotFound .*${ns}/none`));
    assert.deepEqual(await names(ns), ['web']);
    // It would go on to ask for the Secret.
    await plane().client.delete(resources.gitSyncSets, { namespace: ns, name: 'all' });
  });

  it('makes a GitSync for each entry of a list, and puts back what the template says, and no more', async () => {
    const ns = await plane().namespace('set');
    const entry = (name: string, path: string) => ({ name, values: { path } });
    const list = [entry('Blue', 'a'), entry('green', 'b'), entry('red', 'c'.repeat(1024))];
    const spec = { source: { git: { url: 'https://git.example.com/x.git' } }, path: '{{values.path}}/{{name}}' };
    await create(ns, { generators: [{ list }], template: { metadata: { name: 'team-{{name}}' }, spec } });
    await areNamed(ns, 'team-blue', 'team-green');
    await says(ns, 'False', /InvalidTemplate GitSync .*team-red .*spec\.path/);

    const blue = { namespace: ns, name: 'team-blue' };
    const { client } = plane();
    const body = { metadata: { annotations: { note: 'mine' } }, spec: { suspend: true, path: 'elsewhere' } };
    await client.patch(resources.gitSyncs, blue, { type: 'merge', body });
    const put = await eventually(
      async () => {
        const sync = await client.get<GitSync>(resources.gitSyncs, blue);
        return sync?.spec.path === 'a/Blue' && sync;
      },
      { what: 'the path of the template' },
    );
    assert.equal(put.spec.suspend, true);
    assert.equal(put.metadata.annotations?.note, 'mine');

    await client.delete(resources.gitSyncs, blue);
    await eventually(
      async () => {
        const uid = (await client.get(resources.gitSyncs, blue))?.metadata.uid;
        return uid !== undefined && uid !== put.metadata.uid;
      },
      { what: 'another GitSync of that name' },
    );
    await areNamed(ns, 'team-blue', 'team-green');
  });

  it('takes a field back that leaves the template', async () => {
    const ns = await plane().namespace('set');
    const url = 'https://git.example.com/x.git';
    const templateOf = (spec: object) => ({
      template: { metadata: { name: '{{name}}' }, spec: { source: { git: { url } }, ...spec } },
    });
    await create(ns, { generators: [{ list: [{ name: 'a' }] }], ...templateOf({ wait: true, targetNamespace: 'x' }) });
    await areNamed(ns, 'a');
    await patch(ns, { spec: { template: { spec: { wait: null, targetNamespace: null } } } });
    await eventually(
      async () => {
        const [sync] = await syncs(ns);
        return sync?.spec.wait === false && sync.spec.targetNamespace === undefined;
      },
      { what: 'the default of wait' },
    );
  });

  it('refuses to write into other namespaces from anywhere but the system namespace', async () => {
    const tenant = `tenant-${randomUUID().slice(0, 8)}`;
    const ns = await plane().namespace('set', { tenant });
    const spec = {
      generators: [{ namespaces: { matchLabels: { tenant } } }],
      template: {
        metadata: { name: 'base' },
        spec: { source: { git: { url: 'https://git.example.com/x.git' } }, path: 'tenants/{{namespace}}' },
      },
    };
    await create(ns, spec);
    await says(ns, 'False', new RegExp(`NamespaceRefused .*${systemNamespace}`));
    assert.deepEqual(await names(ns), []);

    await create(systemNamespace, spec, tenant);
    await areNamed(ns, 'base');
    const later = await plane().namespace('set', { tenant });
    await areNamed(later, 'base');
    const [base] = await syncs(later);
    assert.equal(base?.spec.path, `tenants/${later}`);
    assert.equal(base.metadata.ownerReferences, undefined);
    assert.equal(base.metadata.labels?.[labels.syncSetNamespace], systemNamespace);

    await plane().client.patch(
      resources.namespaces,
      { name: later },
      { type: 'merge', body: { metadata: { labels: { tenant: null } } } },
    );
    await areNamed(later);
    await plane().client.delete(resources.gitSyncSets, { namespace: systemNamespace, name: tenant });
    await areNamed(ns);
  });

  it('reads no repository on a host that the platform does not allow, until it does', async () => {
    const { ns, repository } = await ofFolders('apps/web');
    const policy = { name: 'default' };
    await plane().client.create(resources.platformPolicies, {
      apiVersion: 'metricops.dev/v1alpha1',
      kind: 'PlatformPolicy',
      metadata: policy,
      spec: { allowedHosts: ['git.example.com'] },
    });
    try {
      await eventually(() => policies.current().allowedHosts.length > 0, {
        what: 'the policy, as the controller sees it',
      });
      const asked = git.requests.length;
      await create(ns, folders(repository));
      await says(ns, 'False', /HostRefused .*allowed are git\.example\.com/);
      assert.equal(git.requests.length, asked);
    } finally {
      await plane().client.delete(resources.platformPolicies, policy);
    }
    await areNamed(ns, 'web');
  });

  it('takes no GitSync that somebody else made', async () => {
    const { ns, repository } = await ofFolders('apps/web', 'apps/api');
    const foreign = { url: 'https://git.example.com/mine.git' };
    await plane().client.create(resources.gitSyncs, {
      apiVersion: 'metricops.dev/v1alpha1',
      kind: 'GitSync',
      metadata: { namespace: ns, name: 'web' },
      spec: { source: { git: foreign } },
    });
    await create(ns, folders(repository));
    await says(ns, 'False', new RegExp(`OwnedByAnother GitSync ${ns}/web was not made`));
    await areNamed(ns, 'api', 'web');
    const web = (await syncs(ns)).find((sync) => sync.metadata.name === 'web');
    assert.equal(web?.spec.source.git?.url, foreign.url);
    assert.equal(web.metadata.labels, undefined);
  });

  it('refuses a mass deletion until a person allows it, and never deletes all', async () => {
    const paths = Array.from({ length: 8 }, (_, i) => `apps/a${i}`);
    const { ns, repository } = await ofFolders(...paths);
    await create(ns, folders(repository));
    await says(ns, 'True', /8 GitSyncs/);
    repository.git('rm', '-r', '--quiet', ...paths.slice(2));
    repository.commit(files('apps/new'));
    controller.requestSet({ namespace: ns, name: 'all' });
    await says(ns, 'False', /MassDeletionRefused 6 of 8 .*at most 5 .*allow-mass-delete=true/);
    assert.equal((await names(ns)).length, 8);
    await patch(ns, { metadata: { annotations: { [annotations.allowMassDelete]: 'true' } } });
    await areNamed(ns, 'a0', 'a1', 'new');
    await patch(ns, { spec: folders(repository, 'appz/*') });
    await says(ns, 'False', /NothingGenerated .*the 3 GitSyncs stay/);
    assert.equal((await names(ns)).length, 3);
  });

  it('takes its GitSyncs with it when it is deleted, unless its updatePolicy is never to delete', async function () {
    this.timeout(90_000);
    const { ns, repository } = await ofFolders('apps/web');
    await create(ns, folders(repository));
    await areNamed(ns, 'web');
    await plane().client.delete(resources.gitSyncSets, { namespace: ns, name: 'all' });
    await areNamed(ns);

    await create(ns, { ...folders(repository), updatePolicy: 'CreateUpdate' }, 'keeping');
    await areNamed(ns, 'web');
    await plane().client.delete(resources.gitSyncSets, { namespace: ns, name: 'keeping' });
    await eventually(
      async () => (await plane().client.get(resources.gitSyncSets, { namespace: ns, name: 'keeping' })) === undefined,
      { what: 'the end of the set' },
    );
    const [web] = await syncs(ns);
    assert.equal(web?.metadata.name, 'web');
    assert.equal(web.metadata.ownerReferences, undefined);
    assert.equal(web.metadata.deletionTimestamp, undefined);
  });

  it('makes 2,000 GitSyncs of 2,000 folders, and asks nothing of the API server when nothing is new', async () => {
    const paths = Array.from({ length: 2000 }, (_, i) => `apps/a${i}`);
    const { ns, repository } = await ofFolders(...paths);
    await create(ns, folders(repository));
    await eventually(
      async () => {
        const set = await plane().client.get<GitSyncSet>(resources.gitSyncSets, { namespace: ns, name: 'all' });
        return set?.status?.generatedCount === 2000;
      },
      { what: '2,000 GitSyncs', timeoutMs: 90_000, everyMs: 250 },
    );
    assert.equal((await names(ns)).length, 2000);
    // The events of its own writes are looked at once more.
    const last = { requests: -1, times: 0 };
    const isQuiet = (): boolean => {
      last.times = requests.length === last.requests ? last.times + 1 : 0;
      last.requests = requests.length;
      return last.times >= 4;
    };
    await eventually(isQuiet, { what: 'the end of its requests', everyMs: 250 });
    const looks = (): number => git.requests.filter((r) => r.startsWith('GET') && r.includes(ns)).length;
    const [asked, known] = [requests.length, looks()];
    controller.requestSet({ namespace: ns, name: 'all' });
    await eventually(() => looks() > known, { what: 'another look' });
    repository.commit(files('apps/new'));
    controller.requestSet({ namespace: ns, name: 'all' });
    await says(ns, 'True', /2001 GitSyncs/);
    // The new one, the status, an event; for the look before, nothing.
    await eventually(() => assert.deepEqual(requests.slice(asked), ['PATCH', 'PATCH', 'POST']) ?? true, {
      what: 'the requests of the new one',
    });
  }).timeout(150_000);
});
