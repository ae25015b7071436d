import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { ReasonError } from '../../src/api/reason-error.ts';
import { createGit, type GitCredentials, type GitSource } from '../../src/git/index.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { eventually } from '../support/poll.ts';
import { type SshServer, startSshServer } from '../support/ssh-server.ts';

describe('a repository over SSH', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
  let server: GitServer;
  let ssh: SshServer;
  let repository: GitRepository;
  let git: ReturnType<typeof createGit>;
  let credentials: GitCredentials;
  before(async function () {
    this.timeout(300_000);
    server = await startGitServer();
    ssh = await startSshServer();
    git = createGit(dir);
    credentials = { identity: ssh.identity, knownHosts: ssh.knownHosts };
  });
  beforeEach(() => {
    repository = server.repository(`r${Math.random().toString(36).slice(2)}`);
    repository.commit({ 'a.yaml': 'a: 1\n' });
  });
  after(async () => {
    await Promise.all([git.close(), ssh.close(), server.close()]);
    rmSync(dir, { recursive: true, force: true });
  });

  const bare = (): string => repository.git('remote', 'get-url', 'origin');
  const source = (overrides: Partial<GitSource> = {}): GitSource => ({
    url: `ssh://${ssh.user}@127.0.0.1:${ssh.port}${bare()}`,
    ref: { branch: 'main' },
    credentials,
    timeoutMs: 20_000,
    ...overrides,
  });
  const files = async (from: GitSource): Promise<string[]> => {
    const { commit } = await git.resolve(from);
    return (await (await git.open(from, commit)).texts('.', { pattern: /yaml$/, maxBytes: 1e6 })).texts.map(
      ({ text }) => text,
    );
  };
  const fails = (from: GitSource, code: string, message: RegExp): Promise<void> =>
    assert.rejects(files(from), (e: ReasonError) => {
      assert.equal(e.code, code, e.message);
      assert.match(e.message, message);
      assert.doesNotMatch(e.message, /PRIVATE KEY|metricops-ssh-/);
      return true;
    });

  it('follows a branch, commit after commit, a tag, and a commit of the past', async () => {
    assert.deepEqual(await files(source()), ['a: 1\n']);
    const first = repository.git('rev-parse', 'HEAD');
    repository.tag('v1');
    repository.commit({ 'a.yaml': 'a: 2\n' });
    assert.deepEqual(await files(source()), ['a: 2\n']);
    assert.deepEqual(await files(source({ ref: { tag: 'v1' } })), ['a: 1\n']);
    assert.deepEqual(await files(source({ ref: { commit: first } })), ['a: 1\n']);
  });

  it('is polled over one connection, by a question for the ref alone', async () => {
    await git.resolve(source());
    const lines = ssh.log().trim().split('\n');
    const asked = lines.filter((line) => line.includes(repository.name));
    assert.deepEqual(asked, [`git-upload-pack '${bare()}' version=2`]);
  });

  it('leaves no key behind', async () => {
    await files(source());
    await eventually(() => readdirSync(tmpdir()).every((name) => !name.startsWith(`metricops-ssh-${process.pid}-`)), {
      what: 'the private folder is gone',
    });
  });

  it('refuses a host whose key is not in known_hosts, and one whose key is another one', async () => {
    const other = ssh.knownHosts.replace(`:${ssh.port}`, ':1');
    await fails(source({ credentials: { ...credentials, knownHosts: other } }), 'AuthenticationFailed', /host key/);
    const [host, type] = ssh.knownHosts.split(' ');
    const [, , wrong] = [host, type, 'AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'];
    const changed = { ...credentials, knownHosts: `${host} ${type} ${wrong}\n` };
    await fails(source({ credentials: changed }), 'AuthenticationFailed', /host key/);
  });

  it('says that the key is not let in, is none, is locked, or is missing', async () => {
    const of = (identity: string): GitSource => source({ credentials: { ...credentials, identity } });
    await fails(of(ssh.makeKey(`k${Date.now()}`)), 'AuthenticationFailed', /deploy key/);
    await fails(of('no key'), 'AuthenticationFailed', /no private key/);
    await fails(of(ssh.makeKey(`l${Date.now()}`, 'hunter2')), 'AuthenticationFailed', /locked with a passphrase/);
    const { credentials: _, ...bareSource } = source();
    await fails(bareSource, 'SecretNotFound', /identity and known_hosts/);
  });

  it('says that there is no such repository, ref or server', async () => {
    await fails(source({ url: `${source().url}-not` }), 'RepositoryNotFound', /spec.source.git.url/);
    await fails(source({ ref: { branch: 'nothing' } }), 'RefNotFound', /no branch nothing/);
    const url = source().url.replace(`:${ssh.port}`, ':1');
    await fails(source({ url }), 'RepositoryUnreachable', /refused/);
  });

  it('gives up a server that says nothing, in time, and ends the program', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const url = source().url.replace(`:${ssh.port}`, `:${port}`);
    await fails(source({ url, timeoutMs: 1000 }), 'RepositoryUnreachable', /longer than 1 s/);
    silent.close();
  });

  it('runs nothing but git-upload-pack with one argument, whatever the path says', async () => {
    const target = join(dir, 'touched');
    await fails(
      source({ url: `ssh://${ssh.user}@127.0.0.1:${ssh.port}/x';touch%20${target};'` }),
      'RepositoryNotFound',
      /./,
    );
    await fails(
      source({ url: `ssh://${ssh.user}@127.0.0.1:${ssh.port}/$(touch%20${target})` }),
      'RepositoryNotFound',
      /./,
    );
    assert.ok(!existsSync(target));
  });

  it('stops a fetch that is too large', async () => {
    const small = createGit(join(dir, 'small'), { fetchBytes: 500 });
    const commit = repository.commit({ 'b.yaml': Array.from({ length: 900 }, () => Math.random()).join('\n') });
    await assert.rejects(small.open(source(), commit), { code: 'RepositoryTooLarge' });
    await small.close();
  });
});
