import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { unrestrictedPolicy } from '../../src/api/platform-policy.ts';
import { gitSource } from '../../src/api/source.ts';
import { systemClock } from '../../src/clock.ts';
import { createClouds } from '../../src/cloud/clouds.ts';
import { createGit } from '../../src/git/index.ts';
import { resources } from '../../src/kube/index.ts';
import { createCredentials } from '../../src/source/credentials.ts';
import { gitMember } from '../../src/source/git.ts';
import type { Source } from '../../src/source/types.ts';
import { type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { jwtOf } from '../support/api-server/tokens.ts';
import { createApiServer } from '../support/api-server.ts';
import { CLOUD_ANNOTATIONS, REGION, startClouds, type TestClouds } from '../support/clouds.ts';

const ACCOUNT = { namespace: 'shop', name: 'fetcher' };
const NAME = 'v1/repos/shop';

describe('a repository that is read as a ServiceAccount', () => {
  let clouds: TestClouds;
  let server: GitServer;
  let dir: string;
  let end: (() => Promise<unknown>)[];
  beforeEach(async () => {
    clouds = await startClouds();
    clouds.accepts = async (jwt, audience) => jwt === jwtOf('system:serviceaccount:shop:fetcher', audience);
    server = await startGitServer({ accepts: isKnown });
    dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
    end = [server.close, clouds.stop];
  });
  afterEach(async () => {
    for (const each of end.toReversed()) await each();
    rmSync(dir, { recursive: true, force: true });
  });

  /** As CodeCommit and Azure Repos know who asks. */
  const isKnown = (authorization: string): boolean => {
    const [, scheme, credentials = ''] = /^(Basic|Bearer) (.*)$/.exec(authorization) ?? [];
    if (scheme === 'Bearer') return clouds.isReposToken(credentials);
    const [, username = '', password = ''] =
      /^(.*):([^:]*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
    return clouds.isPassword(username, password, { host: new URL(server.url).host, path: `/${NAME}.git` });
  };

  const connect = async (provider: 'aws' | 'azure', host: string): Promise<Source & { commit: string }> => {
    const repository = server.repository(NAME);
    const commit = repository.commit({ 'a.yaml': 'a: 1\n' });
    const api = createApiServer({ namespaces: ['shop'] });
    api.seed(resources.serviceAccounts, { metadata: { ...ACCOUNT, annotations: CLOUD_ANNOTATIONS } });
    const endpoints = [...clouds.endpoints, { host, address: server.url }];
    const policy = () => ({ ...unrestrictedPolicy, clouds: { allowedHosts: [], endpoints } });
    const ports = { clock: systemClock, random: Math.random };
    const made = createClouds(api.client, { ...ports, policy, systemNamespace: 'metricops-system' });
    const credentials = createCredentials(api.client, made, ports);
    const git = createGit(dir);
    end.push(credentials.stop, git.close);
    const spec = gitSource.parse({ url: repository.url, provider, serviceAccountName: ACCOUNT.name });
    const source = await gitMember.connect(spec, { namespace: 'shop', timeoutMs: 20_000 }, { credentials, git });
    return { ...source, commit };
  };

  const CODE_COMMIT = `git-codecommit.${REGION}.amazonaws.com`;
  const isRead = async (provider: 'aws' | 'azure', host: string): Promise<void> => {
    const source = await connect(provider, host);
    assert.equal((await source.resolve()).id, source.commit);
    assert.ok(await (await source.open(source.commit)).oid('a.yaml'));
    assert.equal(clouds.asked.length, 1, 'one exchange serves polls and fetches');
  };

  it('is polled and fetched at AWS CodeCommit, with a password that is signed', () => isRead('aws', CODE_COMMIT));

  it('is polled and fetched at Azure Repos, with a token', () => isRead('azure', 'dev.azure.com'));

  it('has one mirror, whatever its password is', async () => {
    clouds.lifetimeMs = 60_000; // so that each request has another one
    const source = await connect('aws', CODE_COMMIT);
    await source.open((await source.resolve()).id);
    await source.open((await source.resolve()).id);
    assert.ok(clouds.asked.length > 1);
    assert.equal(readdirSync(dir).length, 1);
  });

  it('stays readable while the cloud refuses, and says so when it is polled', async () => {
    clouds.lifetimeMs = 60_000;
    const source = await connect('aws', CODE_COMMIT);
    await source.open(source.commit);
    clouds.accepts = async () => false;
    assert.ok(await (await source.open(source.commit)).oid('a.yaml'));
    await assert.rejects(source.resolve(), {
      code: 'CloudLoginFailed',
      message: /gets nothing of AWS: .* 403 AccessDenied/,
    });
  });

  it('names the account where the server refuses it', async () => {
    const source = await connect('azure', 'dev.azure.com');
    clouds.isReposToken = () => false;
    const message = /answered 401: check what ServiceAccount shop\/fetcher at azure may read there$/;
    await assert.rejects(source.resolve(), { code: 'AuthenticationFailed', message });
  });
});
