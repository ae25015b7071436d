import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { startVault, type TestVault } from '../../test/support/vault.ts';
import { renewed } from '../../webhook/certificate-store.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Wrapped } from './types.ts';
import { logIn, openVault } from './vault.ts';

const LOGIN = 'auth/kubernetes/login';

describe('Vault', () => {
  let server: TestVault;
  beforeEach(async () => {
    server = await startVault();
  });
  afterEach(() => server.stop());

  const wrappedBy = async (key = 'sops', engine = 'transit'): Promise<Wrapped> => {
    const answer = await fetch(`${server.url}/v1/transit/encrypt/sops`, {
      method: 'POST',
      headers: { 'x-vault-token': server.token },
      body: JSON.stringify({ plaintext: Buffer.from('data key').toString('base64') }),
    });
    const { data } = (await answer.json()) as { data: { ciphertext: string } };
    const vault = { address: server.url, engine, key };
    return { kind: 'vault', name: 'the key', ciphertext: data.ciphertext, vault };
  };
  const unwrap = async (wrapped: Wrapped, token = server.token): Promise<string> => {
    const vault = openVault({ address: server.url, token: async () => token });
    try {
      const found = await vault.unwrap(wrapped);
      return typeof found === 'string' ? Buffer.from(found, 'base64').toString() : `${found.code}: ${found.message}`;
    } finally {
      await vault.close();
    }
  };

  it('unwraps a data key', async () => assert.equal(await unwrap(await wrappedBy()), 'data key'));

  it('is asked for a token once for many keys', async () => {
    let tokens = 0;
    const token = async (): Promise<string> => {
      tokens += 1;
      return server.token;
    };
    const vault = openVault({ address: server.url, token });
    const wrapped = await wrappedBy();
    await vault.unwrap(wrapped);
    await vault.unwrap(wrapped);
    await vault.close();
    assert.equal(tokens, 1);
  });

  it('that refuses is named with its status and what to check, and with no word of its answer', async () => {
    const refused = await unwrap(await wrappedBy(), 'hvs.wrong');
    assert.match(refused, /^KeyServiceFailed: the key: Vault answered 403: the policy of its token does not allow it/);
    assert.match(
      await unwrap(await wrappedBy('other')),
      /^KeyServiceFailed: the key: Vault answered 404: it has no such/,
    );
    server.fault = { status: 500, body: '{"errors":["hunter2"]}' };
    assert.equal(await unwrap({ ...(await sealed()) }), 'KeyServiceFailed: the key: Vault answered 500');
  });

  const sealed = async (): Promise<Wrapped> => ({
    kind: 'vault',
    name: 'the key',
    ciphertext: 'vault:v1:x',
    vault: { address: server.url, engine: 'transit', key: 'sops' },
  });

  it('that answers something else, or not at all, is named', async () => {
    const wrapped = await sealed();
    for (const [body, words] of [
      ['<html>', /what answered is no Vault/],
      ['{"data":{}}', /answered without a data key/],
      [`{"data":"${'x'.repeat(100_000)}"}`, /what answered is no Vault/],
    ] as const) {
      server.fault = { status: 200, body };
      assert.match(await unwrap(wrapped), words);
    }
    const gone = openVault({ address: 'http://127.0.0.1:1', token: async () => 'x' });
    const found = await gone.unwrap(wrapped);
    assert.match(String(found), /can't be reached: ECONNREFUSED/);
    await gone.close();
  });

  for (const [engine, key] of [
    ['../auth', 'sops'],
    ['transit', '../../sys/seal'],
    ['transit?x=', 'sops'],
    ['transit', 'sops#'],
    ['', 'sops'],
    ['transit', '..'],
  ] as const)
    it(`is asked nothing for the key ${key} of ${engine || 'no engine'}`, async () => {
      const vault = { address: server.url, engine, key };
      assert.match(await unwrap({ ...(await sealed()), vault }), /^DecryptionFailed: the key is no key of the transit/);
      assert.deepEqual(server.asked, []);
    });

  it('with a certificate of a private CA is asked with that CA, and with no other', async () => {
    const { ca, leaf } = await renewed(undefined, ['127.0.0.1'], Date.now());
    const secured = await startVault({ key: leaf.key, cert: leaf.certificate });
    secured.accepts = async () => true;
    const log = (pem?: string) =>
      logIn({ address: secured.url, ca: pem }, { loginPath: LOGIN, role: 'shop', jwt: 'x' });
    try {
      assert.match(await log(ca.certificate), /^hvs\./);
      await assert.rejects(log(), /Vault can't be reached: (DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/);
    } finally {
      await secured.stop();
    }
  });

  it('gives a token for that of a ServiceAccount, or says why not', async () => {
    server.accepts = async (jwt, role) => jwt === 'jwt' && role === 'shop';
    const log = (jwt: string, loginPath = LOGIN) => logIn({ address: server.url }, { loginPath, role: 'shop', jwt });
    assert.equal(await unwrap(await wrappedBy(), await log('jwt')), 'data key');
    const isRefused = (error: unknown): boolean =>
      error instanceof ReasonError &&
      error.code === 'KeyServiceFailed' &&
      /as role shop: Vault answered 403/.test(error.message);
    await assert.rejects(log('other'), isRefused);
  });
});
