import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { afterEach, describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { hostileObjects, hostileUrls } from '../../test/support/hostile-objects.ts';
import { gitSync, type Leader, type LeaderOptions, startLeader } from '../../test/support/leader.ts';
import { eventually } from '../../test/support/poll.ts';
import { createRepositories } from '../../test/support/repositories.ts';
import { gitSyncSpec } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import { KubeError, resources } from '../kube/index.ts';
import { parseAll } from '../render/parse.ts';

const SHOP = 'https://git.example.com/shop.git';
const OTHER = 'https://git.example.com/other.git';
const configMap = (name: string, k: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { k } });

describe('a leader', () => {
  let leader: Leader | undefined;
  afterEach(async () => {
    await leader?.stop();
    leader = undefined;
  });

  const setUp = () => {
    const server = createApiServer({ namespaces: ['shop', 'evil'] });
    const repositories = createRepositories();
    repositories.commit(SHOP, { 'a.yaml': configMap('a', '1') });
    const full = { ...gitSyncSpec.parse({ source: { git: { url: SHOP } } }), interval: '5s' };
    const seed = (namespace: string, name: string, spec: object = {}): KubeObject =>
      server.seed(resources.gitSyncs, gitSync(namespace, name, { ...full, ...spec }));
    const lines: string[] = [];
    const log = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk));
        done();
      },
    });
    const start = async (options: LeaderOptions = {}): Promise<Leader> => {
      leader = await startLeader(server, repositories, { log, ...options });
      return leader;
    };
    const kOf = (namespace: string, name: string): unknown =>
      (server.get(resources.configMaps, namespace, name)?.data as { k?: string } | undefined)?.k;
    return { server, repositories, seed, start, lines, kOf };
  };

  for (const url of ['https://github.com:org/repo.git', 'http://[', 'https://host:99999/']) {
    for (const policy of [undefined, { allowedHosts: ['git.example.com'] }]) {
      it(`starts beside a GitSync of ${url}${policy ? ', with allowed hosts' : ''}: it alone is told, the others sync`, async () => {
        const { server, repositories, seed, start, kOf } = setUp();
        if (policy)
          await server.client.create(resources.platformPolicies, {
            apiVersion: 'metricops.dev/v1alpha1',
            kind: 'PlatformPolicy',
            metadata: { name: 'default' },
            spec: policy,
          });
        seed('evil', 'app', { source: { git: { url } } });
        seed('shop', 'app');
        const { ready, sync } = await start();
        await ready('shop', 'app', ({ status }) => status === 'True');
        await ready('evil', 'app', ({ status, reason }) => status === 'False' && reason === 'InvalidUrl');
        repositories.commit(SHOP, { 'a.yaml': configMap('a', '2') });
        sync.requestSync({ namespace: 'shop', name: 'app' });
        await eventually(() => kOf('shop', 'a') === '2', { what: 'the next commit' });
      });
    }
  }

  it('takes back what was applied without an answer, where Git goes back before the next try', async () => {
    const { server, repositories, seed, start, kOf } = setUp();
    seed('shop', 'app');
    const { ready, sync } = await start();
    await ready('shop', 'app', ({ status }) => status === 'True');
    const away = new KubeError('away', { status: 503, reason: 'ServiceUnavailable' });
    server.fault = ({ verb, type }) => {
      if (verb !== 'apply' || type.kind !== 'ConfigMap') return undefined;
      if (kOf('shop', 'a') === '1') return 'lost';
      throw away;
    };
    repositories.commit(SHOP, { 'a.yaml': configMap('a', '2') });
    sync.requestSync({ namespace: 'shop', name: 'app' });
    await eventually(() => kOf('shop', 'a') === '2', { what: 'the apply whose answer is lost' });
    await ready('shop', 'app', ({ status }) => status === 'False');
    repositories.commit(SHOP, { 'a.yaml': configMap('a', '1') });
    server.fault = () => undefined;
    sync.requestSync({ namespace: 'shop', name: 'app' });
    await eventually(() => kOf('shop', 'a') === '1', { what: 'what Git says' });
  });

  it('starts beside autoscalers and GitSyncs as nobody should write them, and syncs the one that is well', async () => {
    const { server, seed, start } = setUp();
    for (const [i, { object }] of hostileObjects(['autoscaling/v2 HorizontalPodAutoscaler']).entries()) {
      const metadata = { ...object.metadata, namespace: 'evil', name: `h${i}` };
      server.seed(resources.horizontalPodAutoscalers, { ...object, metadata });
    }
    const odd = [
      ...[null, {}, { git: null }, { git: { url: 5 } }, { git: { url: SHOP, ref: null } }].map((source) => ({
        source,
      })),
      ...[5, { plain: null }].map((render) => ({ render })),
      ...[{ interval: null }, { timeout: 'soon' }, { dependsOn: null }, { ignoreDifferences: null }, { path: {} }],
    ];
    for (const [i, spec] of odd.entries()) seed('evil', `odd-${i}`, spec);
    for (const [i, url] of hostileUrls.entries()) seed('evil', `url-${i}`, { source: { git: { url } } });
    server.seed(resources.gitSyncs, { metadata: { namespace: 'evil', name: 'bare' } });
    seed('shop', 'app');
    const { ready } = await start();
    await ready('shop', 'app', ({ status }) => status === 'True');
    const told = ['bare', ...odd.map((_, i) => `odd-${i}`), ...hostileUrls.map((_, i) => `url-${i}`)];
    for (const name of told) await ready('evil', name, ({ status }) => ['True', 'False'].includes(status));
  });

  it('ends at once when it may no longer lead, while a Git server answers nothing', async () => {
    const { repositories, seed, start } = setUp();
    repositories.answer(SHOP, () => new Promise<never>(() => {}));
    seed('shop', 'app');
    await start();
    await eventually(() => repositories.asked.length > 0);
    await leader?.stop();
    leader = undefined;
  });

  it('renders a commit with a mistake in it once, and the next commit at once', async () => {
    const { repositories, seed, start, kOf } = setUp();
    repositories.commit(SHOP, { 'a.yaml': 'kind: [' });
    seed('shop', 'app', { interval: '5s' });
    const { ready, sync } = await start();
    await ready('shop', 'app', ({ reason }) => reason === 'InvalidYAML');
    const reads = (): number => repositories.asked.filter((what) => what === `read ${SHOP}`).length;
    assert.equal(reads(), 1);
    const looks = repositories.asked.length;
    for (let i = 1; i <= 3; i += 1) {
      sync.requestSync({ namespace: 'shop', name: 'app' });
      await eventually(() => repositories.asked.length >= looks + i);
    }
    assert.equal(reads(), 1);
    repositories.commit(SHOP, { 'a.yaml': configMap('a', '2') });
    sync.requestSync({ namespace: 'shop', name: 'app' });
    await eventually(() => kOf('shop', 'a') === '2');
  });

  it('corrects drift from the last render: nothing is read, nor rendered', async () => {
    const { server, repositories, seed, start, kOf } = setUp();
    seed('shop', 'app', { interval: '1h' });
    const { ready } = await start();
    await ready('shop', 'app', ({ status }) => status === 'True');
    const asked = repositories.asked.length;
    const key = { namespace: 'shop', name: 'a' };
    const body = { data: { k: 'by hand' } };
    await server.client.patch(resources.configMaps, key, { type: 'merge', body }, { fieldManager: 'kubectl-edit' });
    assert.equal(kOf('shop', 'a'), 'by hand');
    await eventually(() => kOf('shop', 'a') === '1', { what: 'the value of Git' });
    assert.deepEqual(repositories.asked.slice(asked), []);
  });

  it('renders it again when the spec changes, or somebody asks for it', async () => {
    const { server, repositories, seed, start } = setUp();
    repositories.commit(SHOP, { 'a.yaml': 'kind: [' });
    const { metadata } = seed('shop', 'app', { interval: '1h' });
    const { ready } = await start();
    await ready('shop', 'app', ({ reason }) => reason === 'InvalidYAML');
    const reads = (): number => repositories.asked.filter((what) => what === `read ${SHOP}`).length;
    const patch = (body: object) => server.client.patch(resources.gitSyncs, metadata, { type: 'merge', body });
    await patch({ metadata: { annotations: { 'metricops.dev/requested-at': 'now' } } });
    await eventually(() => reads() === 2, { what: 'the request' });
    await patch({ spec: { prune: false } });
    await eventually(() => reads() === 3, { what: 'the new spec' });
  });

  it('tells a GitSync of an error that nobody foresaw, under an id that the log has, and shows no value of it', async () => {
    const { repositories, seed, start, lines, kOf } = setUp();
    repositories.commit(OTHER, { 'secret.yaml': configMap('a', 'hunter2') });
    seed('evil', 'app', { source: { git: { url: OTHER } } });
    seed('shop', 'app');
    const parse = async (manifests: readonly { text: string }[]) => {
      if (manifests.some(({ text }) => text.includes('hunter2'))) throw new TypeError('Received "hunter2"');
      return parseAll(manifests.map(({ text }) => ({ file: 'a.yaml', text })));
    };
    const render = {
      kustomize: 'kustomize',
      helm: 'helm',
      sops: '',
      timeoutMs: 1_000,
      parser: { parse, documents: async () => [] },
    };
    const { ready, sync } = await start({ ports: { render } });
    const { status } = await ready('evil', 'app', ({ reason }) => reason === 'InternalError');
    await ready('shop', 'app', (condition) => condition.status === 'True');
    const { message = '' } = status?.conditions?.find(({ type }) => type === 'Ready') ?? {};
    const [, id = '-'] = /^unexpected TypeError; .* under ([0-9a-f]{8})$/.exec(message) ?? [];
    assert.ok(
      lines.some((line) => line.includes(`"id":"${id}"`) && line.includes('"sync":"evil/app"')),
      message,
    );
    assert.ok(!`${lines}${JSON.stringify(status)}`.includes('hunter2'));
    repositories.commit(OTHER, { 'secret.yaml': configMap('a', '2') });
    sync.requestSync({ namespace: 'evil', name: 'app' });
    await ready('evil', 'app', (condition) => condition.status === 'True');
    assert.equal(kOf('evil', 'a'), '2');
  });

  it('says what the API server refuses of the GitSync itself', async () => {
    const { seed, start, server } = setUp();
    seed('evil', 'app');
    server.fault = ({ verb, subresource }) => {
      if (verb === 'patch' && subresource === undefined)
        throw new KubeError('gitsyncs "app" is forbidden: no finalizers', { status: 403, reason: 'Forbidden' });
      return undefined;
    };
    const { ready } = await start();
    const { status } = await ready('evil', 'app', ({ reason }) => reason === 'ReconciliationFailed');
    assert.match(status?.conditions?.[0]?.message ?? '', /forbidden/);
  });
});
