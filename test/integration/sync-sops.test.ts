import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { after, before, describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { PLATFORM_POLICY_NAME, platformPolicySpec } from '../../src/api/platform-policy.ts';
import { systemClock } from '../../src/clock.ts';
import { createDiscovery, type ResourceType, resources } from '../../src/kube/index.ts';
import { encryptedForCloud } from '../support/cloud-files.ts';
import { CLOUD_ANNOTATIONS, startClouds, type TestClouds } from '../support/clouds.ts';
import { eventually } from '../support/poll.ts';
import { type AgeKey, CONTENT, newAgeKey, newPgpKey, useSops } from '../support/sops.ts';
import { configMap, deployment, type StartedSync, useSync } from '../support/sync.ts';
import { startVault, type TestVault } from '../support/vault.ts';

const INGRESSES: ResourceType = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  namespaced: true,
};

const secret = (name: string, stringData: Record<string, string>): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData });

const EXAMPLE = join(import.meta.dirname, '../../examples/sops');

const DECRYPTION = { decryption: { provider: 'sops', secretRef: { name: 'sops-keys' } } };

describe('spec.decryption', () => {
  const sops = useSops();
  const { plane, bench, start } = useSync({ sops: sops.program });
  const age = newAgeKey();

  const put = (type: ResourceType, namespace: string, name: string, content: object): Promise<KubeObject> => {
    const object = { apiVersion: 'v1', kind: type.kind, metadata: { namespace, name }, ...content };
    return plane().client.apply(type, object, { fieldManager: 'test', force: true });
  };
  const putKeys = (ns: string, stringData: Record<string, string>): Promise<KubeObject> =>
    put(resources.secrets, ns, 'sops-keys', { stringData });
  const withKeys = async (stringData: Record<string, string> = { 'age.agekey': age.identity }): Promise<string> => {
    const ns = await plane().namespace('sops');
    await putKeys(ns, stringData);
    return ns;
  };
  const dataOf = async ({ get }: StartedSync, name: string): Promise<Record<string, string>> => {
    const { data = {} } = ((await get(resources.secrets, name)) ?? {}) as { data?: Record<string, string> };
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );
  };
  const encryptedFor = (key: AgeKey, name: string, value: string): Promise<string> =>
    sops.encrypt('db.yaml', secret(name, { password: value }), { age: key, only: CONTENT });

  it('decrypts the values file of a Helm chart, and takes what was in it for secret', async () => {
    const namespace = await withKeys();
    const template = [
      'apiVersion: v1',
      'kind: {{ .Values.kind }}',
      'metadata: { name: db }',
      '{{ .Values.field }}: { password: {{ .Values.password | quote }} }',
    ].join('\n');
    const secretValues = await sops.encrypt('secrets.yaml', JSON.stringify({ password: 'correct-horse' }), { age });
    const values = (kind: string, field: string): string => JSON.stringify({ kind, field });
    const chart = { 'Chart.yaml': 'apiVersion: v2\nname: db\nversion: 1.0.0\n', 'templates/db.yaml': template };
    const spec = { ...DECRYPTION, render: { helm: { valuesFiles: ['secrets.yaml', 'values-app.yaml'] } } };
    const files = { ...chart, 'secrets.yaml': secretValues, 'values-app.yaml': values('Secret', 'stringData') };
    const sync = await start(files, spec, { namespace });
    await sync.ready();
    assert.deepEqual(await dataOf(sync, 'db'), { password: 'correct-horse' });
    sync.push({ 'values-app.yaml': values('ConfigMap', 'data') });
    const refused = await sync.ready('False', /SecretExposed .*ConfigMap.*db would hold password of secrets\.yaml/);
    assert.doesNotMatch(JSON.stringify(refused.status), /correct-horse/);
  });

  it('is asked for where a values file is encrypted: no template gets what SOPS wrote', async () => {
    const chart = { 'Chart.yaml': 'apiVersion: v2\nname: db\nversion: 1.0.0\n' };
    const encrypted = await sops.encrypt('secrets.yaml', JSON.stringify({ password: 'correct-horse' }), { age });
    const spec = { render: { helm: { valuesFiles: ['secrets.yaml'] } } };
    const sync = await start({ ...chart, 'secrets.yaml': encrypted }, spec);
    await sync.ready('False', /NotDecrypted secrets\.yaml is encrypted with SOPS: set spec\.decryption/);
  });

  it('decrypts the Secrets of a folder with the keys of a Secret as Flux has it', async () => {
    const namespace = await withKeys();
    const files = {
      'db.yaml': await encryptedFor(age, 'db', 'hunter2'),
      // Nothing of it is readable, not even its kind.
      'all.yaml': await sops.encrypt('all.yaml', secret('all', { a: '1' }), { age }),
      'a.yaml': JSON.stringify(configMap('a', { text: 'clear' })),
    };
    const sync = await start(files, DECRYPTION, { namespace });
    await sync.ready();
    assert.deepEqual(await dataOf(sync, 'db'), { password: 'hunter2' });
    assert.deepEqual(await dataOf(sync, 'all'), { a: '1' });
    assert.ok(await sync.get(resources.configMaps, 'a'));
    sync.push({ 'db.yaml': await encryptedFor(age, 'db', 'hunter3') });
    await eventually(async () => (await dataOf(sync, 'db')).password === 'hunter3');
  });

  it('decrypts with an OpenPGP key', async () => {
    const pgp = await newPgpKey();
    const namespace = await withKeys({ 'sops.asc': pgp.privateKey });
    const files = { 'db.yaml': await sops.encrypt('db.yaml', secret('db', { password: 'hunter2' }), { pgp }) };
    const sync = await start(files, DECRYPTION, { namespace });
    await sync.ready();
    assert.deepEqual(await dataOf(sync, 'db'), { password: 'hunter2' });
  });

  it('decrypts the example with its key', async () => {
    const namespace = await withKeys({ 'TEST-KEY.agekey': readFileSync(join(EXAMPLE, 'TEST-KEY.agekey'), 'utf8') });
    const { decryption, path } = (load(readFileSync(join(EXAMPLE, 'gitsync.yaml'), 'utf8')) as GitSync).spec;
    const files = { 'manifests/db.yaml': readFileSync(join(EXAMPLE, 'manifests/db.yaml'), 'utf8') };
    const sync = await start(files, { decryption, path }, { namespace });
    await sync.ready();
    const expected = { username: 'shop', password: 'an example, which anybody may read' };
    assert.deepEqual(await dataOf(sync, 'db'), expected);
  });

  it('is asked for where a manifest is encrypted, instead of its ciphertext being applied', async () => {
    const sync = await start({ 'db.yaml': await encryptedFor(age, 'db', 'hunter2') });
    await sync.ready('False', /NotDecrypted db.yaml \(Secret db\) is encrypted by sops: set spec.decryption/);
    assert.equal(await sync.get(resources.secrets, 'db'), undefined);
    sync.push({ 'db.yaml': await sops.encrypt('db.yaml', secret('db', { a: '1' }), { age }) });
    await sync.ready('False', /NotDecrypted db.yaml, document 1 is encrypted by sops/);
  });

  it('waits for its keys, and takes the ones that come later, without a commit', async () => {
    const other = newAgeKey();
    const files = { 'db.yaml': await encryptedFor(other, 'db', 'hunter2') };
    const sync = await start(files, DECRYPTION);
    await sync.ready('False', /DecryptionKeysNotFound Secret .*sops-keys of spec.decryption does not exist/);
    await putKeys(sync.ns, { password: 'x' });
    await sync.ready('False', /needs a key NAME.agekey, NAME.asc or sops.vault-token; its keys: password/);
    await put(resources.secrets, sync.ns, 'sops-keys', { stringData: { 'a.agekey': age.identity } });
    await sync.ready('False', new RegExp(`DecryptionFailed db.yaml is encrypted for ${other.recipient}, which Secret`));
    await put(resources.secrets, sync.ns, 'sops-keys', { stringData: { 'b.agekey': other.identity } });
    await sync.ready();
    assert.deepEqual(await dataOf(sync, 'db'), { password: 'hunter2' });
  });

  it('applies nothing of a commit that changed an encrypted file without its key', async () => {
    const namespace = await withKeys();
    const files = { 'db.yaml': await encryptedFor(age, 'db', 'hunter2'), 'a.yaml': JSON.stringify(configMap('a')) };
    const sync = await start(files, DECRYPTION, { namespace });
    await sync.ready();
    sync.push({
      'db.yaml': files['db.yaml'].replace('name: db', 'name: web'),
      'a.yaml': JSON.stringify(configMap('b')),
    });
    await sync.ready('False', /DecryptionTampered db.yaml was changed after sops encrypted it/);
    assert.equal(await sync.get(resources.configMaps, 'b'), undefined);
    assert.deepEqual(await dataOf(sync, 'db'), { password: 'hunter2' });
  });

  it('decrypts what kustomize builds: resources, and files and variables of its generators', async () => {
    const namespace = await withKeys();
    const binary = await sops.encrypt('tls.pem', 'hunter2 in a file\n', { age });
    const variables = await sops.encrypt('app.env', 'USER=web\nPASSWORD=hunter2\nEMPTY=\n', { age });
    const sync = await start(
      {
        'kustomization.yaml': [
          'namePrefix: my-',
          'labels: [{pairs: {team: shop}}]',
          'resources: [db.yaml]',
          'generatorOptions: {disableNameSuffixHash: true}',
          'secretGenerator:',
          '  - {name: files, files: [tls.pem, config.json=config.enc], literals: [plain=text]}',
          '  - {name: variables, envs: [app.env], literals: [HOST=db]}',
        ].join('\n'),
        'db.yaml': await encryptedFor(age, 'db', 'hunter2'),
        'tls.pem': binary,
        'config.enc': await sops.encrypt('config.json', '{"password": "hunter2"}', { age }),
        'app.env': variables,
      },
      DECRYPTION,
      { namespace },
    );
    await sync.ready();
    assert.deepEqual(await dataOf(sync, 'my-db'), { password: 'hunter2' });
    assert.equal((await sync.get(resources.secrets, 'my-db'))?.metadata.labels?.team, 'shop');
    const { 'config.json': config = '', ...files } = await dataOf(sync, 'my-files');
    assert.deepEqual(files, { 'tls.pem': 'hunter2 in a file\n', plain: 'text' });
    assert.deepEqual(JSON.parse(config), { password: 'hunter2' });
    const expected = { USER: 'web', PASSWORD: 'hunter2', EMPTY: '', HOST: 'db' };
    assert.deepEqual(await dataOf(sync, 'my-variables'), expected);
  });

  it('finds that a file was changed before kustomize builds of it', async () => {
    const namespace = await withKeys();
    const db = await sops.encrypt('db.yaml', secret('db', { password: 'hunter2', user: 'web' }), {
      age,
      only: CONTENT,
    });
    const variables = await sops.encrypt('app.env', 'USER=web\nPASSWORD=hunter2\n', { age });
    const without = (text: string, line: RegExp): string => {
      assert.match(text, line);
      return text.replace(line, '');
    };
    const files = {
      'app/kustomization.yaml': 'resources: [../base]\n',
      'base/kustomization.yaml': 'resources: [db.yaml]\nsecretGenerator: [{name: variables, envs: [app.env]}]\n',
      'base/db.yaml': db,
      'base/app.env': variables,
    };
    const sync = await start(files, { ...DECRYPTION, path: 'app' }, { namespace });
    await sync.ready();
    sync.push({ 'base/db.yaml': without(db, /^ +user: .*\n/m) });
    await sync.ready('False', /DecryptionTampered base\/db.yaml was changed after sops encrypted it/);
    sync.push({ 'base/db.yaml': db, 'base/app.env': without(variables, /^USER=.*\n/m) });
    await sync.ready('False', /DecryptionTampered base\/app.env was changed after sops encrypted it/);
    // Somebody else's, which nothing builds.
    sync.push({ 'base/app.env': variables, 'base/other.yaml': await encryptedFor(newAgeKey(), 'other', 'x') });
    await sync.ready();
  });

  it('reads its keys as the ServiceAccount of the GitSync', async () => {
    const namespace = await withKeys();
    const { kubectl } = plane();
    kubectl(['create', 'serviceaccount', 'deployer', '-n', namespace]);
    const files = { 'db.yaml': await encryptedFor(age, 'db', 'hunter2') };
    const sync = await start(files, { ...DECRYPTION, serviceAccountName: 'deployer' }, { namespace });
    await sync.ready('False', /DecryptionKeysNotFound Secret .*sops-keys of spec.decryption can't be read: .*deployer/);
    kubectl(['create', 'role', 'deployer', '--verb=get,create,patch,delete', '--resource=secrets', '-n', namespace]);
    const account = `--serviceaccount=${namespace}:deployer`;
    kubectl(['create', 'rolebinding', 'deployer', '--role=deployer', account, '-n', namespace]);
    await putKeys(namespace, { 'age.agekey': age.identity, note: 'a change, which is seen' });
    await sync.ready();
  });

  it('shows what it decrypted nowhere but in the objects: not in a status, an event, a snapshot, a metric or the log', async () => {
    const namespace = await withKeys();
    const canary = `canary-${randomBytes(8).toString('hex')}`;
    const withType = (type: string, key: string): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        type,
        metadata: { name: 'db' },
        stringData: { [key]: canary },
      });
    const web = deployment('web', 'registry.example.com/web:1');
    const spec = (web.spec as { template: { spec: { containers: object[] } } }).template.spec;
    spec.containers = [{ name: 'c', image: 'registry.example.com/web:1', envFrom: [{ secretRef: { name: 'db' } }] }];
    const ingress = (host: string): string =>
      JSON.stringify({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'web' },
        spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } }, rules: [{ host }] },
      });
    const encrypt = (text: string): Promise<string> =>
      sops.encrypt('a.yaml', text, { age, only: '^(stringData|rules)$' });
    const files = {
      'db.yaml': await encrypt(withType('Opaque', 'password')),
      'ingress.yaml': await encrypt(ingress(`${canary}.example.com`)),
      'web.yaml': JSON.stringify(web),
    };
    const sync = await start(files, { ...DECRYPTION, drift: 'Report' }, { namespace });
    await sync.ready();
    assert.deepEqual(await dataOf(sync, 'db'), { password: canary });
    const live = await plane().client.get(INGRESSES, { namespace, name: 'web' });
    assert.match(JSON.stringify(live?.spec), new RegExp(canary));
    assert.equal(live?.metadata.annotations?.['metricops.dev/holds-secret'], 'true');
    // It differs from Git, in both.
    await sync.edit(resources.secrets, 'db', { stringData: { password: `${canary}-by-hand` } });
    await sync.edit(INGRESSES, 'web', { spec: { rules: [{ host: `${canary}.by-hand.example.com` }] } });
    const statusOf = async (): Promise<string> =>
      JSON.stringify((await plane().client.get(resources.gitSyncs, { namespace, name: 'app' }))?.status);
    const differing = async (): Promise<number | undefined> =>
      (JSON.parse(await statusOf()) as GitSync['status'])?.drift?.length;
    await eventually(async () => (await differing()) === 2, { what: 'both differences' });
    // The API server refuses, and quotes.
    sync.push({
      'db.yaml': await encrypt(withType('kubernetes.io/tls', 'password')),
      'ingress.yaml': await encrypt(ingress(`${canary}_is_no_host`)),
    });
    await sync.ready('False', /ObjectRejected/);
    // Someone changed it, and it can't be decrypted.
    sync.push({ 'db.yaml': files['db.yaml'].replace('"db"', '"web"').replace('name: db', 'name: web') });
    await sync.ready('False', /DecryptionTampered/);
    // A kind that is recorded with its releases.
    const config = JSON.stringify(configMap('config', { text: canary }));
    sync.push({ 'db.yaml': await sops.encrypt('a.yaml', config, { age, only: CONTENT }) });
    await sync.ready('False', /DecryptionFailed ConfigMap config would hold the value of a Secret/);
    const secrets = [canary, Buffer.from(canary).toString('base64').slice(0, 20), 'AGE-SECRET-KEY-1'];
    const isClean = (text: string, what: string): void => {
      for (const each of secrets) assert.ok(!text.includes(each), `${what} has ${each}`);
    };
    isClean(bench().logged(), 'the log');
    isClean(await bench().metrics.registry.metrics(), 'a metric');
    for (const type of await createDiscovery(plane().client, systemClock).all()) {
      if (!type.namespaced || type.kind === 'Secret' || type.kind === 'Ingress') continue;
      const { items } = await plane().client.list(type, { namespace });
      isClean(JSON.stringify(items), type.kind);
    }
    const { items } = await plane().client.list(resources.controllerRevisions, { namespace });
    assert.ok(items.length > 0, 'a snapshot was made');
  });

  describe('with the key services of clouds', () => {
    let clouds: TestClouds;
    before(async () => {
      clouds = await startClouds();
      const spec = platformPolicySpec.parse({ clouds: clouds.clouds });
      const metadata = { name: PLATFORM_POLICY_NAME };
      const policy = { apiVersion: API_VERSION, kind: 'PlatformPolicy', metadata, spec };
      await plane().client.apply(resources.platformPolicies, policy, { fieldManager: 'test', force: true });
    });
    after(async () => {
      await plane().client.delete(resources.platformPolicies, { name: PLATFORM_POLICY_NAME });
      await clouds.stop();
    });
    /** As clouds do: the API server says whose token it is, and for whom. */
    const isOf = async (account: string, token: string, audience: string): Promise<boolean> => {
      const spec = { token, audiences: [audience] };
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
      const answer = await plane().client.raw('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review);
      const { status } = answer as { status: { authenticated?: boolean; user?: { username: string } } };
      return status.authenticated === true && status.user?.username === account;
    };

    it('has data keys of all three unwrapped as its own ServiceAccount', async () => {
      const namespace = await plane().namespace('sops');
      const { kubectl } = plane();
      kubectl(['create', 'serviceaccount', 'deployer', '-n', namespace]);
      kubectl(['create', 'role', 'deployer', '--verb=get,create,patch,delete', '--resource=secrets', '-n', namespace]);
      const account = `--serviceaccount=${namespace}:deployer`;
      kubectl(['create', 'rolebinding', 'deployer', '--role=deployer', account, '-n', namespace]);
      clouds.accepts = (token, audience) => isOf(`system:serviceaccount:${namespace}:deployer`, token, audience);
      const encrypted = (kind: 'aws' | 'gcp' | 'azure'): Promise<string> =>
        encryptedForCloud(kind, secret(kind, { password: kind }), { sops, clouds, only: CONTENT });
      const files = {
        'aws.json': await encrypted('aws'),
        'gcp.json': await encrypted('gcp'),
        'azure.json': await encrypted('azure'),
      };
      const spec = { decryption: { provider: 'sops' }, serviceAccountName: 'deployer' };
      const sync = await start(files, spec, { namespace });
      const again = (text: string): void => {
        sync.push({ 'a.txt': text });
        bench().controller.requestSync({ namespace, name: 'app' });
      };
      await sync.ready('False', /CloudIdentityMissing AWS KMS arn.*deployer has no annotation eks.amazonaws.com/);
      const marks = Object.entries(CLOUD_ANNOTATIONS).map(([name, value]) => `${name}=${value}`);
      kubectl(['annotate', 'serviceaccount', 'deployer', ...marks, '-n', namespace]);
      again('1');
      await sync.ready(
        'False',
        /CloudIdentityMissing .*deployer gets no token: .*forbidden.*a Role that lets it create/,
      );
      kubectl([
        ...['create', 'role', 'own-token', '--verb=create', '--resource=serviceaccounts/token'],
        ...['--resource-name=deployer', '-n', namespace],
      ]);
      kubectl(['create', 'rolebinding', 'own-token', '--role=own-token', account, '-n', namespace]);
      again('2');
      await sync.ready();
      for (const kind of ['aws', 'gcp', 'azure']) assert.deepEqual(await dataOf(sync, kind), { password: kind });
      assert.equal(clouds.asked.filter((asked) => asked === 'KMS Decrypt').length, 1);
    });

    it('names a cloud that refuses, with no word of its answer', async () => {
      const namespace = await plane().namespace('sops');
      const { kubectl } = plane();
      kubectl(['create', 'serviceaccount', 'deployer', '-n', namespace]);
      kubectl(['create', 'role', 'deployer', '--verb=create', '--resource=serviceaccounts/token', '-n', namespace]);
      const account = `--serviceaccount=${namespace}:deployer`;
      kubectl(['create', 'rolebinding', 'deployer', '--role=deployer', account, '-n', namespace]);
      const marks = Object.entries(CLOUD_ANNOTATIONS).map(([name, value]) => `${name}=${value}`);
      kubectl(['annotate', 'serviceaccount', 'deployer', ...marks, '-n', namespace]);
      clouds.accepts = async () => false;
      const file = await encryptedForCloud('azure', secret('db', { a: 'b' }), { sops, clouds, only: CONTENT });
      const spec = { decryption: { provider: 'sops' }, serviceAccountName: 'deployer' };
      const sync = await start({ 'db.json': file }, spec, { namespace });
      const refused = await sync.ready(
        'False',
        /CloudLoginFailed Azure Key Vault .*gets nothing of Azure: .* 401 AADSTS70021/,
      );
      assert.doesNotMatch(JSON.stringify(refused.status), /hunter2|eyJ/);
      assert.doesNotMatch(bench().logged(), /hunter2|eyJ/);
    });
  });

  describe('with Vault', () => {
    let vault: TestVault;
    before(async () => {
      vault = await startVault();
      const spec = platformPolicySpec.parse({ decryption: { allowedHosts: ['127.0.0.1'] } });
      const metadata = { name: PLATFORM_POLICY_NAME };
      const policy = { apiVersion: API_VERSION, kind: 'PlatformPolicy', metadata, spec };
      await plane().client.apply(resources.platformPolicies, policy, { fieldManager: 'test', force: true });
    });
    after(async () => {
      await plane().client.delete(resources.platformPolicies, { name: PLATFORM_POLICY_NAME });
      await vault.stop();
    });
    const files = async () => ({
      'db.yaml': await sops.encrypt('db.yaml', secret('db', { password: 'hunter2' }), { vault, only: CONTENT }),
    });
    const spec = (more: object = {}) => ({
      decryption: { ...DECRYPTION.decryption, vault: { address: vault.url, ...more } },
    });

    it('has data keys unwrapped with the token of the Secret', async () => {
      const namespace = await withKeys({ 'sops.vault-token': `${vault.token}\n` });
      const sync = await start(await files(), spec(), { namespace });
      await sync.ready();
      assert.deepEqual(await dataOf(sync, 'db'), { password: 'hunter2' });
    });

    it('asks for a data key once, as long as the commit and the keys are the same', async () => {
      const namespace = await withKeys({ 'sops.vault-token': vault.token });
      const decrypts = (): number => vault.asked.filter((asked) => asked.includes('transit/decrypt')).length;
      const sync = await start(await files(), spec(), { namespace });
      await sync.ready();
      const once = decrypts();
      await sync.edit(resources.secrets, 'db', { data: { password: 'eA==' } });
      await eventually(async () => (await dataOf(sync, 'db')).password === 'hunter2', {
        what: 'the drift is corrected',
      });
      assert.equal(decrypts(), once);
      await bench().restart();
      const sha = sync.push({ 'a.txt': 'another commit' });
      await eventually(async () => (await sync.ready()).status?.lastAppliedRevision?.endsWith(sha) === true);
      assert.equal(decrypts(), once + 1, 'the restart decrypted nothing');
      await putKeys(namespace, { 'sops.vault-token': `${vault.token}\n` });
      await eventually(() => decrypts() > once + 1, { what: 'the new key is tried' });
    });

    it('logs in with a token of the own ServiceAccount, which is for that Vault alone', async () => {
      const namespace = await plane().namespace('sops');
      const { kubectl, client } = plane();
      kubectl(['create', 'serviceaccount', 'deployer', '-n', namespace]);
      kubectl(['create', 'role', 'deployer', '--verb=get,create,patch,delete', '--resource=secrets', '-n', namespace]);
      const account = `--serviceaccount=${namespace}:deployer`;
      kubectl(['create', 'rolebinding', 'deployer', '--role=deployer', account, '-n', namespace]);
      // As Vault does: the API server says whose token it is.
      vault.accepts = async (token, role) => {
        const review = {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenReview',
          spec: { token, audiences: [vault.url] },
        };
        const answer = await client.raw('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review);
        const { status } = answer as { status: { authenticated?: boolean; user?: { username: string } } };
        const isDeployer = status.user?.username === `system:serviceaccount:${namespace}:deployer`;
        return status.authenticated === true && isDeployer && role === 'shop';
      };
      const sync = await start(
        await files(),
        { decryption: { vault: { address: vault.url, role: 'shop' } }, serviceAccountName: 'deployer' },
        { namespace },
      );
      await sync.ready('False', /DecryptionKeysNotFound ServiceAccount .*deployer gets no token: .*forbidden/);
      kubectl([
        ...['create', 'role', 'own-token', '--verb=create', '--resource=serviceaccounts/token'],
        ...['--resource-name=deployer', '-n', namespace],
      ]);
      kubectl(['create', 'rolebinding', 'own-token', '--role=own-token', account, '-n', namespace]);
      sync.push({ 'a.txt': 'again' });
      bench().controller.requestSync({ namespace, name: 'app' });
      await sync.ready();
      assert.deepEqual(await dataOf(sync, 'db'), { password: 'hunter2' });
    });

    it('names a Vault that refuses, and one that the platform does not allow', async () => {
      const namespace = await withKeys({ 'sops.vault-token': 'hvs.wrong' });
      const sync = await start(await files(), spec(), { namespace });
      await sync.ready('False', /KeyServiceFailed http.*Vault answered 403: the policy of its token/);
      const address = 'http://10.0.0.1:8200';
      await sync.edit(resources.gitSyncs, 'app', { spec: { decryption: { vault: { address } } } });
      await sync.ready('False', /HostRefused Calls of Vault to 10.0.0.1:8200 are not allowed; allowed are 127.0.0.1/);
    });
  });
});
