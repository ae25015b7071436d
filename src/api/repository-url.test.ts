import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseRepositoryUrl } from './repository-url.ts';

describe('the address of a repository', () => {
  it('is parsed', () => {
    const parsed = parseRepositoryUrl('https://git.example.com:8443/app.git');
    assert.equal(parsed.ok && parsed.url.host, 'git.example.com:8443');
  });

  for (const [text, host] of [
    ['git@github.com:org/repo.git', 'github.com'],
    ['git@github.com:/org/repo.git', 'github.com'],
    ['ssh://git@git.example.com:2222/org/repo.git', 'git.example.com:2222'],
    ['ssh://git@[::1]:22/repo.git', '[::1]:22'],
  ] as const)
    it(`may be one over SSH: ${text}`, () => {
      const parsed = parseRepositoryUrl(text);
      assert.equal(parsed.ok && parsed.url.host, host);
    });

  for (const text of [
    'https://github.com:org/repo.git',
    'http://[',
    'https://host:99999/',
    'https:///repo.git',
    'git@github.com:org/repo.git:x y',
    'https://user:hunter2@host:port/',
    '',
    undefined,
    null,
    5,
    {},
  ]) {
    it(`is none, which is said without throwing and without quoting it: ${JSON.stringify(text)}`, () => {
      const parsed = parseRepositoryUrl(text);
      if (parsed.ok)
        assert.equal(parsed.url.host, 'repo.git'); // https:///repo.git: as browsers read it
      else assert.ok(!parsed.message.includes('hunter2'));
    });
  }
});
