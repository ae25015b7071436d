import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { jwtOf } from '../../test/support/api-server/tokens.ts';
import { createApiServer } from '../../test/support/api-server.ts';
import { CLOUD_ANNOTATIONS, REGION, startClouds, type TestClouds } from '../../test/support/clouds.ts';
import { type PlatformPolicySpec, unrestrictedPolicy } from '../api/platform-policy.ts';
import { ReasonError } from '../api/reason-error.ts';
import { systemClock } from '../clock.ts';
import { KubeError, resources } from '../kube/index.ts';
import { REPOS } from './azure.ts';
import { createClouds } from './clouds.ts';
import { loginTo } from './repositories.ts';

const ACCOUNT = { namespace: 'shop', name: 'deployer' };
const PLACE = { region: REGION, suffix: 'amazonaws.com' };
const MINUTE_MS = 60_000;

describe('what clouds give for the token of a ServiceAccount', () => {
  let server: TestClouds;
  beforeEach(async () => {
    server = await startClouds();
    server.accepts = async (jwt, audience) => jwt === jwtOf('system:serviceaccount:shop:deployer', audience);
  });
  afterEach(() => server.stop());

  const setUp = ({
    annotations = CLOUD_ANNOTATIONS as Record<string, string>,
    policy = server.clouds as PlatformPolicySpec['clouds'],
  } = {}) => {
    const api = createApiServer({ namespaces: ['shop'] });
    api.seed(resources.serviceAccounts, { metadata: { ...ACCOUNT, annotations } });
    let now = Date.now();
    const clock = { ...systemClock, now: () => now };
    const ports = {
      clock,
      policy: () => ({ ...unrestrictedPolicy, clouds: policy }),
      systemNamespace: 'metricops-system',
    };
    const clouds = createClouds(api.client, ports);
    const pass = (ms: number): void => {
      now += ms;
    };
    return { api, clouds, clock, pass };
  };
  const refused = (code: string, message: RegExp) => (error: unknown) =>
    error instanceof ReasonError &&
    error.code === code &&
    message.test(error.message) &&
    !/hunter2|jwt of/.test(error.message);

  it('are keys of a role of AWS', async () => {
    const keys = await setUp().clouds.aws(ACCOUNT, PLACE);
    assert.match(keys.accessKeyId, /^ASIA/);
    assert.deepEqual(server.asked, ['STS']);
  });

  it('is a token of Azure', async () => assert.match(await setUp().clouds.azure(ACCOUNT, REPOS), /^token-/));

  it('is a token of a service account of Google', async () => {
    assert.match(await setUp().clouds.google(ACCOUNT), /^token-/);
    assert.equal(server.asked.length, 2);
  });

  it('is a token of Google for the account itself, where no service account is named', async () => {
    const { 'iam.gke.io/gcp-service-account': _, ...annotations } = CLOUD_ANNOTATIONS;
    assert.match(await setUp({ annotations }).clouds.google(ACCOUNT), /^token-/);
    assert.deepEqual(server.asked, ['POST /v1/token']);
  });

  it('is asked for as the account, once for many, and again five minutes before it expires', async () => {
    const { api, clouds, pass } = setUp();
    await Promise.all([clouds.aws(ACCOUNT, PLACE), clouds.aws(ACCOUNT, PLACE)]);
    const tokens = api.requests.filter(({ verb }) => verb === 'raw');
    assert.deepEqual(
      tokens.map(({ user }) => user),
      ['system:serviceaccount:shop:deployer'],
    );
    pass(54 * MINUTE_MS);
    await clouds.aws(ACCOUNT, PLACE);
    assert.equal(server.asked.length, 1);
    pass(2 * MINUTE_MS);
    await clouds.aws(ACCOUNT, PLACE);
    assert.equal(server.asked.length, 2);
  });

  it('is asked for again when the account has another annotation, or was made again', async () => {
    const { api, clouds, pass } = setUp();
    const accounts = (): Promise<unknown> => clouds.aws(ACCOUNT, PLACE);
    await accounts();
    pass(6_000);
    await accounts();
    assert.equal(server.asked.length, 1);
    const annotations = { ...CLOUD_ANNOTATIONS, 'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/other' };
    await api.client.patch(resources.serviceAccounts, ACCOUNT, { type: 'merge', body: { metadata: { annotations } } });
    pass(6_000);
    await assert.rejects(accounts(), refused('CloudLoginFailed', /403 AccessDenied/), 'the other role is none');
    await api.client.delete(resources.serviceAccounts, ACCOUNT);
    pass(6_000);
    await assert.rejects(accounts(), refused('CloudIdentityMissing', /does not exist/));
    api.seed(resources.serviceAccounts, { metadata: { ...ACCOUNT, annotations: CLOUD_ANNOTATIONS } });
    await accounts();
    assert.equal(server.asked.length, 3);
  });

  it('is asked for again after an hour, however long the cloud says that it is good', async () => {
    server.lifetimeMs = 24 * 60 * MINUTE_MS;
    const { clouds, pass } = setUp();
    await clouds.azure(ACCOUNT, REPOS);
    pass(56 * MINUTE_MS);
    await clouds.azure(ACCOUNT, REPOS);
    assert.equal(server.asked.length, 2);
  });

  it('is nothing for an account without a valid annotation, which is named', async () => {
    const none = setUp({ annotations: {} }).clouds;
    const missing = (name: string) =>
      refused('CloudIdentityMissing', new RegExp(`^ServiceAccount shop/deployer has no annotation ${name}; it is `));
    await assert.rejects(none.aws(ACCOUNT, PLACE), missing('eks.amazonaws.com/role-arn'));
    await assert.rejects(none.azure(ACCOUNT, REPOS), missing('azure.workload.identity/client-id'));
    await assert.rejects(none.google(ACCOUNT), missing('gcp.auth.fluxcd.io/workload-identity-provider'));
    const odd = setUp({ annotations: { 'eks.amazonaws.com/role-arn': 'admin' } }).clouds;
    await assert.rejects(
      odd.aws(ACCOUNT, PLACE),
      refused('CloudIdentityMissing', /role-arn that is not valid; it is the ARN/),
    );
    await assert.rejects(
      none.aws({ ...ACCOUNT, name: 'other' }, PLACE),
      refused('CloudIdentityMissing', /^ServiceAccount shop\/other does not exist$/),
    );
    assert.deepEqual(server.asked, []);
  });

  it('is nothing for an account that may not ask for a token of itself', async () => {
    const { api, clouds } = setUp();
    api.fault = ({ verb }) => {
      if (verb === 'raw') throw new KubeError('forbidden', { status: 403, reason: 'Forbidden' });
      return undefined;
    };
    await assert.rejects(
      clouds.aws(ACCOUNT, PLACE),
      refused('CloudIdentityMissing', /gets no token: forbidden; a Role that lets it create serviceaccounts\/token/),
    );
  });

  it('is refused with the code of the cloud and no word of its answer, and asked for again', async () => {
    const { clouds } = setUp();
    const { accepts } = server;
    server.accepts = async () => false;
    const failed = (words: RegExp) => refused('CloudLoginFailed', words);
    await assert.rejects(clouds.aws(ACCOUNT, PLACE), failed(/gets nothing of AWS: .* answered 403 AccessDenied$/));
    await assert.rejects(clouds.azure(ACCOUNT, REPOS), failed(/gets nothing of Azure: .* answered 401 AADSTS70021$/));
    await assert.rejects(
      clouds.google(ACCOUNT),
      failed(/gets nothing of Google Cloud: .* answered 400 invalid_grant$/),
    );
    server.accepts = accepts;
    assert.match((await clouds.aws(ACCOUNT, PLACE)).accessKeyId, /^ASIA/);
  });

  it('is named where something else answers, too much, or nobody', async () => {
    const { clouds } = setUp();
    for (const [body, words] of [
      ['<html>', /what answers at 127.0.0.1:\d+ is not the service/],
      ['null', /is not the service/],
      ['{}', /answered without a token/],
      ['x'.repeat(100_000), /answers more than 65536 bytes/],
    ] as const) {
      server.fault = { status: 200, body };
      await assert.rejects(clouds.azure(ACCOUNT, REPOS), refused('CloudLoginFailed', words));
    }
    const endpoints = [{ host: 'login.microsoftonline.com', address: 'http://127.0.0.1:1' }];
    const gone = setUp({ policy: { allowedHosts: [], endpoints } }).clouds;
    await assert.rejects(
      gone.azure(ACCOUNT, REPOS),
      refused('CloudLoginFailed', /127.0.0.1:1 can't be asked: .*ECONNREFUSED/),
    );
  });

  it('is asked for at no host that the platform does not allow', async () => {
    const { clouds } = setUp({ policy: { allowedHosts: ['*.amazonaws.com'], endpoints: [] } });
    await assert.rejects(
      clouds.azure(ACCOUNT, REPOS),
      refused(
        'HostRefused',
        /^Calls of a cloud to login.microsoftonline.com are not allowed; allowed are \*.amazonaws.com/,
      ),
    );
  });

  describe('for repositories', () => {
    const hosted = (host: string) => {
      const url = `${server.url}/v1/repos/shop`;
      // The server stands in for one host at a time: the first counts.
      return { url, policy: { allowedHosts: [], endpoints: [{ host, address: server.url }, ...server.endpoints] } };
    };

    it('is a password of CodeCommit, which is signed for its path', async () => {
      const { url, policy } = hosted(`git-codecommit.${REGION}.amazonaws.com`);
      const login = await loginTo({ url, provider: 'aws', account: ACCOUNT }, setUp({ policy }));
      assert.ok('password' in login);
      const { username, password } = login;
      const repository = { host: new URL(url).host, path: '/v1/repos/shop' };
      assert.equal(server.isPassword(username, password, repository), true);
      assert.equal(server.isPassword(username, password, { ...repository, path: '/v1/repos/other' }), false);
    });

    it('is a token of Azure Repos', async () => {
      const { url, policy } = hosted('dev.azure.com');
      const login = await loginTo({ url, provider: 'azure', account: ACCOUNT }, setUp({ policy }));
      assert.ok('token' in login && server.isReposToken(login.token));
    });

    for (const [provider, url] of [
      ['azure', 'https://git.example.com/shop.git'],
      ['azure', 'http://dev.azure.com/shop/_git/shop'],
      ['azure', 'https://dev.azure.com.example.com/shop/_git/shop'],
      ['aws', 'https://git-codecommit.example.com/v1/repos/shop'],
      ['aws', 'https://git-codecommit.x@y.amazonaws.com/v1/repos/shop'],
    ] as const)
      it(`is made for no other host: ${provider} at ${url}`, async () => {
        await assert.rejects(
          loginTo({ url, provider, account: ACCOUNT }, setUp()),
          refused('HostRefused', /^spec.source.git.provider is for /),
        );
        assert.deepEqual(server.asked, []);
      });
  });
});
