import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { unrestrictedPolicy } from '../../src/api/platform-policy.ts';
import { ReasonError } from '../../src/api/reason-error.ts';
import { systemClock } from '../../src/clock.ts';
import { createClouds } from '../../src/cloud/clouds.ts';
import { resources } from '../../src/kube/index.ts';
import { decryptFiles } from '../../src/sops/decrypt.ts';
import { keyServicesFor } from '../../src/sops/key-services.ts';
import type { Decryption, Format, SopsFile } from '../../src/sops/types.ts';
import { jwtOf } from '../support/api-server/tokens.ts';
import { createApiServer } from '../support/api-server.ts';
import { encryptedForCloud } from '../support/cloud-files.ts';
import { CLOUD_ANNOTATIONS, startClouds, type TestClouds } from '../support/clouds.ts';
import { type AgeKey, CONTENT, newAgeKey, newPgpKey, type PgpKey, useSops } from '../support/sops.ts';
import { startVault, type TestVault } from '../support/vault.ts';

const SECRET = 'apiVersion: v1\nkind: Secret\nmetadata:\n    name: db\nstringData:\n    password: hunter2\n';

describe('the program of sops', () => {
  const sops = useSops();
  const age = newAgeKey();
  const other = newAgeKey();
  let pgp: PgpKey;
  let vault: TestVault;
  before(async () => {
    [pgp, vault] = await Promise.all([newPgpKey(), startVault()]);
  });
  after(() => vault.stop());

  const withKeys = ({ ages = [age], pgps = [] as string[] } = {}): Decryption => ({
    from: 'Secret shop/keys',
    keys: {
      age: ages.map(({ identity }, i) => ({ entry: `${i}.agekey`, text: identity })),
      pgp: pgps.map((text, i) => ({ entry: `${i}.asc`, text })),
    },
  });
  const fileOf = (text: string, format: Format = 'yaml'): SopsFile => ({
    name: 'db.yaml',
    format,
    output: format,
    text,
    isWhole: true,
  });
  const decrypt = async (file: SopsFile | string, decryption = withKeys()): Promise<string | undefined> => {
    const files = [typeof file === 'string' ? fileOf(file) : file];
    const [clear] = await decryptFiles(files, decryption, { sops: sops.program(), timeoutMs: 20_000 });
    return clear?.toString();
  };
  /** What is said, without a word of what is secret. */
  const refusal = async (file: SopsFile | string, decryption = withKeys()): Promise<string> => {
    const error = await decrypt(file, decryption).then(
      (clear) => assert.fail(`decrypted: ${clear}`),
      (failure: unknown) => failure,
    );
    assert.ok(error instanceof ReasonError, String(error));
    const said = `${error.code} ${error.message} ${error.cause ?? ''}`;
    assert.doesNotMatch(said, /hunter2|AGE-SECRET-KEY|PRIVATE KEY/);
    return said;
  };

  it('decrypts with the age key, whichever of several it is', async () => {
    const encrypted = await sops.encrypt('db.yaml', SECRET, { age, only: CONTENT });
    assert.match(encrypted, /name: db/);
    assert.doesNotMatch(encrypted, /hunter2/);
    assert.equal(await decrypt(encrypted, withKeys({ ages: [other, age] })), SECRET);
  });

  it('decrypts with an OpenPGP key, without a program of GnuPG', async () => {
    const encrypted = await sops.encrypt('db.yaml', SECRET, { pgp });
    assert.equal(await decrypt(encrypted, withKeys({ pgps: [pgp.privateKey] })), SECRET);
    assert.match(
      await refusal(encrypted),
      new RegExp(`^DecryptionFailed db.yaml is encrypted for the OpenPGP key ${pgp.fingerprint}, which Secret`),
    );
  });

  for (const [name, format, text] of [
    ['a.json', 'json', '{\n\t"password": "hunter2"\n}'],
    ['a.env', 'dotenv', 'A=hunter2\nB=two\n'],
    ['a.ini', 'ini', '[a]\nb = hunter2\n'],
    ['a.pem', 'binary', '-----BEGIN CERTIFICATE-----\nhunter2\n'],
  ] as const)
    it(`decrypts files of the format ${format}`, async () => {
      const encrypted = await sops.encrypt(name, text, { age });
      assert.doesNotMatch(encrypted, /hunter2/);
      const clear = await decrypt(fileOf(encrypted, format));
      assert.equal(clear?.trim(), text.trim());
    });

  it('decrypts several documents of one file, with their comments and all kinds of values', async () => {
    const text = `# first\na: 1\nb: true\nc: 1.5\nd: "007"\ne: "yes"\n---\nlist:\n    - x\n    - 2\n`;
    assert.equal(await decrypt(await sops.encrypt('a.yaml', text, { age })), text);
  });

  it('leaves what sops did not encrypt', async () => assert.equal(await decrypt(SECRET), undefined));

  it('says for whom a file is encrypted that no key opens', async () => {
    const encrypted = await sops.encrypt('db.yaml', SECRET, { age: other });
    const said = await refusal(encrypted);
    assert.equal(
      said.trim(),
      `DecryptionFailed db.yaml is encrypted for ${other.recipient}, which Secret shop/keys does not open`,
    );
    assert.match(await refusal(encrypted, withKeys({ ages: [] })), /^DecryptionFailed db.yaml is encrypted for age1/);
  });

  it('finds that a file was changed: a value left out, moved, of another file, or not encrypted', async () => {
    const text = `${SECRET}    user: web\n`;
    const encrypted = await sops.encrypt('db.yaml', text, { age, only: CONTENT });
    const again = await sops.encrypt('db.yaml', text, { age, only: CONTENT });
    const line = (of: string, field: string): string =>
      new RegExp(`^ +${field}: .*\n`, 'm').exec(of)?.[0] ?? assert.fail();
    const [password, user] = [line(encrypted, 'password'), line(encrypted, 'user')];
    const value = (of: string): string => of.replace(/^ +\w+: /, '');
    for (const [what, changed] of [
      ['left out', encrypted.replace(user, '')],
      ['moved', encrypted.replace(password, `    password: ${value(user)}`)],
      ['of another file', encrypted.replace(password, line(again, 'password'))],
      ['of the readable part', encrypted.replace('name: db', 'name: web')],
      ['added', encrypted.replace(password, `${password}    note: ${value(user)}`)],
    ] as const) {
      assert.notEqual(changed, encrypted);
      assert.match(await refusal(changed), /^DecryptionTampered db.yaml was changed after sops encrypted it/, what);
    }
    const inTheClear = encrypted.replace(password, '    password: hunter2\n');
    assert.match(await refusal(inTheClear), /^DecryptionTampered .*: a value of it is not encrypted/);
  });

  it('may be told that something was added, where each value still proves itself', async () => {
    const encrypted = await sops.encrypt('db.yaml', SECRET, { age, only: CONTENT });
    const labelled = encrypted.replace('name: db', 'name: db\n    labels:\n        added: "1"');
    assert.match(await refusal(labelled), /^DecryptionTampered/);
    assert.match((await decrypt({ ...fileOf(labelled), isWhole: false })) ?? '', /password: hunter2/);
  });

  it('names a key that it can not read', async () => {
    const encrypted = await sops.encrypt('db.yaml', SECRET, { age });
    const bad: AgeKey = { recipient: '', identity: 'AGE-SECRET-KEY-hunter2' };
    const unusable = 'DecryptionKeysNotFound 0.agekey of Secret shop/keys is no private key that can be read';
    assert.equal((await refusal(encrypted, withKeys({ ages: [bad] }))).trim(), unusable);
    assert.match(await refusal(encrypted, withKeys({ pgps: ['hunter2'] })), /^DecryptionKeysNotFound 0.asc of Secret/);
    const locked = await newPgpKey('passphrase');
    assert.match(
      await refusal(encrypted, withKeys({ pgps: [locked.privateKey] })),
      /0.asc of Secret shop\/keys is protected by a passphrase: export it without one/,
    );
  });

  it('survives what is no file of sops', async () => {
    const encrypted = await sops.encrypt('db.yaml', SECRET, { age });
    for (const text of [
      encrypted.replace(/lastmodified: .*/, 'lastmodified: never'),
      encrypted.replace(/recipient: .*/, 'recipient: [hunter2]'),
      encrypted.replace(/mac: .*/, 'mac: hunter2'),
      `${encrypted}\n---\n- hunter2\n`,
      'sops: hunter2\n',
      'sops: {mac: "ENC[AES256_GCM,hunter2]", age: []}\n',
      'sops:\n  age: null\n  mac: null\n? {a: hunter2}\n: b\n',
    ])
      assert.match(await refusal(text), /^Decryption(Failed|Tampered) db.yaml /);
  });

  it('takes as much as a render may have, and not more', async () => {
    const values = Array.from({ length: 3_000 }, (_, i) => `    key-${i}: ${'x'.repeat(500)}\n`);
    const large = await sops.encrypt('db.yaml', SECRET + values.join(''), { age, only: CONTENT });
    assert.ok(large.length > 2_000_000);
    assert.match((await decrypt(large)) ?? '', /key-2999: xxx/);
    const twice = decryptFiles([fileOf(large), fileOf(large)], withKeys(), { sops: sops.program(), timeoutMs: 20_000 });
    await assert.rejects(twice, /^ReasonError: the files that sops encrypted have [0-9]+ bytes; 4194304 are taken/);
  });

  it('is ended before a few aliases become a billion values', async () => {
    const encrypted = await sops.encrypt('db.yaml', SECRET, { age, only: CONTENT });
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(10)}]\n`);
    const bomb = `l0: &l0 [x]\n${levels.join('')}${encrypted}`;
    assert.match(
      await refusal(bomb),
      /^(ManifestTooLarge the program of sops |DecryptionFailed db.yaml can't be read)/,
    );
  }).timeout(60_000);

  it('has its data key unwrapped by the Vault that the GitSync names, once for many files', async () => {
    const encrypted = await sops.encrypt('db.yaml', SECRET, { vault });
    const decryption = { ...withKeys(), vault: { address: vault.url, token: async () => vault.token } };
    vault.asked.length = 0;
    const files = [fileOf(encrypted), fileOf(encrypted)];
    const clear = await decryptFiles(files, decryption, { sops: sops.program(), timeoutMs: 20_000 });
    assert.deepEqual(clear.map(String), [SECRET, SECRET]);
    assert.deepEqual(vault.asked, ['POST transit/decrypt/sops']);
    const wrong = { ...decryption, vault: { address: vault.url, token: async () => 'hvs.hunter2' } };
    assert.match(await refusal(encrypted, wrong), /^KeyServiceFailed http.*: Vault answered 403/);
  });

  describe('for the key service of a cloud', () => {
    let clouds: TestClouds;
    before(async () => {
      clouds = await startClouds();
      clouds.accepts = async (jwt, audience) => jwt === jwtOf('system:serviceaccount:shop:deployer', audience);
    });
    after(() => clouds.stop());
    const withServices = (): Decryption => {
      const account = { namespace: 'shop', name: 'deployer' };
      const api = createApiServer({ namespaces: ['shop'] });
      api.seed(resources.serviceAccounts, { metadata: { ...account, annotations: CLOUD_ANNOTATIONS } });
      const policy = () => ({ ...unrestrictedPolicy, clouds: clouds.clouds });
      const made = createClouds(api.client, { clock: systemClock, policy, systemNamespace: 'metricops-system' });
      return { ...withKeys(), services: keyServicesFor(account, { clouds: made, clock: systemClock }) };
    };
    const clear = JSON.stringify({ password: 'hunter2' });

    for (const kind of ['aws', 'gcp', 'azure'] as const)
      it(`has its data key unwrapped by it: ${kind}`, async () => {
        const file = fileOf(await encryptedForCloud(kind, clear, { sops, clouds }), 'json');
        assert.deepEqual(JSON.parse((await decrypt(file, withServices())) ?? ''), { password: 'hunter2' });
      });

    it('says the context again that a key of AWS was bound to', async () => {
      const file = fileOf(await encryptedForCloud('aws', clear, { sops, clouds, context: 'app:shop' }), 'json');
      assert.deepEqual(JSON.parse((await decrypt(file, withServices())) ?? ''), { password: 'hunter2' });
      const other = fileOf(file.text.replace('"app": "shop"', '"app": "web"'), 'json');
      assert.match(await refusal(other, withServices()), /^KeyServiceFailed AWS KMS arn.*InvalidCiphertextException/);
    });

    it('says what it needs where no account is named', async () => {
      const file = fileOf(await encryptedForCloud('gcp', clear, { sops, clouds }), 'json');
      const words =
        /encrypted for Google Cloud KMS projects.*; the key service of a cloud is asked as spec.serviceAccountName/;
      assert.match(await refusal(file), words);
    });
  });

  it('sends no token to a Vault that only the file names', async () => {
    const encrypted = await sops.encrypt('db.yaml', SECRET, { vault });
    vault.asked.length = 0;
    const address = 'https://vault.example.com:8200';
    const token = (): never => assert.fail('asked for a token');
    const decryption = { ...withKeys(), vault: { address, token } };
    const words = /encrypted for Vault http:.*; for a key of Vault, spec.decryption.vault.address names that Vault/;
    for (const each of [decryption, withKeys()]) assert.match(await refusal(encrypted, each), words);
    assert.deepEqual(vault.asked, []);
  });

  it('is named where it is not installed', async () => {
    const missing = decryptFiles([fileOf(SECRET)], withKeys(), { sops: '/nowhere/sops', timeoutMs: 1000 });
    await assert.rejects(missing, /can't be run: \/nowhere\/sops is not installed; set METRICOPS_SOPS/);
  });
});
