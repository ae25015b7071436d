import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { ReasonError } from '../../src/api/reason-error.ts';
import { createGit, type GitSource, type Verification } from '../../src/git/index.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { createSigners, type Signer, type Signers } from '../support/signers.ts';

describe('a repository of which only what is signed is opened', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
  let server: GitServer;
  let git: ReturnType<typeof createGit>;
  let signers: Signers;
  let mine: Signer;
  let other: Signer;
  let repository: GitRepository;
  before(async function () {
    this.timeout(300_000);
    server = await startGitServer();
    git = createGit(dir);
    signers = await createSigners();
    [mine, other] = [signers.ssh('ed25519'), signers.ssh('ed25519')];
  });
  beforeEach(() => {
    repository = server.repository(`r${Math.random().toString(36).slice(2)}`);
    mine.signs(repository);
  });
  after(async () => {
    await Promise.all([git.close(), server.close()]);
    signers.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const by = (signer: Signer, mode: Verification['mode'] = 'HEAD'): Verification => ({
    mode,
    secret: 'shop/signers',
    files: { 'me.pub': signer.publicKey },
  });
  const source = (verify: Verification, overrides: Partial<GitSource> = {}): GitSource => ({
    url: repository.url,
    ref: { branch: 'main' },
    timeoutMs: 20_000,
    verify,
    ...overrides,
  });
  /** The source with what its ref stands at, and the commit. */
  const resolved = async (from: GitSource): Promise<[GitSource, string]> => {
    const { commit, ref, tagObject } = await git.resolve(from);
    return [{ ...from, ref: ref ?? from.ref, tagObject: tagObject ?? null }, commit];
  };
  const text = async (from: GitSource): Promise<string | undefined> => {
    const tree = await git.open(...(await resolved(from)));
    return (await tree.texts('.', { pattern: /yaml$/, maxBytes: 1e6 })).texts[0]?.text;
  };
  const fails = (from: GitSource, code: string, ...mentions: (string | RegExp)[]): Promise<void> =>
    assert.rejects(text(from), (e: ReasonError) => {
      assert.equal(e.code, code, e.message);
      for (const each of mentions)
        assert.ok(typeof each === 'string' ? e.message.includes(each) : each.test(e.message), e.message);
      return true;
    });
  const commit = (content: string): string => repository.commit({ 'a.yaml': content });
  const tag = (name: string, ...how: string[]): void => {
    repository.git('tag', '--force', ...how, name);
    repository.git('push', '--quiet', '--force', 'origin', `refs/tags/${name}`);
  };
  const annotated = (name: string): void => tag(name, '-s', '-m', 'a release');
  /** Writes an object as it is, and pushes it as that ref. */
  const pushObject = (type: 'commit' | 'tag', content: string, ref: string): string => {
    const args = ['hash-object', '-t', type, '-w', '--stdin'];
    const oid = execFileSync('git', args, { cwd: repository.dir, input: content, encoding: 'utf8' }).trim();
    repository.git('push', '--quiet', '--force', 'origin', `${oid}:${ref}`);
    return oid;
  };

  for (const [type, bits] of [
    ['ed25519', undefined],
    ['ecdsa', 256],
    ['ecdsa', 384],
    ['ecdsa', 521],
    ['rsa', 3072],
  ] as const)
    it(`opens a commit that git signed by an SSH key of type ${type} ${bits ?? ''}`, async () => {
      const signer = signers.ssh(type, bits);
      signer.signs(repository);
      // The numbers of ECDSA have another length in one signature of 128.
      for (const content of ['1', '2', '3']) {
        commit(content);
        assert.equal(await text(source(by(signer))), content);
      }
    });

  it('opens commits and tags that git signed by GnuPG, and none of another key', async () => {
    const [signer, stranger] = [signers.pgp(), signers.pgp()];
    signer.signs(repository);
    const oid = commit('1');
    annotated('v1');
    assert.equal(await text(source(by(signer))), '1');
    assert.equal(await text(source(by(signer, 'TagAndHEAD'), { ref: { tag: 'v1' } })), '1');
    const both = { ...by(signer), files: { all: stranger.publicKey + signer.publicKey, ssh: mine.publicKey } };
    assert.equal(await text(source(both)), '1');
    await fails(source(by(stranger)), 'SignatureInvalid', oid, signer.id, 'no key of Secret shop/signers');
    await fails(source(by(mine)), 'SignatureInvalid', oid, signer.id);
    pushObject('commit', repository.git('cat-file', 'commit', oid).replace(/change$/, 'changed\n'), 'refs/heads/main');
    await fails(source(by(signer)), 'SignatureInvalid', signer.id, 'not good');
  });

  it('opens nothing any more that a revoked key of GnuPG signed', async () => {
    const signer = signers.pgp();
    signer.signs(repository);
    commit('1');
    assert.equal(await text(source(by(signer))), '1');
    const revoked = { ...by(signer), files: { 'me.asc': signer.revoked() } };
    await fails(source(revoked), 'SignatureInvalid', signer.id, 'not good');
    await fails(
      source({ ...revoked, files: { 'me.asc': signer.publicKey.slice(0, 300) } }),
      'SecretNotFound',
      'me.asc',
    );
  });

  it('opens no commit without a signature, by another key, or changed after it was signed', async () => {
    const signed = commit('1');
    await fails(source(by(other)), 'SignatureInvalid', signed, mine.id, 'no key of Secret shop/signers');
    const content = `${repository.git('cat-file', 'commit', signed)}\n`;
    const changed = pushObject('commit', content.replace('\n\nchange', '\n\nchanged'), 'refs/heads/main');
    await fails(source(by(mine)), 'SignatureInvalid', changed, mine.id, 'not good');
    repository.git('config', 'commit.gpgsign', 'false');
    const unsigned = commit('2');
    await fails(source(by(mine)), 'NotSigned', unsigned, 'Secret shop/signers');
    const { verify: _, ...unverified } = source(by(mine));
    assert.equal(await text(unverified), '2', 'for whom that is enough');
    await fails(source(by(mine)), 'NotSigned', unsigned);
    mine.signs(repository);
    commit('3');
    assert.equal(await text(source(by(mine))), '3');
  });

  it('opens nothing any more once a key is withdrawn, though it did before', async () => {
    commit('1');
    assert.equal(await text(source(by(mine))), '1');
    await fails(source(by(other)), 'SignatureInvalid', mine.id);
    await fails(source({ ...by(mine), files: { 'me.pub': '' } }), 'SecretNotFound', 'me.pub of Secret shop/signers');
  });

  it('opens the commit of a signed tag, whether or not it was here already', async () => {
    repository.git('config', 'commit.gpgsign', 'false');
    const oid = commit('1');
    const { verify: _, ...unverified } = source(by(mine));
    assert.equal(await text(unverified), '1');
    annotated('v1.0.0');
    for (const ref of [{ tag: 'v1.0.0' }, { semver: '1.x' }]) {
      assert.equal(await text(source(by(mine, 'Tag'), { ref })), '1');
      await fails(source(by(other, 'Tag'), { ref }), 'SignatureInvalid', 'v1.0.0', oid, mine.id);
      await fails(source(by(mine, 'TagAndHEAD'), { ref }), 'NotSigned', `commit ${oid}`);
      await fails(source(by(mine, 'HEAD'), { ref }), 'NotSigned', `commit ${oid}`);
    }
    mine.signs(repository);
    commit('2');
    annotated('v1.1.0');
    for (const ref of [{ tag: 'v1.1.0' }, { semver: '1.x' }])
      assert.equal(await text(source(by(mine, 'TagAndHEAD'), { ref })), '2');
  });

  it('opens nothing by a tag that is not annotated, not signed, changed, or has another name', async () => {
    const oid = commit('1');
    annotated('v1');
    const content = repository.git('cat-file', 'tag', 'v1');
    const of = (name: string): GitSource => source(by(mine, 'Tag'), { ref: { tag: name } });
    assert.equal(await text(of('v1')), '1');
    repository.git('config', 'tag.gpgsign', 'false');
    tag('light');
    await fails(of('light'), 'NotSigned', oid, 'no annotated tag light', 'git tag -s');
    tag('unsigned', '-a', '-m', 'a release');
    await fails(of('unsigned'), 'NotSigned', 'tag unsigned', oid);
    pushObject('tag', `${content}\n`, 'refs/tags/v2');
    await fails(of('v2'), 'NotSigned', 'no annotated tag v2');
    pushObject('tag', `${content.replace('tag v1', 'tag v3')}\n`, 'refs/tags/v3');
    await fails(of('v3'), 'SignatureInvalid', 'tag v3', mine.id, 'not good');
    repository.git('config', 'commit.gpgsign', 'false');
    const moved = commit('2');
    pushObject('tag', `${content.replace(oid, moved)}\n`, 'refs/tags/v1');
    await fails(of('v1'), 'SignatureInvalid', 'tag v1', moved);
    tag('v1');
    await fails(of('v1'), 'NotSigned', 'no annotated tag v1');
  });

  it('opens what it fetched before once more without the server, and verifies it again', async () => {
    const oid = commit('1');
    annotated('v1.0.0');
    const [range] = [source(by(mine, 'TagAndHEAD'), { ref: { semver: '1.x' } })];
    assert.equal(await text(range), '1');
    await git.close();
    git = createGit(dir);
    server.setFault('unavailable');
    try {
      assert.ok(await git.open(range, oid, { offline: true }));
      for (const refused of [
        { ...range, verify: by(other, 'Tag') },
        { ...range, ref: { semver: '2.x' } },
      ])
        await assert.rejects(git.open(refused, oid, { offline: true }), /v1\.0\.0|no annotated tag 2\.x/);
    } finally {
      server.setFault('none');
    }
  });
});
