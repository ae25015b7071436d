import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ReasonError } from '../api/reason-error.ts';
import { gitSource } from '../api/source.ts';
import type { FileTree } from '../file-tree.ts';
import type { GitRoom, GitSource } from '../git/index.ts';
import type { Credentials } from './credentials.ts';
import { gitMember } from './git.ts';

const COMMIT = 'c'.repeat(40);
const SPEC = gitSource.parse({
  url: 'https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/shop',
  provider: 'aws',
  serviceAccountName: 'fetcher',
});
const ACCOUNT = 'ServiceAccount shop/fetcher at aws';

describe('a source of a cloud', () => {
  const setUp = async ({ mirrored = true } = {}) => {
    const asked: [what: string, source: GitSource, offline: boolean][] = [];
    const logins = { made: 0, problem: undefined as ReasonError | undefined };
    const git: GitRoom = {
      async resolve(source) {
        asked.push(['resolve', source, false]);
        return { commit: COMMIT, revision: `main@${COMMIT}` };
      },
      async open(source, _, { offline = false } = {}) {
        asked.push(['open', source, offline]);
        if (offline && !mirrored) throw new ReasonError('RepositoryUnreachable', 'it is in no mirror');
        return {} as FileTree;
      },
    };
    const credentials: Credentials = {
      read: async () => assert.fail('no Secret is named'),
      publicKeys: async () => ({}),
      login: () => ({
        account: ACCOUNT,
        async now() {
          if (logins.problem) throw logins.problem;
          logins.made += 1;
          return { account: ACCOUNT, username: 'id', password: `${logins.made}` };
        },
      }),
      onChange: () => {},
      stop: async () => {},
    };
    const source = await gitMember.connect(SPEC, { namespace: 'shop', timeoutMs: 1000 }, { credentials, git });
    const passwords = () => asked.map(([what, { credentials: used }]) => `${what} ${used?.password ?? 'none'}`);
    return { source, asked, logins, passwords };
  };

  it('is asked with what the account logs in with at that time', async () => {
    const { source, passwords } = await setUp();
    await source.resolve();
    await source.resolve();
    await source.open(COMMIT);
    assert.deepEqual(passwords(), ['resolve 1', 'resolve 2', 'open 3']);
  });

  it('stays readable from its mirror while the cloud gives no login', async () => {
    const { source, asked, logins } = await setUp();
    logins.problem = new ReasonError('CloudLoginFailed', 'no');
    await source.open(COMMIT);
    assert.deepEqual(
      asked.map(([, { credentials: used }, offline]) => [used, offline]),
      [[{ account: ACCOUNT }, true]],
    );
    await assert.rejects(source.resolve(), { code: 'CloudLoginFailed' });
  });

  it('says why there is no login where the commit is in no mirror', async () => {
    const { source, logins } = await setUp({ mirrored: false });
    logins.problem = new ReasonError('CloudLoginFailed', 'no');
    await assert.rejects(source.open(COMMIT), { code: 'CloudLoginFailed' });
  });

  it('needs no login after a restart, for what was applied', async () => {
    const { source, logins } = await setUp();
    await source.open(COMMIT, { offline: true });
    assert.equal(logins.made, 0);
  });

  it('is another one for another account', () => {
    const other = { ...SPEC, serviceAccountName: 'other' };
    assert.notEqual(gitMember.identity(SPEC, 'shop'), gitMember.identity(other, 'shop'));
    assert.notEqual(gitMember.identity(SPEC, 'shop'), gitMember.identity(SPEC, 'else'));
  });
});
