import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { quoted, sshTargetOf } from './ssh-target.ts';

describe('the address of a repository over SSH', () => {
  for (const [url, target] of [
    ['git@github.com:org/repo.git', { user: 'git', host: 'github.com', port: 22, path: 'org/repo.git' }],
    ['git@host:/srv/repo.git', { user: 'git', host: 'host', port: 22, path: '/srv/repo.git' }],
    ['ssh://me@host:2222/srv/a%20b.git', { user: 'me', host: 'host', port: 2222, path: '/srv/a b.git' }],
    ['ssh://host/~/repo.git', { user: 'git', host: 'host', port: 22, path: '~/repo.git' }],
    ['ssh://git@[::1]:22/repo.git', { user: 'git', host: '::1', port: 22, path: '/repo.git' }],
  ] as const)
    it(`${url} is user, host, port and path`, () => assert.deepEqual(sshTargetOf(url), target));

  for (const url of ['https://github.com/org/repo.git', 'http://git@host/repo.git', 'text', ''])
    it(`is not ${JSON.stringify(url)}`, () => assert.equal(sshTargetOf(url), undefined));

  for (const url of [
    'ssh://-oProxyCommand=touch/repo.git',
    'ssh://git@-oProxyCommand=x/repo.git',
    'ssh://-l@host/repo.git',
    'ssh://git@host/a%0Ab',
    'ssh://git@host/a%00b',
    'ssh://git@host/%',
    'git@host:-upload-pack=x',
    'ssh://git@ho%20st/repo.git',
    'ssh://git@host',
  ])
    it(`refuses what a program could take for an option or a second argument: ${url}`, () =>
      assert.throws(
        () => {
          // What is no address at all is refused before.
          if (sshTargetOf(url) === undefined) throw Object.assign(new Error(), { code: 'InvalidUrl' });
        },
        { code: 'InvalidUrl' },
      ));

  it('is quoted for the shell at the other end as Git quotes it', () => {
    assert.equal(quoted("a'b; rm -rf !"), `'a'\\''b; rm -rf '\\!''`);
    assert.equal(quoted('$(id) `id`'), "'$(id) `id`'");
  });
});
