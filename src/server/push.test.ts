import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { GitSync } from '../api/gitsync.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import { normalUrl, otherEventOf, payloadOf, pushTargets, repositoriesOf, trustOf } from './push.ts';
import { bearerOf, isSame, signatureOf } from './secret.ts';
import { createTokenBucket } from './token-bucket.ts';

const body = Buffer.from('{"ref":"refs/heads/main"}');
const secret = 's3cret';

describe('trust in a push hook', () => {
  const signature = signatureOf(body, secret);

  it('comes from a bearer token or a token header, before the body is read', () => {
    const trusted = [{ authorization: `Bearer ${secret}` }, { 'x-gitlab-token': secret }];
    for (const headers of trusted) assert.equal(trustOf(headers, secret), 'proved', JSON.stringify(headers));
  });

  it('may come from the body, where there is a signature of it', () => {
    const signed = [
      { 'x-hub-signature-256': `sha256=${signature}` },
      { 'x-hub-signature': `sha256=${signature}` },
      { 'x-gitea-signature': signature.toUpperCase() },
      { 'x-signature': `sha256=${signature}` },
      { authorization: 'Bearer of-a-proxy', 'x-gitea-signature': signature },
    ];
    for (const headers of signed) assert.deepEqual(trustOf(headers, secret), { signature }, JSON.stringify(headers));
  });

  it('does not come from anything else', () => {
    const refused = [
      {},
      { authorization: secret },
      { authorization: 'Bearer wrong' },
      { 'x-gitlab-token': '' },
      { 'x-hub-signature-256': 'sha256=' },
      { 'x-hub-signature-256': `sha256=${'g'.repeat(64)}` },
      { 'x-signature': `sha512=${'a'.repeat(128)}` },
      { 'x-hub-signature': 'sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709' },
    ];
    for (const headers of refused) assert.equal(trustOf(headers, secret), 'none', JSON.stringify(headers));
  });

  it('matches the example of GitHub’s documentation', () => {
    assert.equal(
      signatureOf(Buffer.from('Hello, World!'), "It's a Secret to Everybody"),
      '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    );
  });

  it('compares texts of any length', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => assert.equal(isSame(a, b), a === b)));
    assert.equal(bearerOf('bearer  abc'), 'abc');
    assert.equal(bearerOf('Basic abc'), undefined);
    assert.equal(bearerOf(undefined), undefined);
  });
});

describe('the event of a hook', () => {
  it('is a push, or one that needs no fetch', () => {
    const pushes: IncomingHttpHeaders[] = [
      {},
      { 'x-github-event': 'push' },
      { 'x-gitlab-event': 'Push Hook' },
      { 'x-gitlab-event': 'Tag Push Hook' },
      { 'x-gitlab-event': 'System Hook' },
      { 'x-event-key': 'repo:push' },
      { 'x-event-key': 'repo:refs_changed' },
    ];
    for (const headers of pushes) assert.equal(otherEventOf(headers), undefined, JSON.stringify(headers));
    assert.equal(otherEventOf({ 'x-github-event': 'ping' }), 'ping');
    assert.equal(otherEventOf({ 'x-gitlab-event': 'Note Hook' }), 'Note Hook');
    assert.equal(otherEventOf({ 'x-event-key': 'pullrequest:comment_created' }), 'pullrequest:comment_created');
  });

  it('is read from a form as from JSON', () => {
    const json = '{"ref":"refs/heads/a+b","repository":{}}';
    const form = Buffer.from(`payload=${encodeURIComponent(json)}`);
    assert.equal(payloadOf({ 'content-type': 'application/x-www-form-urlencoded' }, form), json);
    assert.equal(payloadOf({ 'content-type': 'application/json' }, Buffer.from(json)), json);
    assert.equal(payloadOf({ 'content-type': 'application/x-www-form-urlencoded' }, Buffer.from(json)), json);
  });
});

describe('the repository of a push', () => {
  it('is the same whatever the protocol', () => {
    const same = [
      'https://git.example.com/team/shop.git',
      'https://git.example.com/team/shop/',
      'https://user:password@GIT.example.com:443/team/shop',
      'git@git.example.com:team/shop.git',
      'ssh://git@git.example.com/team/shop.git',
      'git://git.example.com/team/shop.git',
      'https://git.example.com/Team/Shop.git',
    ];
    for (const url of same) assert.equal(normalUrl(url), 'git.example.com/team/shop', url);
    assert.equal(normalUrl('http://127.0.0.1:3000/shop.git'), '127.0.0.1:3000/shop');
    for (const url of ['', 'shop', 'https://git.example.com/', 'refs/heads/main'])
      assert.equal(normalUrl(url), '', url);
  });

  it('is found in the hooks of the forges', () => {
    const want = ['git.example.com/team/shop'];
    const url = 'https://git.example.com/team/shop';
    const hooks = [
      { repository: { clone_url: `${url}.git`, html_url: url, url: `${url}` } }, // GitHub, Gitea, Forgejo
      { project: { git_http_url: `${url}.git`, web_url: url } }, // GitLab
      { repository: { links: { html: { href: url } } } }, // Bitbucket
      { resource: { repository: { remoteUrl: url } } }, // Azure DevOps
    ];
    for (const hook of hooks) assert.deepEqual(repositoriesOf(hook), want);
  });

  it('is none in anything else, and nothing throws', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void repositoriesOf(value)));
    fc.assert(fc.property(fc.string(), (text) => void normalUrl(text)));
    assert.deepEqual(repositoriesOf({ repository: 'https://git.example.com/team/shop' }), []);
  });
});

describe('the token bucket', () => {
  it('takes a burst, refills steadily, and keeps addresses apart', () => {
    let now = 0;
    const bucket = createTokenBucket({ capacity: 3, perSecond: 2, clock: { now: () => now } });
    const take = (key: string, times: number): number =>
      Array.from({ length: times }, () => bucket.take(key)).filter(Boolean).length;
    assert.equal(take('a', 5), 3);
    assert.equal(take('b', 5), 3);
    now += 1000;
    assert.equal(take('a', 5), 2);
    now += 60_000;
    assert.equal(take('a', 5), 3);
  });

  it('never lets through more than its capacity and rate, however many addresses it knows', () => {
    const steps = fc.array(fc.record({ ms: fc.nat(2000), key: fc.constantFrom('a', 'b', 'c') }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (list) => {
        let now = 0;
        const bucket = createTokenBucket({ capacity: 5, perSecond: 1, maxKeys: 3, clock: { now: () => now } });
        let taken = 0;
        for (const { ms, key } of list) {
          now += ms;
          if (bucket.take(key) && key === 'a') taken += 1;
        }
        assert.ok(taken <= 5 + now / 1000);
      }),
    );
  });
});

describe('what follows a repository', () => {
  it('are the GitSyncs, and the sets that read its folders, with each repository that they read', () => {
    const at = (name: string, spec: object) => ({ metadata: { namespace: 'shop', name }, spec });
    const url = 'https://git.example.com/mono.git';
    const other = 'https://git.example.com/other.git';
    const foldersOf = (address: string) => ({ folders: { source: { git: { url: address } }, pattern: 'apps/*' } });
    const folders = at('apps', { generators: [foldersOf(url), { list: [] }, foldersOf(other)] }) as GitSyncSet;
    const list = at('teams', { generators: [{ list: [] }] }) as unknown as GitSyncSet;
    assert.deepEqual(pushTargets([at('web', { source: { git: { url } } }) as GitSync], [folders, list]), [
      { namespace: 'shop', name: 'web', urls: [url] },
      { kind: 'GitSyncSet', namespace: 'shop', name: 'apps', urls: [url, other] },
    ]);
  });
});
