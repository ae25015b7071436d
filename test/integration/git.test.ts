import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { createGit, type GitError, type GitSource } from '../../src/git/index.ts';
import { createParser, type RenderError, render } from '../../src/render/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;

describe('a repository over HTTP', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
  let server: GitServer;
  let repository: GitRepository;
  let git: ReturnType<typeof createGit>;
  let kustomize: string;
  const parser = createParser();
  const source = (overrides: Partial<GitSource> = {}): GitSource => ({
    url: repository.url,
    ref: { branch: 'main' },
    timeoutMs: 5000,
    ...overrides,
  });
  const names = async (from: GitSource, path = '.'): Promise<string[]> => {
    const { commit } = await git.resolve(from);
    const tree = await git.open(from, commit);
    const objects = await render({ tree, path, mode: 'Auto' }, { kustomize, timeoutMs: 20_000, parser });
    return objects.map((o) => o.metadata.name);
  };
  const fails = (work: Promise<unknown>, code: string, message: RegExp): Promise<void> =>
    assert.rejects(work, (e: GitError | RenderError) => {
      assert.equal(e.code, code, e.message);
      assert.match(e.message, message);
      return true;
    });

  before(async function () {
    this.timeout(600_000);
    ({ kustomize } = await ensurePrograms(['kustomize'], { log: (line) => process.stderr.write(`    ${line}\n`) }));
    server = await startGitServer();
    git = createGit(dir);
  });
  beforeEach(function () {
    repository = server.repository(`r${Math.random().toString(36).slice(2)}`);
    this.timeout(30_000);
  });
  after(async () => {
    await Promise.all([server.close(), git.close(), parser.close()]);
    rmSync(dir, { recursive: true });
  });

  it('follows a branch, commit after commit', async () => {
    repository.commit({ 'a.yaml': configMap('one') });
    assert.deepEqual(await names(source()), ['one']);
    const second = repository.commit({ 'a.yaml': configMap('two'), 'sub/b.yml': configMap('three') });
    assert.deepEqual(await names(source()), ['two', 'three']);
    assert.equal((await git.resolve(source())).revision, `main@${second}`);
  });

  it('applies a tag, and a commit of the past', async () => {
    const first = repository.commit({ 'a.yaml': configMap('one') });
    repository.tag('v1');
    repository.commit({ 'a.yaml': configMap('two') });
    assert.deepEqual(await names(source({ ref: { tag: 'v1' } })), ['one']);
    assert.deepEqual(await names(source({ ref: { commit: first } })), ['one']);
  });

  it('builds a kustomization with a base beside it', async () => {
    repository.commit({
      'base/kustomization.yaml': 'resources: [a.yaml]\n',
      'base/a.yaml': configMap('one'),
      'overlay/kustomization.yaml': 'resources: [../base]\nnamePrefix: my-\n',
    });
    assert.deepEqual(await names(source(), 'overlay'), ['my-one']);
  });

  it('says which of repository, branch, tag, commit and folder is missing', async () => {
    repository.commit({ 'a.yaml': configMap('one') });
    await fails(names(source({ url: `${server.url}/nothing.git` })), 'RepositoryNotFound', /404/);
    await fails(names(source({ ref: { branch: 'nothing' } })), 'RefNotFound', /no branch nothing/);
    await fails(names(source({ ref: { tag: 'nothing' } })), 'RefNotFound', /no tag nothing/);
    await fails(names(source({ ref: { commit: 'a'.repeat(40) } })), 'RefNotFound', /aaaa/);
    await fails(names(source(), 'nothing'), 'PathNotFound', /nothing/);
  });

  it('says that credentials are wrong without showing them', async () => {
    const credentials = { username: 'me', password: 'secret-word' };
    const closed = await startGitServer({ credentials });
    const inside = closed.repository('closed');
    inside.commit({ 'a.yaml': configMap('one') });
    await fails(names(source({ url: inside.url })), 'AuthenticationFailed', /401/);
    const wrong = names(source({ url: inside.url, credentials: { ...credentials, password: 'wrong-word' } }));
    await assert.rejects(
      wrong,
      (e: GitError) =>
        e.code === 'AuthenticationFailed' && !JSON.stringify([e.message, e.stack]).includes('wrong-word'),
    );
    assert.deepEqual(await names(source({ url: inside.url, credentials })), ['one']);
    await closed.close();
  });

  it('says that the server is away, does not answer, or answers with an error', async () => {
    await fails(names(source({ url: 'http://127.0.0.1:1/a.git' })), 'RepositoryUnreachable', /ECONNREFUSED/);
    server.setFault('unavailable');
    await fails(names(source()), 'RepositoryUnreachable', /503/);
    server.setFault('hang');
    await fails(names(source({ timeoutMs: 300 })), 'RepositoryUnreachable', /can't be reached/);
    server.setFault('none');
  });

  it('names the file that is not YAML, and both places of a duplicate', async () => {
    repository.commit({ 'a.yaml': configMap('one'), 'broken.yaml': 'a: [' });
    await fails(names(source()), 'InvalidYAML', /broken\.yaml/);
    repository.commit({ 'broken.yaml': null, 'b.yaml': configMap('one') });
    await fails(names(source()), 'DuplicateObject', /a\.yaml.*b\.yaml/);
  });

  it('refuses symlinks and bases that lead out of the repository, and bases elsewhere', async () => {
    repository.commit({ 'kustomization.yaml': 'resources: [a.yaml]\n' });
    symlinkSync('/etc/passwd', join(repository.dir, 'a.yaml'));
    repository.commit({});
    await fails(names(source()), 'PathOutsideRepository', /a\.yaml/);
    repository.commit({ 'a.yaml': null, 'kustomization.yaml': 'resources: [../../etc]\n' });
    await fails(names(source()), 'PathOutsideRepository', /etc/);
    repository.commit({ 'kustomization.yaml': 'resources: ["https://example.com/base.git"]\n' });
    await fails(names(source()), 'RemoteBaseRefused', /example\.com/);
    await fails(names(source(), '../..'), 'PathOutsideRepository', /\.\./);
  });
});
