import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { resources } from '../../src/kube/index.ts';
import { eventually } from '../support/poll.ts';
import { createSigners, type Signer, type Signers } from '../support/signers.ts';
import { configMap, useSync, yaml } from '../support/sync.ts';

describe('a GitSync that applies only what is signed', () => {
  const { plane, bench } = useSync();
  let signers: Signers;
  let mine: Signer;
  let other: Signer;
  before(async () => {
    signers = await createSigners();
    [mine, other] = [signers.ssh('ed25519'), signers.ssh('ed25519')];
  });
  after(() => signers.close());

  const setUp = async () => {
    const ns = await plane().namespace('sync');
    const repository = bench().git.repository(ns);
    const trust = (signer: Signer) =>
      plane().client.apply(
        resources.secrets,
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { namespace: ns, name: 'signers' },
          stringData: { 'me.pub': signer.publicKey },
        },
        { fieldManager: 'test', force: true },
      );
    const commit = (v: string): string => repository.commit({ 'a.yaml': yaml(configMap('one', { v })) });
    const name = { namespace: ns, name: 'one' };
    const value = async (): Promise<unknown> => (await plane().client.get(resources.configMaps, name))?.data;
    const now = () => bench().controller.requestSync({ namespace: ns, name: 'app' });
    const follow = () =>
      bench().sync(ns, 'app', {
        source: { git: { url: repository.url, verify: { secretRef: { name: 'signers' } } } },
      });
    return { ns, repository, trust, commit, name, value, now, follow };
  };

  it('leaves the last one in service, also against drift and after a restart, until a signed one comes', async () => {
    const { ns, repository, trust, commit, name, value, now, follow } = await setUp();
    await trust(mine);
    mine.signs(repository);
    commit('1');
    await follow();
    await bench().ready(ns, 'app');
    other.signs(repository);
    const refused = commit('2');
    now();
    await bench().ready(
      ns,
      'app',
      'False',
      new RegExp(`SignatureInvalid commit ${refused} .*${other.id.replaceAll('+', '\\+')}`),
    );
    assert.deepEqual(await value(), { v: '1' });
    const edit = (v: string) =>
      plane().client.patch(resources.configMaps, name, { type: 'merge', body: { data: { v } } });
    const reverted = () =>
      eventually(async () => JSON.stringify(await value()) === '{"v":"1"}', { what: 'the revert' });
    await edit('by hand');
    await reverted();
    await bench().restart(() => edit('by hand'));
    await reverted();
    await bench().ready(ns, 'app', 'False', /SignatureInvalid/);
    mine.signs(repository);
    commit('3');
    now();
    await bench().ready(ns, 'app');
    assert.deepEqual(await value(), { v: '3' });
  });

  it('applies nothing of a repository that is not signed, until its key is trusted', async () => {
    const { ns, repository, trust, commit, value, now, follow } = await setUp();
    const unsigned = commit('1');
    await follow();
    await bench().ready(ns, 'app', 'False', /SecretNotFound .*signers/);
    await trust(mine);
    await bench().ready(ns, 'app', 'False', new RegExp(`NotSigned commit ${unsigned} .*Secret ${ns}/signers`));
    other.signs(repository);
    commit('2');
    now();
    await bench().ready(ns, 'app', 'False', /SignatureInvalid/);
    assert.equal(await value(), undefined);
    await trust(other);
    await bench().ready(ns, 'app');
    assert.deepEqual(await value(), { v: '2' });
  });
});
