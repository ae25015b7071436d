import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jwtVerify } from 'jose';
import { after, before, describe, it } from 'mocha';
import type { ReasonError } from '../../src/api/reason-error.ts';
import { createGit, type GitCredentials, type GitSource } from '../../src/git/index.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(); // as GitHub gives it
const TOKEN = 'ghs_installation';

describe('a repository that a GitHub App reads', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
  const asked: string[] = [];
  let api: Server;
  let server: GitServer;
  let repository: GitRepository;
  let git: ReturnType<typeof createGit>;
  let base: string;

  before(async () => {
    // Of GitHub's API, what an app needs: https://docs.github.com/en/rest/apps/apps
    api = createServer((request, response) => {
      void (async () => {
        asked.push(`${request.method} ${request.url}`);
        const [, jwt = ''] = /^Bearer (.*)$/.exec(request.headers.authorization ?? '') ?? [];
        const verified = await jwtVerify(jwt, publicKey, {
          algorithms: ['RS256'],
          issuer: '77',
          maxTokenAge: '10m',
        }).catch(() => undefined);
        const end = (status: number, body: object): void =>
          void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        if (!verified || (verified.payload.exp ?? 0) > Date.now() / 1000 + 600)
          return end(401, { message: 'Bad credentials' });
        const { url } = request;
        if (url === '/api/v3/users/team/installation') return end(200, { id: 5 });
        if (url === '/api/v3/app/installations/5/access_tokens' && request.method === 'POST') {
          return end(201, { token: TOKEN, expires_at: new Date(Date.now() + 3_600_000).toISOString() });
        }
        end(404, { message: 'Not Found' });
      })();
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(api.address() as AddressInfo).port}/api/v3`;
    server = await startGitServer({ credentials: { username: 'x-access-token', password: TOKEN } });
    repository = server.repository('shop');
    repository.commit({ 'a.yaml': 'a: 1\n' });
    git = createGit(dir);
  });
  after(async () => {
    await Promise.all([git.close(), server.close(), new Promise((resolve) => api.close(resolve))]);
    rmSync(dir, { recursive: true, force: true });
  });

  const app = (overrides: GitCredentials = {}): GitSource => ({
    url: repository.url,
    ref: { branch: 'main' },
    timeoutMs: 5000,
    credentials: { appId: '77', appInstallationId: '5', appPrivateKey: pem, appBaseUrl: base, ...overrides },
  });
  const fails = (source: GitSource, code: string, message: RegExp): Promise<void> =>
    assert.rejects(git.resolve(source), (e: ReasonError) => {
      assert.equal(e.code, code, e.message);
      assert.match(e.message, message);
      assert.doesNotMatch(e.message, /PRIVATE|ghs_/);
      return true;
    });

  it('is polled and fetched with a token of the installation, which is asked for once', async () => {
    const { commit } = await git.resolve(app());
    await git.resolve(app());
    assert.deepEqual(asked, ['POST /api/v3/app/installations/5/access_tokens']);
    assert.ok(await (await git.open(app(), commit)).oid('a.yaml'));
  });

  it('may name the owner of the installation, an organisation or a user', async () => {
    asked.length = 0;
    const { appInstallationId: _, ...rest } = app().credentials ?? {};
    await git.resolve({ ...app(), credentials: { ...rest, appInstallationOwner: 'team' } });
    assert.deepEqual(asked.slice(0, 2), ['GET /api/v3/orgs/team/installation', 'GET /api/v3/users/team/installation']);
  });

  it('says which key of the Secret is wrong, and shows none', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    await fails(app({ appPrivateKey: other.toString() }), 'AuthenticationFailed', /401 .*githubAppPrivateKey/);
    await fails(
      app({ appPrivateKey: 'no key' }),
      'AuthenticationFailed',
      /githubAppPrivateKey .* no private key in PEM/,
    );
    await fails(app({ appInstallationId: '6' }), 'AuthenticationFailed', /404 .*githubAppInstallationID/);
    await fails(app({ appPrivateKey: '' }), 'SecretNotFound', /githubAppPrivateKey/);
  });

  it('calls no other host than that of the repository, whatever the Secret says', async () => {
    for (const appBaseUrl of ['http://169.254.169.254/latest', 'http://localhost:1/api/v3', 'file:///etc/passwd', 'x'])
      await fails(app({ appBaseUrl }), 'AuthenticationFailed', /githubAppBaseURL/);
  });

  it('says that the API is away', async () => {
    await fails(app({ appBaseUrl: 'http://127.0.0.1:1/api/v3' }), 'RepositoryUnreachable', /ECONNREFUSED/);
  });
});
