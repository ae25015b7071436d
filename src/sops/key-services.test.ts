import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { jwtOf } from '../../test/support/api-server/tokens.ts';
import { createApiServer } from '../../test/support/api-server.ts';
import {
  AZURE_VAULT,
  AZURE_VERSION,
  CLOUD_ANNOTATIONS,
  GOOGLE_KEY,
  KMS_ARN,
  startClouds,
  type TestClouds,
} from '../../test/support/clouds.ts';
import { unrestrictedPolicy } from '../api/platform-policy.ts';
import { systemClock } from '../clock.ts';
import { createClouds } from '../cloud/clouds.ts';
import { resources } from '../kube/index.ts';
import { keyServicesFor } from './key-services.ts';
import type { CloudKind, Wrapped } from './types.ts';
import { unwrap } from './unwrap.ts';

const ACCOUNT = { namespace: 'shop', name: 'deployer' };
const KEY = Buffer.from('data key').toString('base64');

describe('key services of clouds', () => {
  let server: TestClouds;
  beforeEach(async () => {
    server = await startClouds();
    server.accepts = async (jwt, audience) => jwt === jwtOf('system:serviceaccount:shop:deployer', audience);
  });
  afterEach(() => server.stop());

  const wrapped = (kind: CloudKind): Wrapped => {
    const ciphertext = server.wrap[kind](KEY);
    if (kind === 'aws') return { kind, name: KMS_ARN, ciphertext, aws: { arn: KMS_ARN } };
    if (kind === 'gcp') return { kind, name: GOOGLE_KEY, ciphertext };
    const azure = { vault: AZURE_VAULT, key: 'sops', version: AZURE_VERSION };
    return { kind, name: `${AZURE_VAULT}/keys/sops`, ciphertext, azure };
  };
  const setUp = (annotations: Record<string, string> = CLOUD_ANNOTATIONS) => {
    const api = createApiServer({ namespaces: ['shop'] });
    api.seed(resources.serviceAccounts, { metadata: { ...ACCOUNT, annotations } });
    const policy = () => ({ ...unrestrictedPolicy, clouds: server.clouds });
    const clouds = createClouds(api.client, { clock: systemClock, policy, systemNamespace: 'metricops-system' });
    return { api, services: keyServicesFor(ACCOUNT, { clouds, clock: systemClock }) };
  };
  const services = (annotations?: Record<string, string>) => setUp(annotations).services;
  const asked = async (each: Wrapped, from = services()): Promise<string> => {
    const said = await from.unwrap(each, AbortSignal.timeout(10_000));
    return typeof said === 'string' ? said : `${said.code}: ${said.message}`;
  };

  for (const kind of ['aws', 'gcp', 'azure'] as const) {
    it(`unwrap a data key: ${kind}`, async () => assert.equal(await asked(wrapped(kind)), KEY));

    it(`that refuse are named with their code, and with no word of their answer: ${kind}`, async () => {
      const said = await asked({ ...wrapped(kind), ciphertext: 'eHh4' });
      const code = { aws: '400 InvalidCiphertextException', gcp: '403 PERMISSION_DENIED', azure: '403 Forbidden' }[
        kind
      ];
      assert.match(said, new RegExp(`^KeyServiceFailed: .* answered ${code}$`));
      assert.doesNotMatch(said, /hunter2/);
    });
  }

  it('are asked with the context that the file names', async () => {
    const bound = { arn: KMS_ARN, context: { app: 'shop' } };
    assert.match(await asked({ ...wrapped('aws'), aws: bound }), /InvalidCiphertextException/);
  });

  for (const [what, named] of [
    ['another host', { kind: 'azure', azure: { vault: 'https://evil.example.com', key: 'a', version: AZURE_VERSION } }],
    [
      'a host that only begins so',
      { kind: 'azure', azure: { vault: 'https://a.vault.azure.net.example.com', key: 'a', version: AZURE_VERSION } },
    ],
    ['a port', { kind: 'azure', azure: { vault: 'https://a.vault.azure.net:8443', key: 'a', version: AZURE_VERSION } }],
    ['plain HTTP', { kind: 'azure', azure: { vault: 'http://a.vault.azure.net', key: 'a', version: AZURE_VERSION } }],
    [
      'another user',
      { kind: 'azure', azure: { vault: 'https://me@a.vault.azure.net', key: 'a', version: AZURE_VERSION } },
    ],
    [
      'another path of the vault',
      { kind: 'azure', azure: { vault: AZURE_VAULT, key: '../secrets', version: AZURE_VERSION } },
    ],
    ['no ARN', { kind: 'aws', aws: { arn: 'arn:aws:kms:evil.example.com/:123456789012:key/a' } }],
    ['a host in the place of a region', { kind: 'aws', aws: { arn: 'arn:aws:kms:a.b:123456789012:key/a' } }],
    ['another service of Google', { kind: 'gcp', name: 'projects/a/secrets/b' }],
    ['a path upwards', { kind: 'gcp', name: 'projects/../locations/a/keyRings/b/cryptoKeys/c' }],
  ] as [string, Partial<Wrapped>][])
    it(`are asked nothing where a file names ${what}`, async () => {
      const odd: Wrapped = { kind: 'aws', name: 'x', ciphertext: 'eA==', ...named };
      assert.match(await asked(odd), /^DecryptionFailed: .* is no key that is asked for: its name is not valid$/);
      assert.deepEqual(server.asked, []);
    });

  it('say what is missing where none is set up, and what failed where one is', async () => {
    const decryption = (annotations: Record<string, string>) => ({
      from: 'spec.decryption',
      keys: { age: [], pgp: [] },
      services: services(annotations),
    });
    const { failure } = await unwrap([wrapped('aws'), wrapped('gcp')], decryption({}));
    assert.equal(failure?.code, 'CloudIdentityMissing');
    assert.match(failure?.message ?? '', /^AWS KMS arn:aws:kms.* ServiceAccount shop\/deployer has no annotation eks/);
    server.accepts = async () => false;
    const refused = await unwrap(
      [wrapped('aws'), wrapped('gcp')],
      decryption({ ...CLOUD_ANNOTATIONS, 'eks.amazonaws.com/role-arn': '' }),
    );
    assert.equal(refused.failure?.code, 'CloudLoginFailed');
  });

  const keys = (count: number): Wrapped[] =>
    Array.from({ length: count }, (_, i) => {
      const arn = `${KMS_ARN}${i}`;
      return { kind: 'aws', name: arn, ciphertext: `${i}`, aws: { arn } };
    });
  const decryptionBy = (api: ReturnType<typeof setUp>) => ({
    from: 'spec.decryption',
    keys: { age: [], pgp: [] },
    services: api.services,
  });

  it('are asked no longer than the render has time, whatever a login waits for', async () => {
    const { api, ...rest } = setUp();
    server.accepts = () => new Promise(() => {}); // never answers
    const { failure } = await unwrap(keys(90), decryptionBy({ api, ...rest }), AbortSignal.timeout(200));
    assert.match(failure?.message ?? '', /^AWS KMS arn:aws:kms:.*: no answer in time$/);
    assert.equal(api.requests.filter(({ verb }) => verb === 'raw').length, 1, 'tokens for logins');
  });

  it('are asked once where the account has no identity', async () => {
    const { api, ...rest } = setUp({});
    const { failure } = await unwrap(keys(90), decryptionBy({ api, ...rest }));
    assert.equal(failure?.code, 'CloudIdentityMissing');
    assert.ok(api.requests.length <= 8, `${api.requests.length} requests`);
  });

  it('are asked for no more keys than a render may have', async () => {
    const { api, ...rest } = setUp();
    await assert.rejects(unwrap(keys(1001), decryptionBy({ api, ...rest })), { code: 'ManifestTooLarge' });
    assert.equal(api.requests.length, 0);
  });
});
