import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type ApiServer, createApiServer } from '../../test/support/api-server.ts';
import { eventually } from '../../test/support/poll.ts';
import { unrestrictedPolicy } from '../api/platform-policy.ts';
import { systemClock } from '../clock.ts';
import { createClouds } from '../cloud/clouds.ts';
import { KubeError, resources } from '../kube/index.ts';
import { type Credentials, createCredentials, type SecretName } from './credentials.ts';

const NAME = { namespace: 'shop', name: 'git' };
const encoded = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));

const cloudsOf = ({ client }: ApiServer) =>
  createClouds(client, { clock: systemClock, policy: () => unrestrictedPolicy, systemNamespace: 'metricops-system' });

describe('credentials of a repository', () => {
  let credentials: Credentials;
  afterEach(() => credentials.stop());

  const setUp = (server: ApiServer = createApiServer({ namespaces: ['shop'] })) => {
    credentials = createCredentials(server.client, cloudsOf(server), { clock: systemClock, random: Math.random });
    const heard: SecretName[] = [];
    credentials.onChange((secret) => heard.push(secret));
    const put = (data: Record<string, string>) =>
      server.seed(resources.secrets, { metadata: NAME, type: 'Opaque', data: encoded(data) });
    const gets = (): number => server.requests.filter(({ verb }) => verb === 'get').length;
    return { server, heard, put, gets };
  };

  it('cost one request as long as their Secret stays as it is', async () => {
    const { put, gets } = setUp();
    put({ username: 'me', password: 'pass' });
    await credentials.read(NAME);
    await eventually(async () => {
      const before = gets();
      await credentials.read(NAME);
      return gets() === before;
    });
    const before = gets();
    for (let i = 0; i < 100; i += 1)
      assert.deepEqual(await credentials.read(NAME), { username: 'me', password: 'pass' });
    assert.equal(gets(), before);
  });

  it('are told of and read again when their Secret changes, comes or goes', async () => {
    const { put, heard, server } = setUp();
    await assert.rejects(credentials.read(NAME), { code: 'SecretNotFound', message: /does not exist/ });
    await eventually(() => server.requests.some(({ verb }) => verb === 'watch'));
    put({ token: 'one' });
    await eventually(() => heard.length === 1);
    assert.deepEqual(await credentials.read(NAME), { token: 'one' });
    put({ token: 'two' });
    await eventually(() => heard.length === 2);
    assert.deepEqual(await credentials.read(NAME), { token: 'two' });
    await server.client.delete(resources.secrets, NAME);
    await eventually(() => heard.length === 3);
    await assert.rejects(credentials.read(NAME), { code: 'SecretNotFound' });
  });

  it('say nothing of Secrets that nobody asked for, and keep nothing of them but name and version', async () => {
    const { server, heard, put } = setUp();
    put({ token: 'one' });
    await credentials.read(NAME);
    await eventually(() => server.requests.some(({ verb }) => verb === 'watch'));
    server.seed(resources.secrets, { metadata: { namespace: 'shop', name: 'other' }, data: encoded({ token: 'x' }) });
    put({ token: 'two' });
    await eventually(() => heard.length === 1);
    assert.deepEqual(heard, [NAME]);
  });

  it('may be a certificate alone, for a public repository behind a private CA', async () => {
    const { put } = setUp();
    put({ 'ca.crt': 'PEM' });
    assert.deepEqual(await credentials.read(NAME), { ca: 'PEM' });
  });

  for (const [data, read] of [
    [
      { username: 'me', password: 'pass' },
      { username: 'me', password: 'pass' },
    ],
    [{ bearerToken: 'one' }, { token: 'one' }],
    [{ bearerToken: 'one', token: 'two' }, { token: 'one' }],
    [
      { token: 'one', caFile: 'PEM' },
      { token: 'one', ca: 'PEM' },
    ],
    [
      { 'ca.crt': 'new', caFile: 'old', 'tls.crt': 'x', 'tls.key': 'y' },
      { ca: 'new', cert: 'x', key: 'y' },
    ],
    [
      { certFile: 'x', keyFile: 'y' },
      { cert: 'x', key: 'y' },
    ],
    [
      { identity: 'x', 'identity.pub': 'y', known_hosts: 'z' },
      { identity: 'x', knownHosts: 'z' },
    ],
    [
      {
        githubAppID: '1',
        githubAppInstallationID: '2',
        githubAppPrivateKey: 'x',
        githubAppBaseURL: 'https://a/api/v3',
      },
      { appId: '1', appInstallationId: '2', appPrivateKey: 'x', appBaseUrl: 'https://a/api/v3' },
    ],
  ] as [Record<string, string>, object][])
    it(`are understood as Flux writes them: ${Object.keys(data).join(', ')}`, async () => {
      setUp().put(data);
      assert.deepEqual(await credentials.read(NAME), read);
    });

  it('are refused with the names of the keys that are there, and no value', async () => {
    const { put } = setUp();
    const refused = async (data: Record<string, string>, words: string): Promise<void> => {
      put(data);
      const message = () =>
        credentials.read(NAME).then(
          () => 'it was taken',
          (error: Error) => error.message,
        );
      await eventually(async () => (await message()) === words, { what: words });
    };
    const none =
      'Secret shop/git has none of password (with username), bearerToken, token, ca.crt, caFile, tls.crt (with tls.key), identity (with known_hosts) and githubAppID';
    await refused({ username: 'x', 'identity.pub': 'y' }, `${none}; its keys are identity.pub, username`);
    await refused({}, `${none}; it is empty`);
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'hunter2']));
    await refused(many, `${none}; its keys are k0, k1, k2, k3, k4 and 4 more`);
  });

  it('are beside public keys, of which nothing private is kept', async () => {
    const { put } = setUp();
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA me';
    const pgp = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n';
    put({
      'me.pub': key,
      signers: `me ${key}`,
      'me.asc': pgp,
      identity: `-----BEGIN PRIVATE KEY-----\n${key}`,
      token: 'x',
    });
    const known = { 'me.pub': key, signers: `me ${key}`, 'me.asc': pgp, identity: '', token: '' };
    assert.deepEqual(await credentials.publicKeys(NAME), known);
    put({ 'me.pub': key });
    await eventually(async () => Object.keys(await credentials.publicKeys(NAME)).join() === 'me.pub');
    await assert.rejects(credentials.read(NAME), { code: 'SecretNotFound', message: /has none of password/ });
    await assert.rejects(credentials.publicKeys({ ...NAME, name: 'none' }), { code: 'SecretNotFound' });
  });

  it('are read each time where Secrets may be read but not watched', async () => {
    const { put, gets, server } = setUp();
    server.fault = ({ verb }) => {
      if (verb === 'list' || verb === 'watch') throw new KubeError('forbidden', { status: 403, reason: 'Forbidden' });
      return undefined;
    };
    put({ token: 'one' });
    for (let i = 0; i < 3; i += 1) assert.deepEqual(await credentials.read(NAME), { token: 'one' });
    assert.equal(gets(), 3);
  });
});
