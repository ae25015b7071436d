import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { gitSync, type Leader, startLeader } from '../../test/support/leader.ts';
import { eventually } from '../../test/support/poll.ts';
import { createRepositories } from '../../test/support/repositories.ts';
import { gitSyncSpec } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import { KubeError, resources } from '../kube/index.ts';

const SHOP = 'https://git.example.com/shop.git';
const manifest = (text: string): Record<string, string> => ({
  'a.yaml': JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { text } }),
});
const ingress = (host: string): Record<string, string> => ({
  'a.yaml': JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web' },
    spec: { rules: [{ host }] },
  }),
});

describe('variables of a GitSync', () => {
  let leader: Leader | undefined;
  afterEach(async () => {
    await leader?.stop();
    leader = undefined;
  });

  const setUp = (files: Record<string, string>, spec: object) => {
    const server = createApiServer({ namespaces: ['shop'] });
    const repositories = createRepositories();
    repositories.commit(SHOP, files);
    const full = gitSyncSpec.parse({ source: { git: { url: SHOP } }, interval: '1h', ...spec });
    server.seed(resources.gitSyncs, gitSync('shop', 'app', full));
    const put = (type: typeof resources.secrets, name: string, data: object): KubeObject =>
      server.seed(type, { metadata: { namespace: 'shop', name }, data });
    const text = (): unknown => (server.get(resources.configMaps, 'shop', 'a')?.data as { text?: string })?.text;
    const start = async (): Promise<Leader> => {
      leader = await startLeader(server, repositories);
      return leader;
    };
    return { server, repositories, put, text, start };
  };
  const from = (...sources: [kind: string, name: string, optional?: boolean][]): object => ({
    substituteFrom: sources.map(([kind, name, optional = false]) => ({ kind, name, optional })),
  });
  const base64 = (value: string): string => Buffer.from(value).toString('base64');

  it('come from the spec, which wins, and from ConfigMaps, of which a later one wins', async () => {
    const postBuild = { substitute: { A: 'spec' }, ...from(['ConfigMap', 'one'], ['ConfigMap', 'two']) };
    const { put, start, text } = setUp(manifest('${A} ${B} ${C}'), { postBuild });
    put(resources.configMaps, 'one', { A: 'one', B: 'one', C: 'one' });
    put(resources.configMaps, 'two', { C: 'two' });
    const { ready } = await start();
    await ready('shop', 'app', ({ status }) => status === 'True');
    assert.equal(text(), 'spec one two');
  });

  it('are rendered again when their ConfigMap changes, without a commit', async () => {
    const { put, start, text } = setUp(manifest('${A}'), { postBuild: from(['ConfigMap', 'one']) });
    put(resources.configMaps, 'one', { A: '1' });
    const { ready } = await start();
    await ready('shop', 'app', ({ status }) => status === 'True');
    put(resources.configMaps, 'one', { A: '2' });
    await eventually(() => text() === '2', { what: 'the new value' });
  });

  it('that are missing are waited for, in words, and an optional object may be missing', async () => {
    const { put, start, text } = setUp(manifest('${A:=none}'), {
      postBuild: from(['ConfigMap', 'one'], ['ConfigMap', 'two', true]),
    });
    const { ready } = await start();
    const missing = /^ConfigMap shop\/one of spec.postBuild.substituteFrom does not exist/;
    await ready('shop', 'app', ({ reason, message }) => reason === 'VariablesNotFound' && missing.test(message));
    put(resources.configMaps, 'one', {});
    await eventually(() => text() === 'none', { what: 'the default' });
  });

  it('that nobody set stop the sync with the name, and the objects of before stay', async () => {
    const { repositories, server, start, text } = setUp(manifest('1'), { postBuild: {} });
    const { ready, sync } = await start();
    await ready('shop', 'app', ({ status }) => status === 'True');
    repositories.commit(SHOP, manifest('${TYPO}'));
    sync.requestSync({ namespace: 'shop', name: 'app' });
    await ready('shop', 'app', ({ reason, message }) => reason === 'SubstitutionFailed' && /\$\{TYPO\}/.test(message));
    assert.equal(text(), '1');
    assert.ok(server.get(resources.configMaps, 'shop', 'a'));
  });

  it('under a name that is none are refused, and so is an object with too many', async () => {
    const { put, start } = setUp(manifest('1'), { postBuild: from(['ConfigMap', 'one']) });
    put(resources.configMaps, 'one', { 'my-key': '1' });
    const { ready } = await start();
    const refused = (words: RegExp) =>
      ready('shop', 'app', ({ reason, message }) => reason === 'SubstitutionFailed' && words.test(message));
    await refused(/^"my-key" in ConfigMap one names no variable/);
    put(resources.configMaps, 'one', { A: 'x'.repeat(70_000) });
    await refused(/^ConfigMap shop\/one of spec.postBuild.substituteFrom has 70000 bytes; 65536 are taken/);
  });

  it('are read as the ServiceAccount of the GitSync, which may not read them without a right', async () => {
    const { server, put, start } = setUp(manifest('${A}'), {
      serviceAccountName: 'applier',
      postBuild: from(['Secret', 'one']),
    });
    put(resources.secrets, 'one', { A: base64('hunter2') });
    const { fault } = server;
    server.fault = (request) => {
      if (request.verb === 'get' && request.type.kind === 'Secret' && request.user !== undefined)
        throw new KubeError('forbidden', { status: 403, reason: 'Forbidden' });
      return fault(request);
    };
    const { ready } = await start();
    await ready('shop', 'app', ({ reason }) => reason === 'VariablesNotFound');
    const asked = server.requests.find(({ verb, name }) => verb === 'get' && name === 'one');
    assert.equal(asked?.user, 'system:serviceaccount:shop:applier');
  });

  it('cost no request while nothing changes', async () => {
    const { server, put, start } = setUp(manifest('${A}'), {
      postBuild: from(['ConfigMap', 'one'], ['Secret', 'two']),
    });
    put(resources.configMaps, 'one', { A: '1' });
    put(resources.secrets, 'two', { B: base64('2') });
    const { ready, sync } = await start();
    await ready('shop', 'app', ({ status }) => status === 'True');
    const gets = (): number => server.requests.filter(({ verb, name }) => verb === 'get' && name === 'one').length;
    await eventually(async () => {
      const before = gets();
      sync.requestSync({ namespace: 'shop', name: 'app' });
      return gets() === before;
    });
    assert.ok(gets() <= 2, `${gets()} reads`);
  });

  it('from a Secret are nowhere to be read but in the object: neither in status, nor in logs, nor where it is refused', async () => {
    const { server, put, start, repositories } = setUp(ingress('${HOST}.example.com'), {
      drift: 'Report',
      postBuild: from(['Secret', 'one']),
    });
    put(resources.secrets, 'one', { HOST: base64('hunter2') });
    const { ready, sync } = await start();
    await ready('shop', 'app', ({ status }) => status === 'True');
    const [type] = server.list(resources.gitSyncs);
    const live = (): KubeObject | undefined =>
      server.requests.findLast(({ verb, name }) => verb === 'apply' && name === 'web')?.body as KubeObject;
    assert.deepEqual(live()?.spec, { rules: [{ host: 'hunter2.example.com' }] });
    assert.equal(live()?.metadata.annotations?.['metricops.dev/holds-secret'], 'true');
    assert.doesNotMatch(JSON.stringify(type), /hunter2/);
    server.fault = ({ verb, name }) => {
      if (verb !== 'apply' || name !== 'web') return undefined;
      throw new KubeError('Ingress "web" is invalid: host: Invalid value: "hunter2.example.com"', {
        status: 422,
        reason: 'Invalid',
      });
    };
    repositories.commit(SHOP, ingress('x.${HOST}.example.com'));
    sync.requestSync({ namespace: 'shop', name: 'app' });
    const { status } = await ready('shop', 'app', ({ reason }) => reason === 'ObjectRejected');
    assert.match(JSON.stringify(status), /refuses it with 422 Invalid; why is not shown/);
    assert.doesNotMatch(JSON.stringify(server.list(resources.gitSyncs)), /hunter2/);
  });
});
