import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { ReasonError } from '../../src/api/reason-error.ts';
import type { FileTree } from '../../src/file-tree.ts';
import { createGit, type GitSource } from '../../src/git/index.ts';
import { createParser, render } from '../../src/render/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { writeCertificates } from '../../tools/cluster/certificates.ts';
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
    return rendered(await git.open(from, commit), path);
  };
  const rendered = async (tree: FileTree, path = '.'): Promise<string[]> => {
    const objects = (
      await render({ source: 'a', tree, path }, { kustomize, helm: 'helm', sops: '', timeoutMs: 20_000, parser })
    ).objects;
    return objects.map((o) => o.metadata.name);
  };
  const fails = (work: Promise<unknown>, code: string, message: RegExp): Promise<void> =>
    assert.rejects(work, (e: ReasonError) => {
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

  it('finds a commit of the past that no ref names, though the mirror began without history', async () => {
    const first = repository.commit({ 'a.yaml': configMap('one') });
    repository.commit({ 'a.yaml': configMap('two') });
    assert.deepEqual(await names(source()), ['two']);
    assert.deepEqual(await names(source({ ref: { commit: first } })), ['one']);
    const other = repository.commit({ 'b.yaml': configMap('three') }, 'elsewhere', 'other');
    repository.commit({ 'b.yaml': null }, 'and gone', 'other');
    assert.deepEqual(await names(source({ ref: { commit: other } })), ['two', 'three']);
  });

  it('opens the commit that was found, when the branch has moved on since', async () => {
    repository.commit({ 'a.yaml': configMap('one') });
    const { commit } = await git.resolve(source());
    repository.commit({ 'a.yaml': configMap('two') });
    const objects = await rendered(await git.open(source(), commit));
    assert.deepEqual(objects, ['one']);
  });

  it('follows a branch whose history was rewritten', async () => {
    repository.commit({ 'a.yaml': configMap('one') });
    repository.commit({ 'a.yaml': configMap('two') });
    assert.deepEqual(await names(source()), ['two']);
    repository.git('reset', '--quiet', '--hard', 'HEAD~1');
    repository.commit({ 'a.yaml': configMap('three') });
    assert.deepEqual(await names(source()), ['three']);
  });

  it('follows the newest tag of a range of versions, annotated or not', async () => {
    const range = source({ ref: { semver: '1.x' } });
    const tagged = (tag: string, ...how: string[]): string => {
      const commit = repository.commit({ 'a.yaml': configMap(tag) });
      repository.git('tag', ...how, tag);
      repository.git('push', '--quiet', 'origin', tag);
      return commit;
    };
    repository.commit({ 'a.yaml': configMap('none') });
    await fails(names(range), 'RefNotFound', /no tag with a version in 1\.x/);
    for (const tag of ['latest', '1.9.0', '1.11.0-rc.1', '2.0.0']) tagged(tag);
    assert.deepEqual(await names(range), ['1.9.0']);
    const newest = tagged('v1.10.0', '-a', '-m', 'a release');
    repository.commit({ 'a.yaml': configMap('later') });
    assert.deepEqual(await names(range), ['v1.10.0']);
    assert.equal((await git.resolve(range)).revision, `v1.10.0@${newest}`);
    assert.deepEqual(await names(source({ ref: { semver: '>=1.11.0-0 <2.0.0' } })), ['1.11.0-rc.1']);
  });

  it('leaves out what .sourceignore and spec.ignore say, and the configuration of CI', async () => {
    repository.commit({
      '.sourceignore': '/apps/web/tests/\n*.tpl.yaml\n',
      '.github/workflows/ci.yml': 'on: push\n',
      'apps/web/a.yaml': configMap('one'),
      'apps/web/b.yaml': configMap('two'),
      'apps/web/c.tpl.yaml': '{{ no: yaml }}',
      'apps/web/tests/values.yaml': 'a: 1\n',
      'apps/web/.sourceignore': 'b.yaml\n',
    });
    assert.deepEqual(await names(source()), ['one', 'two']);
    assert.deepEqual(await names(source(), 'apps/web'), ['one']);
    const { commit } = await git.resolve(source());
    const tree = await git.open(source(), commit);
    const input = { source: 'a', tree, path: 'apps/web', ignore: '!b.yaml\na.yaml' };
    const { objects, inputs } = await render(input, { kustomize, helm: 'helm', sops: '', timeoutMs: 20_000, parser });
    assert.deepEqual(
      objects.map(({ metadata }) => metadata.name),
      ['two'],
    );
    assert.deepEqual(
      inputs.map(({ path }) => path),
      ['apps/web', '.sourceignore'],
    );
  });

  it('tells a branch from a tag of the same name', async () => {
    repository.commit({ 'a.yaml': configMap('tagged') });
    repository.tag('v1');
    repository.commit({ 'a.yaml': configMap('on-branch') }, 'change', 'next');
    repository.git('push', '--quiet', 'origin', 'HEAD:refs/heads/v1');
    assert.deepEqual(await names(source({ ref: { branch: 'v1' } })), ['on-branch']);
    assert.deepEqual(await names(source({ ref: { tag: 'v1' } })), ['tagged']);
  });

  it('reads the commit behind an annotated tag', async () => {
    const commit = repository.commit({ 'a.yaml': configMap('one') });
    repository.git('tag', '-a', 'v2', '-m', 'a release');
    repository.git('push', '--quiet', 'origin', 'v2');
    assert.equal((await git.resolve(source({ ref: { tag: 'v2' } }))).revision, `v2@${commit}`);
    assert.deepEqual(await names(source({ ref: { tag: 'v2' } })), ['one']);
  });

  it('asks once, however many open the same commit, and not again for a folder that did not change', async () => {
    const files = { 'a/a.yaml': configMap('one'), 'b/b.yaml': configMap('two') };
    const commit = repository.commit(files);
    const packs = (): number =>
      server.requests.filter((r) => r.startsWith('POST') && r.includes(repository.name)).length;
    const trees = await Promise.all([1, 2, 3].map(() => git.open(source(), commit)));
    assert.equal(packs(), 1);
    const next = await git.open(source(), repository.commit({ 'b/b.yaml': configMap('three') }));
    assert.equal(packs(), 2);
    await git.open(source(), commit);
    assert.equal(packs(), 2);
    assert.equal(await next.oid('a'), await trees[0]?.oid('a'));
    assert.notEqual(await next.oid('b'), await trees[0]?.oid('b'));
    assert.equal(await next.oid('nothing'), undefined);
  });

  it('goes on with the mirrors of an earlier process', async () => {
    const commit = repository.commit({ 'a.yaml': configMap('one') });
    await git.open(source(), commit);
    const later = createGit(dir);
    server.setFault('unavailable');
    assert.deepEqual(await rendered(await later.open(source(), commit)), ['one']);
    assert.deepEqual(await rendered(await later.open(source(), commit, { offline: true })), ['one']);
    const asked = server.requests.length;
    await fails(later.open(source(), 'a'.repeat(40), { offline: true }), 'RepositoryUnreachable', /in no mirror/);
    assert.equal(server.requests.length, asked);
    server.setFault('none');
    await later.close();
  });

  it('builds a kustomization with a base beside it', async () => {
    repository.commit({
      'base/kustomization.yaml': 'resources: [a.yaml]\n',
      'base/a.yaml': configMap('one'),
      'overlay/kustomization.yaml': 'resources: [../base]\nnamePrefix: my-\n',
    });
    assert.deepEqual(await names(source(), 'overlay'), ['my-one']);
  });

  it('patches and replaces images on top of a kustomization, without a commit', async () => {
    const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: web:1}]}\n';
    repository.commit({ 'app/kustomization.yaml': 'resources: [a.yaml]\n', 'app/a.yaml': pod });
    const { commit } = await git.resolve(source());
    const tree = await git.open(source(), commit);
    const patch = '[{"op": "add", "path": "/metadata/labels", "value": {"team": "shop"}}]';
    const on = { patches: [{ patch, target: { kind: 'Pod' } }], images: [{ name: 'web', newTag: '2' }] };
    const built = (kustomize: typeof on, path = 'app') =>
      render(
        { source: 'a', tree, path, choice: { kustomize } },
        { kustomize: binary(), helm: 'helm', sops: '', timeoutMs: 20_000, parser },
      );
    const binary = (): string => kustomize;
    const [object] = (await built(on)).objects;
    assert.deepEqual(object?.metadata.labels, { team: 'shop' });
    assert.match(JSON.stringify(object?.spec), /web:2/);
    const missing = { ...on, patches: [{ patch, target: { kind: 'Nothing' } }] };
    assert.equal((await built(missing)).objects[0]?.metadata.labels, undefined);
    await fails(
      built({ ...on, patches: [{ patch: 'no patch', target: { kind: 'Pod' } }] }),
      'KustomizeFailed',
      /patch/,
    );
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
      (e: ReasonError) =>
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
    await fails(
      names(source({ url: server.url.replace('http:', 'https:') })),
      'RepositoryUnreachable',
      /SSL|TLS|EPROTO/i,
    );
  });

  it('says that what answers is no Git server', async () => {
    const web = createServer((_, response) => void response.end('<html>hello</html>'));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/a.git`;
    await fails(names(source({ url })), 'RepositoryNotFound', /not as a Git server/);
    web.close();
  });

  it('takes a bearer token', async () => {
    const closed = await startGitServer({ credentials: { token: 'secret-token' } });
    const inside = closed.repository('closed');
    inside.commit({ 'a.yaml': configMap('one') });
    assert.deepEqual(await names(source({ url: inside.url, credentials: { token: 'secret-token' } })), ['one']);
    const wrong = names(source({ url: inside.url, credentials: { token: 'wrong-token' } }));
    await fails(wrong, 'AuthenticationFailed', /^((?!wrong-token).)*$/);
    await closed.close();
  });

  it('trusts the CA of the credentials, and no unknown one', async () => {
    const certificates = join(dir, 'certificates');
    await writeCertificates(certificates, [{ name: 'git', commonName: 'git', names: ['127.0.0.1'] }]);
    const pem = (name: string): string => readFileSync(join(certificates, name), 'utf8');
    const secure = await startGitServer({ tls: { key: pem('git.key'), cert: pem('git.crt') } });
    const inside = secure.repository('secure');
    inside.commit({ 'a.yaml': configMap('one') });
    await fails(names(source({ url: inside.url })), 'RepositoryUnreachable', /certificate/);
    assert.deepEqual(await names(source({ url: inside.url, credentials: { ca: pem('ca.crt') } })), ['one']);
    await secure.close();
  });

  it('shows the client certificate of the credentials', async () => {
    const certificates = join(dir, 'mutual');
    await writeCertificates(certificates, [
      { name: 'git', commonName: 'git', names: ['127.0.0.1'] },
      { name: 'client', commonName: 'client', names: [] },
    ]);
    const pem = (name: string): string => readFileSync(join(certificates, name), 'utf8');
    const ca = pem('ca.crt');
    const secure = await startGitServer({
      tls: { key: pem('git.key'), cert: pem('git.crt'), ca, requestCert: true, rejectUnauthorized: true },
    });
    const inside = secure.repository('mutual');
    inside.commit({ 'a.yaml': configMap('one') });
    const client = { ca, cert: pem('client.crt'), key: pem('client.key') };
    assert.deepEqual(await names(source({ url: inside.url, credentials: client })), ['one']);
    await fails(
      names(source({ url: inside.url, credentials: { ca } })),
      'RepositoryUnreachable',
      /certificate|closed/i,
    );
    await secure.close();
  });

  it('takes its credentials to no other host', async () => {
    const credentials = { username: 'me', password: 'secret-word' };
    const seen: unknown[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    repository.commit({ 'a.yaml': configMap('one') });
    server.redirect(`http://127.0.0.1:${(other.address() as AddressInfo).port}`);
    await fails(names(source({ credentials })), 'RepositoryUnreachable', /redirects to http/);
    server.redirect(server.url);
    await fails(names(source()), 'RepositoryUnreachable', /redirects more than/);
    server.redirect(undefined);
    assert.deepEqual(seen, []);
    other.close();
  });

  it('stops a fetch that is too large, and serves the other repositories', async () => {
    const small = createGit(join(dir, 'small'), { fetchBytes: 50_000 });
    const large = server.repository('large');
    const commit = large.commit({ 'a.bin': randomBytes(200_000).toString('latin1') });
    await fails(small.open(source({ url: large.url }), commit), 'RepositoryTooLarge', /MB/);
    const other = repository.commit({ 'a.yaml': configMap('one') });
    assert.deepEqual(await rendered(await small.open(source(), other)), ['one']);
    await small.close();
  });

  it('stops an alias bomb, naming the file, and a file that is too large to be a manifest', async () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(',')}]`);
    repository.commit({ 'bomb.yaml': `${configMap('one')}l0: &l0 x\n${levels.join('\n')}\n` });
    await fails(names(source()), 'ManifestTooLarge', /bomb\.yaml, document 1/);
    repository.commit({ 'bomb.yaml': '#'.repeat(9_000_000) });
    await fails(names(source()), 'RepositoryTooLarge', /bomb\.yaml has 9000000 bytes/);
    assert.equal(repository.commit({ 'bomb.yaml': null, 'a.yaml': configMap('one') }).length, 40);
    assert.deepEqual(await names(source()), ['one']);
  });

  it('stops folders that hold each other billions of times', async () => {
    repository.commit({ 'a.yaml': configMap('one') });
    let tree = repository.tree([]);
    for (let level = 0; level < 12; level++) {
      const inner = tree;
      tree = repository.tree(Array.from({ length: 10 }, (_, i) => ({ mode: '40000', name: `d${i}`, oid: inner })));
    }
    const commit = repository.commitTree(tree);
    const bomb = await git.open(source(), commit);
    await fails(rendered(bomb), 'RepositoryTooLarge', /more than/);
    await fails(bomb.folders(Array(12).fill('*').join('/'), []), 'RepositoryTooLarge', /more than/);
    assert.equal((await bomb.folders('d0/*/d1', ['d0/d3'])).length, 9);
  }).timeout(60_000);

  it('lists the folders that a pattern matches, without what is excluded, and no files or symlinks', async () => {
    repository.commit({
      'apps/web/prod/a.yaml': configMap('one'),
      'apps/api/prod/a.yaml': configMap('two'),
      'apps/old/prod/a.yaml': configMap('three'),
      'apps/.hidden/prod/a.yaml': configMap('four'),
      'apps/README.md': 'no folder',
    });
    symlinkSync('web', join(repository.dir, 'apps/link'));
    const tree = await git.open(source(), repository.commit({}));
    assert.deepEqual(await tree.folders('apps/*', ['apps/old']), ['apps/api', 'apps/web']);
    assert.deepEqual(await tree.folders('apps/*/prod', ['apps/o*']), ['apps/api/prod', 'apps/web/prod']);
    assert.deepEqual(await tree.folders('nothing/*', []), []);
  });

  for (const name of ['..', '.git', 'a/b', '../../escape']) {
    it(`refuses a tree object with an entry called ${name}`, async () => {
      repository.commit({ 'a.yaml': configMap('one') });
      const oid = repository.git('rev-parse', 'HEAD:a.yaml');
      const commit = repository.commitTree(repository.tree([{ mode: '100644', name, oid }]));
      await fails(rendered(await git.open(source(), commit)), 'PathOutsideRepository', /forbidden name/);
    });
  }

  it('names the file that is not YAML, and both places of a duplicate', async () => {
    repository.commit({ 'a.yaml': configMap('one'), 'broken.yaml': 'a: [' });
    await fails(names(source()), 'InvalidYAML', /broken\.yaml/);
    repository.commit({ 'broken.yaml': null, 'b.yaml': configMap('one') });
    await fails(names(source()), 'DuplicateObject', /a\.yaml.*b\.yaml/);
  });

  it('follows symlinks inside of the repository, in plain folders and to bases', async () => {
    repository.commit({
      'plain/c.yaml': configMap('three'),
      'app/kustomization.yaml': 'resources: [base/deep]\n',
      'base/deep/kustomization.yaml': 'resources: [b.yaml, ../beside]\n',
      'base/deep/b.yaml': configMap('two'),
      'base/beside/kustomization.yaml': 'resources: [a.yaml]\n',
      'base/beside/a.yaml': configMap('one'),
    });
    symlinkSync('../base/beside/a.yaml', join(repository.dir, 'plain/a.yaml'));
    symlinkSync('../base', join(repository.dir, 'app/base'));
    repository.commit({});
    assert.deepEqual(await names(source(), 'plain'), ['one', 'three']);
    assert.deepEqual((await names(source(), 'app')).toSorted(), ['one', 'two']);
    repository.commit({ 'base/beside/kustomization.yaml': 'resources: [http://127.0.0.1/a.yaml]\n' });
    await fails(names(source(), 'app'), 'RemoteBaseRefused', /base\/beside/);
  });

  it('stops symlinks that lead to each other', async () => {
    symlinkSync('b.yaml', join(repository.dir, 'a.yaml'));
    symlinkSync('a.yaml', join(repository.dir, 'b.yaml'));
    repository.commit({});
    await fails(names(source()), 'PathNotFound', /a\.yaml leads to no file/);
  });

  it('is not disturbed by what a kustomization does not use', async () => {
    symlinkSync('/etc/passwd', join(repository.dir, 'passwd'));
    repository.commit({
      'app/kustomization.yaml': 'resources: [a.yaml]\n',
      'app/a.yaml': configMap('one'),
      'other/kustomization.yaml': 'resources: ["https://example.com/base.git"]\n',
      'large.bin': 'x'.repeat(9_000_000),
    });
    assert.deepEqual(await names(source(), 'app'), ['one']);
  });

  it('says in what way a kustomization is wrong', async () => {
    repository.commit({ 'kustomization.yaml': 'resources: [missing.yaml]\n' });
    await fails(names(source()), 'KustomizeFailed', /^((?!metricops-render).)*missing\.yaml/);
    repository.commit({ 'kustomization.yaml': 'resources: [' });
    await fails(names(source()), 'InvalidYAML', /kustomization\.yaml/);
    const tree = await git.open(source(), (await git.resolve(source())).commit);
    repository.commit({ 'kustomization.yaml': 'resources: []\n' });
    const none = { kustomize: '/nowhere/kustomize', helm: '/nowhere/helm', sops: '', timeoutMs: 1000 };
    const later = await git.open(source(), (await git.resolve(source())).commit);
    await fails(
      render({ source: 'a', tree: later, path: '.', choice: { kustomize: {} } }, none),
      'RendererMissing',
      /METRICOPS_KUSTOMIZE/,
    );
    await fails(
      render({ source: 'a', tree, path: '.', choice: { plain: {} } }, none),
      'InvalidYAML',
      /kustomization\.yaml/,
    );
  });

  const submodule = (path: string): void => {
    mkdirSync(join(repository.dir, path), { recursive: true });
    repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},${path}`);
  };

  it('leaves out a submodule that is ignored', async () => {
    repository.commit({ 'a.yaml': configMap('one'), '.sourceignore': '/vendor/\n' });
    submodule('vendor');
    repository.commit({});
    assert.deepEqual(await names(source()), ['one']);
  });

  it('refuses a submodule in or around the folder of plain manifests, instead of pruning what was in it', async () => {
    repository.commit({ 'apps/a.yaml': configMap('one'), 'other/b.yaml': configMap('two') });
    submodule('apps/deep/vendor');
    repository.commit({});
    await fails(names(source(), 'apps'), 'SubmoduleRefused', /^apps\/deep\/vendor is a submodule/);
    await fails(names(source(), 'apps/deep/vendor/sub'), 'SubmoduleRefused', /^apps\/deep\/vendor is a submodule/);
    await fails(names(source(), 'apps/deep/vendor'), 'SubmoduleRefused', /^apps\/deep\/vendor is a submodule/);
    assert.deepEqual(await names(source(), 'other'), ['two']);
    const tree = await git.open(source(), (await git.resolve(source())).commit);
    assert.deepEqual(await tree.oids(['apps/deep/vendor/sub', 'nothing']), [undefined, undefined]);
    await fails(tree.folders('apps/deep/*', []), 'SubmoduleRefused', /vendor/);
    assert.deepEqual(await tree.folders('apps/deep/*', ['apps/deep/vendor']), []);
  });

  it('refuses a submodule that a kustomization refers to, and no other', async () => {
    repository.commit({ 'app/kustomization.yaml': 'resources: [a.yaml]\n', 'app/a.yaml': configMap('one') });
    submodule('app/vendor');
    repository.commit({});
    assert.deepEqual(await names(source(), 'app'), ['one']);
    repository.commit({ 'app/kustomization.yaml': 'resources: [a.yaml, vendor/base]\n' });
    await fails(names(source(), 'app'), 'SubmoduleRefused', /^app\/vendor is a submodule/);
  });

  it('refuses a pointer of Git LFS that the render would read, and no other', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
    repository.commit({ 'a.yaml': configMap('one'), 'logo.png': pointer });
    assert.deepEqual(await names(source()), ['one']);
    repository.commit({ 'b.yaml': pointer });
    await fails(names(source()), 'LFSPointerRefused', /^b\.yaml is a pointer of Git LFS/);
    const generator = 'configMapGenerator: [{ name: made, files: [b.yaml] }]\n';
    repository.commit({ 'kustomization.yaml': `resources: [a.yaml]\n` });
    assert.deepEqual(await names(source()), ['one']);
    repository.commit({ 'kustomization.yaml': generator });
    await fails(names(source()), 'LFSPointerRefused', /^b\.yaml is a pointer of Git LFS/);
    repository.commit({ 'app/kustomization.yaml': 'resources: [b.yaml]\n', 'app/b.yaml': pointer });
    await fails(names(source(), 'app'), 'LFSPointerRefused', /^app\/b\.yaml is a pointer of Git LFS/);
    repository.commit({ 'app/kustomization.yaml': 'resources: [bb.yaml]\n' });
    await fails(names(source(), 'app'), 'KustomizeFailed', /bb\.yaml.*left out.*Git LFS: app\/b\.yaml/);
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
