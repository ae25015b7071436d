import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fakeClock } from '../../test/support/clock.ts';
import type { GitSync } from '../api/gitsync.ts';
import { ReasonError } from '../api/reason-error.ts';
import { addressOf } from '../api/source.ts';
import type { FileTree } from '../file-tree.ts';
import type { GitRoom, GitSource } from '../git/index.ts';
import { KubeError } from '../kube/index.ts';
import type { SecretName } from './credentials.ts';
import { createSources, type Follower, sourceKey } from './heads.ts';

const SHOP = 'https://git.example.com/shop.git';
const OTHER = 'https://forge.example.org/other.git';

const syncOf = (name: string, git: object = {}, spec: object = {}): GitSync =>
  ({
    apiVersion: 'metricops.dev/v1alpha1',
    kind: 'GitSync',
    metadata: { namespace: name.split('/')[0], name: name.split('/')[1] },
    spec: { source: { git: { url: SHOP, ref: { branch: 'main' }, ...git } }, interval: '1m', timeout: '5m', ...spec },
  }) as unknown as GitSync;

/** Repositories by URL: a commit, and what its folders hold. What the room is asked for is in `asked`. */
const fakeGit = () => {
  const heads = new Map<string, { commit: string; folders: Record<string, string> } | ReasonError | Promise<never>>();
  const asked: string[] = [];
  /** How long the last question may take. */
  const patience = { ms: 0 };
  const headOf = async (url: string) => {
    const head = await heads.get(url);
    if (!head || head instanceof Error) throw head ?? new ReasonError('RepositoryNotFound', `no ${url}`);
    return head;
  };
  const room: GitRoom = {
    async resolve({ url, credentials, timeoutMs }: GitSource) {
      patience.ms = timeoutMs;
      asked.push(`resolve ${url}${credentials ? ` as ${credentials.password}` : ''}`);
      const { commit } = await headOf(url);
      return { revision: `main@${commit}`, commit };
    },
    async open({ url, verify }) {
      asked.push(`open ${url}${verify ? ` if ${verify.mode} is signed by ${verify.files['me.pub']}` : ''}`);
      if (verify?.files['me.pub'] === 'nobody') throw new ReasonError('NotSigned', 'it is not signed');
      const { folders } = await headOf(url);
      return { oids: async (paths: readonly string[]) => paths.map((path) => folders[path]) } as unknown as FileTree;
    },
  };
  return { heads, asked, room, patience };
};

/** Followers of repositories. When one hears of news, it plans from what its folder holds then, as a sync would. */
const setUp = (syncs: GitSync[], secrets: Record<string, string> = {}) => {
  const time = fakeClock();
  const git = fakeGit();
  git.heads.set(SHOP, { commit: 'c1', folders: { web: 'w1', db: 'd1' } });
  git.heads.set(OTHER, { commit: 'o1', folders: { '.': 'r1' } });
  const followers = new Map<string, Follower>(
    syncs.map((sync) => [
      `${sync.metadata.namespace}/${sync.metadata.name}`,
      { sync, inputs: undefined, isReady: false },
    ]),
  );
  const heard = { news: [] as string[], unchanged: [] as string[], errors: [] as string[] };
  const changed: ((secret: SecretName) => void)[] = [];
  const sources = createSources({
    credentials: {
      async read({ namespace, name }) {
        const password = secrets[`${namespace}/${name}`];
        if (password === undefined)
          throw new ReasonError('SecretNotFound', `Secret ${namespace}/${name} does not exist`);
        return { password };
      },
      async publicKeys({ namespace, name }) {
        return { 'me.pub': secrets[`${namespace}/${name}`] ?? '' };
      },
      login: () => undefined,
      onChange: (handler) => void changed.push(handler),
      stop: async () => {},
    },
    git: git.room,
    clock: time.clock,
    random: () => 0.5,
    followersOf: (key) => [...followers.values()].filter(({ sync }) => sourceKey(sync) === key),
    onChange: (key) => heard.news.push(key),
    onUnchanged: (key) => heard.unchanged.push(key),
    onError: (error) => heard.errors.push(String(error)),
    onUnforeseen: (error) => `unexpected ${(error as Error).name}`,
  });
  /** The followers have synced to what is there now, each from its folder. */
  const synced = (folders: Record<string, string>): void => {
    const head = git.heads.get(SHOP) as { commit: string; folders: Record<string, string> };
    for (const [key, path] of Object.entries(folders)) {
      const follower = followers.get(key) as Follower;
      follower.inputs = [{ source: sourceKey(follower.sync), path, id: head.folders[path] ?? '' }];
      follower.isReady = true;
      follower.sync.status = { lastAttemptedRevision: `main@${head.commit}` };
    }
  };
  /** What was heard of and asked for since the last time. */
  const since = () => {
    const result = { news: heard.news.splice(0).sort(), unchanged: heard.unchanged.splice(0).sort() };
    return { ...result, asked: git.asked.splice(0) };
  };
  const commit = (name: string, folders: Record<string, string>): void => {
    git.heads.set(SHOP, { commit: name, folders });
  };
  const start = async (): Promise<void> => {
    for (const { sync } of followers.values()) sources.refresh(sync, { tell: true });
    await time.settle();
  };
  return { ...time, git, followers, heard, sources, synced, since, commit, start, changed };
};

describe('sources', () => {
  const [web, db] = [syncOf('shop/web'), syncOf('shop/db')];

  it('ask once for all followers of a repository and ref', async () => {
    const many = Array.from({ length: 100 }, (_, i) => syncOf(`team-${i}/app`));
    const { sources, start, since, advance } = setUp([db, ...many, syncOf('shop/tag', { ref: { tag: 'v1' } })]);
    await start();
    const first = since();
    assert.equal(new Set(first.news).size, 102);
    // Asked for while it asks, it asks once more.
    assert.ok(first.asked.filter((what) => what.startsWith('resolve')).length <= 3, `${first.asked}`);
    assert.equal(sources.size(), 2);
    await advance(61_000);
    assert.deepEqual(since().asked, [`resolve ${SHOP}`, `resolve ${SHOP}`]);
    const head = sources.head(db);
    assert.ok(head && 'id' in head);
    assert.equal(head.id, 'c1');
  });

  it('ask for each set of credentials by itself, and answer nobody with what another may read', async () => {
    const [mine, theirs] = ['shop', 'thief'].map((ns) => syncOf(`${ns}/app`, { secretRef: { name: 'git' } }));
    assert.ok(mine && theirs);
    const { sources, start, since } = setUp([mine, theirs, web], { 'shop/git': 'pass' });
    await start();
    assert.deepEqual(
      since()
        .asked.filter((what) => what.startsWith('resolve'))
        .sort(),
      [`resolve ${SHOP}`, `resolve ${SHOP} as pass`],
    );
    const head = sources.head(theirs);
    assert.ok(head instanceof Error);
    assert.equal(head.code, 'SecretNotFound');
  });

  it('verify what must be signed with each answer, and again when the keys change', async () => {
    const secrets: Record<string, string> = { 'shop/signers': 'me' };
    const own = syncOf('shop/app', { verify: { mode: 'HEAD', secretRef: { name: 'signers' } } });
    const { start, since, changed, settle, advance, sources } = setUp([own, web], secrets);
    await start();
    since();
    await advance(61_000);
    const signed = (by: string): string => `open ${SHOP} if HEAD is signed by ${by}`;
    assert.deepEqual(since().asked.toSorted(), [signed('me'), `resolve ${SHOP}`, `resolve ${SHOP}`]);
    secrets['shop/signers'] = 'nobody';
    for (const handler of changed) handler({ namespace: 'shop', name: 'signers' });
    await settle();
    assert.deepEqual(since(), { asked: [`resolve ${SHOP}`, signed('nobody')], news: ['shop/app'], unchanged: [] });
    const head = sources.head(own);
    assert.ok(head instanceof ReasonError);
    assert.equal(head.code, 'NotSigned');
    assert.ok(!(sources.head(web) instanceof Error), 'who demands no signature is not held up');
  });

  it('tell of a commit only those whose own files it changes', async () => {
    const { synced, start, since, commit, sources, settle } = setUp([web, db]);
    await start();
    synced({ 'shop/web': 'web', 'shop/db': 'db' });
    since();
    commit('c2', { web: 'w2', db: 'd1' });
    sources.refresh(web);
    await settle();
    const { news, unchanged, asked } = since();
    assert.deepEqual([news, unchanged], [['shop/web'], ['shop/db']]);
    assert.deepEqual(asked, [`resolve ${SHOP}`, `open ${SHOP}`]);
    const input = (id: string) => [{ source: sourceKey(web), path: 'web', id }];
    assert.ok(sources.holds(web, input('w2')));
    assert.ok(!sources.holds(web, input('w1')));
    assert.ok(
      !sources.holds(
        web,
        input('w2').map((one) => ({ ...one, source: 'another' })),
      ),
    );
  });

  it('open nothing while the ref stays, and still answer the one who asked', async () => {
    const { synced, start, since, sources, settle } = setUp([web, db]);
    await start();
    synced({ 'shop/web': 'web', 'shop/db': 'db' });
    sources.refresh(db, { tell: true });
    await settle(); // now the folders are known
    since();
    sources.refresh(db, { tell: true });
    await settle();
    assert.deepEqual(since(), { news: ['shop/db'], unchanged: ['shop/web'], asked: [`resolve ${SHOP}`] });
  });

  it('tell everybody of a failure once, and of the recovery', async () => {
    const { git, synced, start, since, sources, advance, commit } = setUp([web, db]);
    await start();
    synced({ 'shop/web': 'web', 'shop/db': 'db' });
    since();
    git.heads.set(SHOP, new ReasonError('RepositoryUnreachable', 'connection refused'));
    await advance(70_000);
    const failing = since();
    assert.deepEqual(failing.news, ['shop/db', 'shop/web']);
    assert.ok(failing.asked.length > 1, 'it is tried again');
    assert.ok(sources.head(web) instanceof ReasonError);
    git.heads.set(SHOP, new ReasonError('AuthenticationFailed', 'the token is over'));
    await advance(5_000);
    assert.deepEqual(since().news, ['shop/db', 'shop/web']); // another failure is news
    commit('c1', { web: 'w1', db: 'd1' });
    await advance(20_000);
    assert.deepEqual(since().news, ['shop/db', 'shop/web']);
    assert.ok(!(sources.head(web) instanceof Error));
  });

  it('delay nobody for a host that hangs, however many repositories it has', async () => {
    const hung = Array.from({ length: 100 }, (_, i) =>
      syncOf(`hung/${i}`, { url: `https://hung.example.net/${i}.git` }),
    );
    const { git, start, since, sources, settle } = setUp([...hung, syncOf('calm/app', { url: OTHER })]);
    const never = new Promise<never>(() => {});
    for (const { spec } of hung) git.heads.set(addressOf(spec.source), never);
    await start();
    const { news, asked } = since();
    assert.deepEqual(news, ['calm/app']);
    assert.ok(asked.filter((what) => what.includes('hung')).length < 64);
    sources.refresh(syncOf('calm/app', { url: OTHER }), { tell: true });
    await settle();
    assert.deepEqual(since().news, ['calm/app']);
  });

  it('delay nobody of another namespace for hosts that hang, on however many ports', async () => {
    const url = (port: number): string => `https://hung.example.net:${port}/x.git`;
    const hung = Array.from({ length: 200 }, (_, i) => syncOf(`hung/${i}`, { url: url(1_000 + i) }));
    const good = Array.from({ length: 20 }, (_, i) => syncOf(`team-${i}/app`, { url: OTHER, ref: { tag: `v${i}` } }));
    const { git, start, since } = setUp([...hung, ...good]);
    for (const { spec } of hung) git.heads.set(addressOf(spec.source), new Promise<never>(() => {}));
    await start();
    const { news, asked } = since();
    assert.equal(new Set(news).size, 20);
    assert.equal(asked.filter((what) => what.includes('hung')).length, 16);
  });

  it('take the place of the follower with the most room: a neighbour with hanging hosts holds up no common repository', async () => {
    const hung = Array.from({ length: 50 }, (_, i) => syncOf(`hung/${i}`, { url: `https://h${i}.example.net/x.git` }));
    const { git, start, since } = setUp([
      ...hung,
      syncOf('hung/app', { url: OTHER }),
      syncOf('calm/app', { url: OTHER }),
    ]);
    for (const { spec } of hung) git.heads.set(addressOf(spec.source), new Promise<never>(() => {}));
    await start();
    assert.ok(since().news.includes('calm/app'));
  });

  it('end at once when told so, whatever hangs', async () => {
    const { git, start, sources, heard } = setUp([web]);
    git.heads.set(SHOP, new Promise<never>(() => {}));
    await start();
    await sources.stop();
    assert.deepEqual([heard.news, heard.errors], [[], []]);
  });

  it('have all who follow a ref wait as long as the most patient of them', async () => {
    const hasty = syncOf('evil/app', {}, { timeout: '1ms' });
    const { start, git } = setUp([
      hasty,
      syncOf('shop/app', {}, { timeout: '2m' }),
      syncOf('slow/app', {}, { timeout: '720h' }),
    ]);
    await start();
    assert.equal(git.patience.ms, 600_000);
  });

  it('read a Secret that changed at once', async () => {
    const secrets: Record<string, string> = {};
    const own = syncOf('shop/app', { secretRef: { name: 'git' } }, { interval: '1h' });
    const { start, since, changed, settle, sources } = setUp([own], secrets);
    await start();
    assert.ok(sources.head(own) instanceof ReasonError);
    since();
    secrets['shop/git'] = 'pass';
    for (const handler of changed) handler({ namespace: 'shop', name: 'git' });
    await settle();
    assert.deepEqual(since().asked, [`resolve ${SHOP} as pass`, `open ${SHOP}`]);
  });

  it('ask a server that fails ever more seldom, and one that sends what is over the limits or damaged once an interval', async () => {
    const { git, start, since, advance } = setUp([syncOf('shop/web', {}, { interval: '1h' })]);
    git.heads.set(SHOP, new ReasonError('RepositoryUnreachable', 'connection refused'));
    await start();
    since();
    await advance(3_600_000);
    assert.equal(since().asked.length, 11); // after 5, 15, 35, 75, 155, 315, 635 s, and then every ten minutes
    for (const code of ['RepositoryTooLarge', 'RepositoryDamaged'] as const) {
      git.heads.set(SHOP, new ReasonError(code, 'fetched for nothing'));
      await advance(600_000);
      since();
      await advance(3_600_000);
      assert.equal(since().asked.length, 1, code);
    }
  });

  it('ask no server more often than every five seconds, whatever the interval says', async () => {
    const { start, since, advance } = setUp([
      syncOf('shop/web', {}, { interval: '0s' }),
      syncOf('shop/odd', {}, { interval: 'soon' }),
    ]);
    await start();
    since();
    await advance(60_500);
    assert.equal(since().asked.filter((what) => what.startsWith('resolve')).length, 12);
  });

  it('tell those who follow a ref of an error that nobody foresaw, without its text', async () => {
    const { git, start, since, sources, advance } = setUp([web, syncOf('calm/app', { url: OTHER })]);
    git.heads.set(SHOP, Promise.reject(new TypeError('Received "hunter2"')));
    await start();
    assert.deepEqual(new Set(since().news), new Set(['shop/web', 'calm/app']));
    const problem = sources.head(web);
    assert.ok(problem instanceof ReasonError);
    assert.deepEqual([problem.code, problem.message], ['InternalError', 'unexpected TypeError']);
    await advance(30_000);
    assert.deepEqual(since().news, []);
  });

  it('have a commit that leaves a sync alone noted in its status once an interval, not once a commit', async () => {
    const { synced, start, since, sources, commit, advance, settle, followers } = setUp([web, db]);
    await start();
    synced({ 'shop/web': 'web', 'shop/db': 'db' });
    since();
    const heardByDb: number[] = [];
    for (let i = 2; i <= 13; i += 1) {
      await advance(10_000);
      commit(`c${i}`, { web: `w${i}`, db: 'd1' });
      sources.refresh(web);
      await settle();
      const times = since().news.filter((key) => key === 'shop/db').length;
      if (times > 0) {
        heardByDb.push(i);
        const follower = followers.get('shop/db') as Follower;
        follower.sync.status = { lastAttemptedRevision: `main@c${i}` };
      }
      synced({ 'shop/web': 'web' });
    }
    assert.equal(heardByDb.length, 2, `in two minutes: after the commits ${heardByDb}`);
  });

  it('ask again by themselves as often as the shortest interval says, and forget a ref that nobody follows', async () => {
    const [slow, quick] = [syncOf('shop/slow', {}, { interval: '10m' }), syncOf('shop/quick', {}, { interval: '30s' })];
    const { start, since, advance, followers, sources } = setUp([slow, quick]);
    await start();
    since();
    await advance(120_500);
    assert.equal(since().asked.filter((what) => what.startsWith('resolve')).length, 4);
    followers.clear();
    await advance(60_000);
    assert.deepEqual([since().asked, sources.size()], [[], 0]);
  });

  it('keep who waits when it was not Git that failed, and tell them after the next try', async () => {
    const secrets: Record<string, string> = { 'shop/git': 'pass' };
    const own = syncOf('shop/app', { secretRef: { name: 'git' } });
    const { start, since, heard, advance, synced } = setUp([own], secrets);
    Object.defineProperty(secrets, 'shop/git', {
      configurable: true,
      get: () => {
        throw new KubeError('no answer from the API server', { status: 0, reason: 'Unreachable' });
      },
    });
    await start();
    assert.deepEqual([since().news, heard.errors], [[], ['KubeError: no answer from the API server']]);
    synced({ 'shop/app': 'web' });
    Object.defineProperty(secrets, 'shop/git', { value: 'pass' });
    await advance(1_000);
    assert.deepEqual(since().news, ['shop/app']);
  });
});
