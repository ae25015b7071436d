import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { gitSync, type Leader, startLeader } from '../../test/support/leader.ts';
import { eventually } from '../../test/support/poll.ts';
import { createRepositories } from '../../test/support/repositories.ts';
import { gitSyncSpec } from '../api/gitsync.ts';
import { ReasonError } from '../api/reason-error.ts';
import { resources } from '../kube/index.ts';

const URL = 'https://git.example.com/shop.git';
const NAME = { namespace: 'shop', name: 'a' };
const files = (k: string) => ({
  'a.yaml': JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k } }),
});

describe('after a restart, while the Git server does not answer', () => {
  let leader: Leader | undefined;
  afterEach(async () => {
    await leader?.stop();
    leader = undefined;
  });

  const setUp = async () => {
    const server = createApiServer({ namespaces: ['shop'] });
    const repositories = createRepositories();
    repositories.commit(URL, files('1'));
    const spec = { ...gitSyncSpec.parse({ source: { git: { url: URL } } }), interval: '1h' };
    server.seed(resources.gitSyncs, gitSync('shop', 'app', spec));
    leader = await startLeader(server, repositories);
    await leader.ready('shop', 'app', ({ status }) => status === 'True');
    await leader.stop();
    const away = (): Promise<never> => Promise.reject(new ReasonError('RepositoryUnreachable', 'it is away'));
    repositories.answer(URL, away);
    const kOf = (): unknown => (server.get(resources.configMaps, 'shop', 'a')?.data as { k?: string })?.k;
    const edit = (k: string) =>
      server.client.patch(resources.configMaps, NAME, { type: 'merge', body: { data: { k } } });
    return { server, repositories, kOf, edit };
  };

  it('what was changed by hand meanwhile, and what is changed later, is as the last commit says', async () => {
    const { server, repositories, kOf, edit } = await setUp();
    await edit('by hand');
    leader = await startLeader(server, repositories);
    await leader.ready(
      'shop',
      'app',
      ({ reason, message }) => `${reason}: ${message}` === 'RepositoryUnreachable: it is away',
    );
    await eventually(() => kOf() === '1', { what: 'the first edit is reverted' });
    await edit('again');
    await eventually(() => kOf() === '1', { what: 'the second edit is reverted' });
  });

  it('nothing is applied of another spec than the one that was applied', async () => {
    const { server, repositories, kOf, edit } = await setUp();
    await edit('by hand');
    const name = { namespace: 'shop', name: 'app' };
    await server.client.patch(resources.gitSyncs, name, { type: 'merge', body: { spec: { path: 'other' } } });
    leader = await startLeader(server, repositories);
    await leader.ready('shop', 'app', ({ reason }) => reason === 'RepositoryUnreachable');
    assert.equal(kOf(), 'by hand');
  });

  it('the next commit is applied when it answers again', async () => {
    const { server, repositories, kOf } = await setUp();
    leader = await startLeader(server, repositories);
    await leader.ready('shop', 'app', ({ reason }) => reason === 'RepositoryUnreachable');
    repositories.answer(URL, undefined);
    repositories.commit(URL, files('2'));
    leader.sync.requestSync({ namespace: 'shop', name: 'app' });
    await eventually(() => kOf() === '2', { what: 'the new commit' });
  });
});
