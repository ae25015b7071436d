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
const OTHER = 'https://git.example.com/other.git';
const files = Object.fromEntries(
  ['a', 'b'].map((name) => [
    `${name}/${name}.yaml`,
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { k: '1' } }),
  ]),
);

describe('a GitSync whose source is another one now, of which nothing may be applied', () => {
  let leader: Leader | undefined;
  afterEach(() => leader?.stop());

  it('applies nothing of the former source either, also against drift', async () => {
    const server = createApiServer({ namespaces: ['shop'] });
    const repositories = createRepositories();
    repositories.commit(URL, files);
    repositories.answer(OTHER, () => Promise.reject(new ReasonError('NotSigned', 'it is not signed')));
    for (const path of ['a', 'b']) {
      const spec = { ...gitSyncSpec.parse({ source: { git: { url: URL } }, path }), interval: '1h' };
      server.seed(resources.gitSyncs, gitSync('shop', path, spec));
    }
    leader = await startLeader(server, repositories);
    for (const name of ['a', 'b']) await leader.ready('shop', name, ({ status }) => status === 'True');
    const body = { spec: { source: { git: { url: OTHER } } } };
    await server.client.patch(resources.gitSyncs, { namespace: 'shop', name: 'a' }, { type: 'merge', body });
    await leader.ready('shop', 'a', ({ reason }) => reason === 'NotSigned');
    const kOf = (name: string): unknown =>
      (server.get(resources.configMaps, 'shop', name)?.data as { k?: string } | undefined)?.k;
    const edit = (name: string) =>
      server.client.patch(
        resources.configMaps,
        { namespace: 'shop', name },
        { type: 'merge', body: { data: { k: 'by hand' } } },
      );
    await edit('a');
    // What came later was seen to.
    await edit('b');
    await eventually(() => kOf('b') === '1', { what: 'the edit of the neighbour is reverted' });
    assert.equal(kOf('a'), 'by hand');
  });
});
