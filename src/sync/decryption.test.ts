import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { gitSync } from '../../test/support/leader.ts';
import { eventually } from '../../test/support/poll.ts';
import { startVault, type TestVault } from '../../test/support/vault.ts';
import { type GitSync, type GitSyncInput, gitSyncSpec } from '../api/gitsync.ts';
import { type PlatformPolicySpec, unrestrictedPolicy } from '../api/platform-policy.ts';
import { ReasonError } from '../api/reason-error.ts';
import { systemClock } from '../clock.ts';
import { createClouds } from '../cloud/clouds.ts';
import { KubeError, resources } from '../kube/index.ts';
import { createDecryption, type DecryptionReader } from './render/decryption.ts';

describe('what a GitSync decrypts with', () => {
  let reader: DecryptionReader | undefined;
  let vault: TestVault;
  beforeEach(async () => {
    vault = await startVault();
  });
  afterEach(async () => {
    await reader?.stop();
    await vault.stop();
  });

  const setUp = (policy: Partial<PlatformPolicySpec> = {}) => {
    const server = createApiServer({ namespaces: ['shop', 'metricops-system'] });
    const ports = {
      clock: systemClock,
      policy: () => ({ ...unrestrictedPolicy, ...policy }),
      systemNamespace: 'metricops-system',
    };
    const clouds = createClouds(server.client, ports);
    const more = { clouds, random: Math.random, digestKey: Buffer.from('key') };
    reader = createDecryption(server.client, { ...ports, ...more });
    const put = (data: Record<string, string>, namespace = 'shop') =>
      server.seed(resources.secrets, {
        metadata: { namespace, name: 'keys' },
        data: Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
        ),
      });
    const read = (spec: Partial<GitSyncInput>, namespace = 'shop') => {
      const source = { git: { url: 'https://git.example.com/shop.git' } };
      return reader?.of(gitSync(namespace, 'app', gitSyncSpec.parse({ source, ...spec })) as GitSync);
    };
    return { server, put, read };
  };
  const secretRef = { name: 'keys' };
  const isRefused = (code: string, message: RegExp) => (error: unknown) =>
    error instanceof ReasonError && error.code === code && message.test(error.message);

  it('is nothing where spec.decryption is not set', async () => {
    const { server, read } = setUp();
    assert.equal(await read({}), undefined);
    assert.equal(server.requests.length, 0);
  });

  it('are the keys of its Secret, by their endings; a Secret of Flux is taken as it is', async () => {
    const { put, read } = setUp();
    put({ 'a.agekey': 'AGE', 'b.agekey': 'ALSO', 'c.asc': 'PGP', 'sops.aws-kms': 'x', note: 'x' });
    const found = await read({ decryption: { secretRef } });
    assert.deepEqual(found?.keys.age, [
      { entry: 'a.agekey', text: 'AGE' },
      { entry: 'b.agekey', text: 'ALSO' },
    ]);
    assert.deepEqual(found?.keys.pgp, [{ entry: 'c.asc', text: 'PGP' }]);
    assert.equal(found?.from, 'Secret shop/keys');
  });

  it('has a digest, which changes with the keys and shows nothing of them', async () => {
    const { put, read } = setUp();
    put({ 'a.agekey': 'AGE' });
    const digest = async () => (await read({ decryption: { secretRef } }))?.digest;
    const first = await digest();
    assert.match(first ?? '', /^[0-9a-f]{16}$/);
    assert.equal(await digest(), first);
    put({ 'a.agekey': 'OTHER' });
    await eventually(async () => (await digest()) !== first, { what: 'another digest' });
  });

  it('is refused where the Secret is missing, too large, or has no key', async () => {
    const { put, read } = setUp();
    // Until the watch has shown it, the Secret of before counts.
    const refused = (message: RegExp) =>
      eventually(() =>
        assert
          .rejects(async () => read({ decryption: { secretRef } }), isRefused('DecryptionKeysNotFound', message))
          .then(() => true),
      );
    await refused(/^Secret shop\/keys of spec.decryption does not exist$/);
    put({ password: 'hunter2' });
    await refused(/^Secret shop\/keys needs a key NAME.agekey, NAME.asc or sops.vault-token; its keys: password$/);
    put({ 'a.agekey': 'x'.repeat(300_000) });
    await refused(/^Secret shop\/keys has 300000 bytes; 262144 are taken$/);
  });

  it('has no Vault with an internal address, unless the platform names it or asks itself', async () => {
    const decryption = { vault: { address: vault.url } };
    const host = new URL(vault.url).host;
    await assert.rejects(
      async () => setUp().read({ decryption }),
      isRefused(
        'HostRefused',
        new RegExp(`^${host} has an internal address: a PlatformPolicy has to name it in decryption`),
      ),
    );
    const named = setUp({ decryption: { allowedHosts: [host] } });
    assert.equal((await named.read({ decryption }))?.vault?.address, vault.url);
    assert.equal((await setUp().read({ decryption }, 'metricops-system'))?.vault?.address, vault.url);
  });

  it('has a token of Vault from its Secret, or by a login as its account, or says what is missing', async () => {
    const { server, put, read } = setUp({ decryption: { allowedHosts: ['127.0.0.1'] } });
    put({ 'sops.vault-token': ' hvs.x\n' });
    const tokenOf = async (spec: Partial<GitSyncInput>) => (await read(spec))?.vault?.token();
    const address = vault.url;
    assert.equal(await tokenOf({ decryption: { secretRef, vault: { address } } }), 'hvs.x');
    await assert.rejects(
      tokenOf({ decryption: { vault: { address } } }),
      isRefused(
        'DecryptionKeysNotFound',
        /spec.decryption.vault has no role, and no Secret .* the key sops.vault-token/,
      ),
    );
    const login = { decryption: { vault: { address, role: 'shop' } } };
    await assert.rejects(
      tokenOf(login),
      isRefused('DecryptionKeysNotFound', /^spec.decryption.vault.role needs spec.serviceAccountName/),
    );
    server.fault = ({ verb, name }) => {
      if (verb !== 'get' || name !== 'keys') return undefined;
      throw new KubeError('forbidden', { status: 403, reason: 'Forbidden' });
    };
    await assert.rejects(
      async () => read({ decryption: { secretRef }, serviceAccountName: 'deployer' }),
      isRefused('DecryptionKeysNotFound', /^Secret shop\/keys of spec.decryption can't be read: forbidden/),
    );
  });
});
