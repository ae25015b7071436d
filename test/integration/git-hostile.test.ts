import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import type { ReasonError } from '../../src/api/reason-error.ts';
import type { FileTree } from '../../src/file-tree.ts';
import { createGit, type GitLimits, type GitSource } from '../../src/git/index.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { type HostileGit, startHostileGit } from '../support/hostile-git.ts';
import { appending, commitOf, oidOf, type PackEntry, packOf, repositoryOf } from '../support/packs.ts';
import { eventually } from '../support/poll.ts';

const MB = 1e6;
const text = async (tree: FileTree, path: string): Promise<string> => {
  const file = await tree.find(path);
  assert.ok(file && file.mode !== 'folder');
  return Buffer.from(await tree.read(file)).toString();
};
const fails = (work: Promise<unknown>, code: string, message: RegExp): Promise<void> =>
  assert.rejects(work, (e: ReasonError) => {
    assert.equal(e.code, code, e.stack);
    assert.match(e.message, message);
    return true;
  });

/** The most memory that the process takes over what it had, in bytes, while the work is under way. */
const peakOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 5);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return peak - before;
};

describe('a Git server that means harm, or whose repositories are unusual', function () {
  this.timeout(120_000);
  let dir: string;
  let hostile: HostileGit;
  let server: GitServer;
  let rooms: ReturnType<typeof createGit>[];

  before(async () => {
    [hostile, server] = await Promise.all([startHostileGit(), startGitServer()]);
  });
  after(() => Promise.all([hostile.close(), server.close()]));
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
    rooms = [];
  });
  afterEach(async () => {
    await Promise.all(rooms.map((room) => room.close()));
    rmSync(dir, { recursive: true, force: true });
  });

  const room = (limits: Partial<GitLimits> = {}): ReturnType<typeof createGit> => {
    const git = createGit(dir, limits);
    rooms.push(git);
    return git;
  };
  const sourceOf = (url: string, more: Partial<GitSource> = {}): GitSource => {
    return { url, ref: { branch: 'main' }, timeoutMs: 60_000, ...more };
  };
  let number = 0;
  const repository = (): GitRepository => server.repository(`r${number++}`);
  const small = (content = 'a: 1'): { commit: string; pack: Buffer } =>
    repositoryOf({ 'a.yaml': Buffer.from(content) });
  /** Files of the only mirror's newest generation. */
  const packFiles = (ending: string): string[] => {
    const [mirror = ''] = readdirSync(dir);
    const generation = Math.max(...readdirSync(join(dir, mirror)).map(Number).filter(Number.isInteger));
    const packs = join(dir, mirror, String(generation), 'packs');
    return readdirSync(packs)
      .filter((name) => name.endsWith(ending))
      .map((name) => join(packs, name));
  };

  describe('memory', () => {
    it('a chain of deltas on a large object is indexed and read in little memory, and refused by its name and size', async () => {
      const base = Buffer.alloc(60 * MB, '#');
      const deltas = Array.from({ length: 30 }, (_, i): PackEntry => {
        return { delta: appending(base.length + i, 'x'), base: i };
      });
      const last = oidOf('blob', Buffer.concat([base, Buffer.alloc(30, 'x')]));
      const good = Buffer.from('good: true');
      const { commit, entries } = commitOf({
        'a.yaml': last,
        'base.yaml': oidOf('blob', base),
        'good.yaml': oidOf('blob', good),
      });
      const blob = (content: Buffer): PackEntry => ({ type: 'blob', content });
      const pack = packOf([blob(base), ...deltas, blob(good), ...entries]);
      const source = sourceOf(hostile.serve('bomb', { commit, pack }));
      const git = room({ expandedBytes: 4000 * MB, freeBytes: 4000 * MB });
      const peak = await peakOf(async () => {
        const tree = await git.open(source, commit);
        assert.equal(await text(tree, 'good.yaml'), 'good: true');
        await fails(text(tree, 'base.yaml'), 'RepositoryTooLarge', /base\.yaml has 60000000 bytes; 8388608 are taken/);
        await fails(text(tree, 'a.yaml'), 'RepositoryTooLarge', /a\.yaml has more bytes; 8388608 are taken/);
      });
      assert.ok(peak < 150 * MB, `${peak} bytes`);
      // With the limits that ship it does not get that far.
      await fails(
        room().open(sourceOf(hostile.serve('bomb-2', { commit, pack })), commit),
        'RepositoryTooLarge',
        /more than 106 MB in all/,
      );
    });

    it('eight repositories of 40 MB at once stay within 250 MB, and are read', async () => {
      const files = Object.fromEntries(
        Array.from({ length: 400 }, (_, i) => [`f${i}.yaml`, Buffer.from(randomBytes(75_000).toString('base64'))]),
      );
      const { commit, pack } = repositoryOf({ ...files, 'a.yaml': Buffer.from('a: 1') });
      const git = room();
      await git.resolve(sourceOf(hostile.serve('warm', { commit, pack })));
      const peak = await peakOf(async () => {
        const opened = Array.from({ length: 8 }, async (_, i) => {
          const source = sourceOf(hostile.serve(`large-${i}`, { commit, pack }), { tenant: `team-${i}` });
          assert.equal(await text(await git.open(source, commit), 'a.yaml'), 'a: 1');
        });
        await Promise.all(opened);
      });
      assert.ok(peak < 250 * MB, `${peak} bytes`);
    });

    it('a pack that inflates to more than is taken is refused with the figure', async () => {
      const zeros = Buffer.alloc(70 * MB);
      const { commit, pack } = repositoryOf({ 'a.bin': zeros, 'b.bin': Buffer.alloc(70 * MB, 1) });
      const git = room({ expandedBytes: 100 * MB });
      await fails(git.open(sourceOf(hostile.serve('zeros', { commit, pack })), commit), 'RepositoryTooLarge', /100 MB/);
    });

    it('a list of half a million branches is read in little memory', async () => {
      const git = room();
      const { commit, pack } = small();
      const source = sourceOf(hostile.serve('branches', { commit, pack, branches: 400_000 }));
      await git.resolve(source);
      const peak = await peakOf(() => git.open(source, commit));
      assert.ok(peak < 150 * MB, `${peak} bytes`);
      const more = sourceOf(hostile.serve('more', { commit, pack, branches: 600_000 }));
      await fails(git.open(more, commit), 'RepositoryTooLarge', /32 MB/);
    });
  });

  describe('time', () => {
    it('a time-out of 25 days, of 60 days or of half a millisecond is one', async () => {
      const git = room();
      const { commit, pack } = small();
      const url = hostile.serve('patient', { commit, pack });
      for (const days of [25, 60, 1e9]) {
        assert.equal((await git.resolve(sourceOf(url, { timeoutMs: days * 86_400_000 }))).commit, commit);
      }
      await fails(
        git.resolve(sourceOf(hostile.serve('silent', { commit, pack, hangAt: 'refs' }), { timeoutMs: 1.5 })),
        'RepositoryUnreachable',
        /longer than 0.002 s/,
      );
    });

    it('a look ends by its own limit, whatever spec.timeout says', async () => {
      const { commit, pack } = small();
      const url = hostile.serve('silent', { commit, pack, hangAt: 'refs' });
      const look = room({ lookMs: 200 }).resolve(sourceOf(url, { timeoutMs: 86_400_000 }));
      await fails(look, 'RepositoryUnreachable', /can't be reached: it took longer than 0\.2 s/);
    });

    for (const hangAt of ['refs', 'pack', 'half'] as const) {
      it(`a server that hangs (${hangAt}) costs its users only, and an abandoned call ends at once on both sides`, async () => {
        const { commit, pack } = small();
        const git = room();
        const leading = new AbortController();
        const hung = Array.from({ length: 12 }, (_, i) => {
          const source = sourceOf(hostile.serve(`hung-${i}`, { commit, pack, hangAt }), { tenant: 'hostile' });
          return git.open(source, commit, { signal: leading.signal });
        });
        const settled = Promise.allSettled(hung);
        await eventually(() => hostile.pending() === 2, { what: 'two fetches of one tenant from one host' });
        const good = sourceOf(hostile.serve('good', { commit, pack }), { tenant: 'good' });
        assert.equal(await text(await git.open(good, commit), 'a.yaml'), 'a: 1');
        leading.abort(new Error('no longer leading'));
        for (const result of await settled) {
          assert.equal(result.status === 'rejected' && result.reason.message, 'no longer leading');
        }
        await eventually(() => hostile.pending() === 0, { what: 'the end of the requests' });
      });
    }

    it('a look that is abandoned ends at once', async () => {
      const { commit, pack } = small();
      const leading = new AbortController();
      const source = sourceOf(hostile.serve('silent', { commit, pack, hangAt: 'refs' }));
      const look = room().resolve(source, { signal: leading.signal });
      await eventually(() => hostile.pending() === 1);
      leading.abort(new Error('no longer leading'));
      await assert.rejects(look, /no longer leading/);
      await eventually(() => hostile.pending() === 0);
    });

    it('a server that drips a byte at a time ends with the time-out', async () => {
      const { commit, pack } = small('a'.repeat(5000));
      const source = sourceOf(hostile.serve('drip', { commit, pack, dripMs: 20 }), { timeoutMs: 400 });
      await fails(room().open(source, commit), 'RepositoryUnreachable', /longer than 0\.4 s/);
    });
  });

  describe('what was sent or kept is damaged', () => {
    it('a pack that is cut off by the connection, or within, is refused, and the next fetch is good', async () => {
      const { commit, pack } = small();
      const git = room();
      const source = (): GitSource => sourceOf(hostile.serve('cut', { commit, pack, cutAt: 40 }));
      await fails(git.open(source(), commit), 'RepositoryUnreachable', /can't be reached/);
      hostile.serve('cut', { commit, pack: pack.subarray(0, -30) });
      await fails(
        git.open(sourceOf(hostile.serve('cut', { commit, pack: pack.subarray(0, -30) })), commit),
        'RepositoryDamaged',
        /cut off/,
      );
      const good = sourceOf(hostile.serve('cut', { commit, pack }));
      assert.equal(await text(await git.open(good, commit), 'a.yaml'), 'a: 1');
    });

    const each = (paths: readonly string[], harm: (path: string) => void): void => {
      assert.ok(paths.length > 0);
      for (const path of paths) harm(path);
    };
    const changed = (path: string): void => {
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(7, 12, bytes.length - 20));
    };
    const breakages: [string, () => void][] = [
      ['pack is empty', () => each(packFiles('.pack'), (path) => truncateSync(path, 0))],
      ['pack is cut off', () => each(packFiles('.pack'), (path) => truncateSync(path, 50))],
      ['pack was changed', () => each(packFiles('.pack'), changed)],
      ['pack is gone', () => each(packFiles('.pack'), (path) => rmSync(path))],
      ['index is cut off', () => each(packFiles('.index'), (path) => truncateSync(path, 1000))],
      ['index is empty', () => each(packFiles('.index'), (path) => truncateSync(path, 0))],
      ['index is gone', () => each(packFiles('.index'), (path) => rmSync(path))],
      [
        'list of what it has is empty',
        () => each(packFiles('.pack'), (path) => truncateSync(join(path, '../../had.json'))),
      ],
    ];
    for (const [what, damage] of breakages) {
      it(`a mirror whose ${what} heals after a restart, and for whoever is reading it`, async () => {
        const { commit, pack } = small();
        const source = sourceOf(hostile.serve('healing', { commit, pack }));
        await room().open(source, commit);
        damage();
        assert.equal(await text(await room().open(source, commit), 'a.yaml'), 'a: 1');
        const git = room();
        const reading = await git.open(source, commit);
        damage();
        assert.equal(await text(reading, 'a.yaml'), 'a: 1');
        const next = small('a: 2');
        hostile.serve('healing', next);
        assert.equal(await text(await git.open(source, next.commit), 'a.yaml'), 'a: 2');
      });
    }

    it('a server that leaves objects out is asked once more, and then told so', async () => {
      const { commit, entries } = commitOf({ 'a.yaml': 'a'.repeat(40) });
      const source = sourceOf(hostile.serve('holes', { commit, pack: packOf(entries) }));
      const git = room();
      for (const _ of [1, 2, 3]) {
        await fails(text(await git.open(source, commit), 'a.yaml'), 'RepositoryDamaged', /a{40} is missing/);
      }
      assert.equal(hostile.fetches('holes'), 2);
    });
  });

  describe('history', () => {
    it('a merge of a branch that is older than the mirror costs what it changes, and no history', async () => {
      const { commit, git: run, url } = repository();
      const noise = (): string => randomBytes(30_000).toString('base64');
      commit({ 'a.yaml': 'one' });
      run('branch', 'old');
      for (let i = 0; i < 6; i++) commit({ 'noise.bin': noise() });
      run('checkout', '-q', 'old');
      for (let i = 0; i < 6; i++) commit({ 'other.bin': noise() }, 'change', 'old');
      run('checkout', '-q', 'main');
      const git = room({ fetchBytes: 150_000 });
      const source = sourceOf(url);
      await git.open(source, commit({ 'noise.bin': noise() }));
      await git.open(source, commit({ 'b.yaml': 'two' }));
      run('merge', '-q', '--no-edit', 'old');
      const merged = commit({ 'c.yaml': 'three' });
      const tree = await git.open(source, merged);
      assert.equal(await text(tree, 'c.yaml'), 'three');
      assert.equal(await text(await git.open(source, commit({ 'a.yaml': 'four' })), 'a.yaml'), 'four');
    });

    it('a fetch onto what is here that is too large begins afresh, and is no reason to lose the mirror when that fails', async () => {
      const first = small('a: 1');
      const second = small('a: 2');
      const huge = randomBytes(80_000);
      const git = room({ fetchBytes: 50_000 });
      const url = hostile.serve('growing', first);
      await git.open(sourceOf(url), first.commit);
      const answers = (haves: string[]): Buffer => (haves.length > 0 ? huge : second.pack);
      hostile.serve('growing', { commit: second.commit, pack: answers });
      assert.equal(await text(await git.open(sourceOf(url), second.commit), 'a.yaml'), 'a: 2');
      const third = small('a: 3');
      hostile.serve('growing', { commit: third.commit, pack: huge });
      await fails(git.open(sourceOf(url), third.commit), 'RepositoryTooLarge', /sends more than 0.1 MB/);
      const before = hostile.fetches('growing');
      assert.equal(await text(await git.open(sourceOf(url), second.commit), 'a.yaml'), 'a: 2');
      assert.equal(hostile.fetches('growing'), before);
    });

    it('reads what git says of every file, commit after commit, from thin packs of a real server', async () => {
      const { commit, git: run, url, dir: work } = repository();
      const git = room({ generationPacks: 5 });
      const long = (seed: string): string => Array.from({ length: 300 }, (_, i) => `${seed} line ${i}`).join('\n');
      for (let i = 0; i < 12; i++) {
        const files = { [`f${i % 3}.yaml`]: `${long('x')}\n${i}`, [`d/${i}.yaml`]: long(String(i)) };
        const tree = await git.open(sourceOf(url), commit(files));
        for (const path of run('ls-files').split('\n')) {
          assert.equal(await text(tree, path), readFileSync(join(work, path), 'utf8'));
        }
      }
      const [mirror = ''] = readdirSync(dir);
      assert.ok(readdirSync(join(dir, mirror)).length <= 2, 'two generations at most');
      for (const pack of packFiles('.pack')) {
        writeFileSync(join(work, 'copy.pack'), readFileSync(pack));
        run('index-pack', '--strict', 'copy.pack'); // whole packs, as Git itself sees it
      }
    });
  });

  describe('disk', () => {
    const sizes = (): Record<string, number> =>
      Object.fromEntries(
        readdirSync(dir).map((mirror) => [
          mirror,
          Number(execFileSync('du', ['-sb', join(dir, mirror)], { encoding: 'utf8' }).split('\t')[0]),
        ]),
      );
    const noisy = (): { commit: string; pack: Buffer } => repositoryOf({ 'a.yaml': randomBytes(50_000) });

    it('a tenant with many repositories gives up its own mirrors, and not those of others', async () => {
      const git = room({ mirrorsBytes: 300_000 });
      const modest = small();
      const mine = sourceOf(hostile.serve('modest', modest), { tenant: 'modest' });
      await git.open(mine, modest.commit);
      for (let i = 0; i < 12; i++) {
        const { commit, pack } = noisy();
        await git.open(sourceOf(hostile.serve(`greedy-${i}`, { commit, pack }), { tenant: 'greedy' }), commit);
      }
      const total = Object.values(sizes()).reduce((sum, bytes) => sum + bytes, 0);
      assert.ok(total < 400_000, `${total} bytes`);
      const before = hostile.fetches('modest');
      assert.equal(await text(await git.open(mine, modest.commit), 'a.yaml'), 'a: 1');
      assert.equal(hostile.fetches('modest'), before);
    });

    it('where there is room, a mirror that nobody asked for in a long time is kept', async () => {
      const git = room({ unclaimedMs: 0 });
      const { commit, pack } = small();
      const source = sourceOf(hostile.serve('weekly', { commit, pack }));
      await git.open(source, commit);
      const other = noisy();
      await git.open(sourceOf(hostile.serve('newcomer', other)), other.commit);
      const before = hostile.fetches('weekly');
      await git.open(source, commit);
      assert.equal(hostile.fetches('weekly'), before);
    });

    it('a branch that is pushed over with other content again and again takes two generations at most', async () => {
      const git = room({ generationBytes: 120_000 });
      for (let i = 0; i < 15; i++) {
        const { commit, pack } = noisy();
        await git.open(sourceOf(hostile.serve('forced', { commit, pack })), commit);
      }
      const [bytes = 0] = Object.values(sizes());
      assert.ok(bytes < 2 * (120_000 + 60_000), `${bytes} bytes`);
    });

    it('what a former process left behind goes, and what is asked for stays', async () => {
      const old = noisy();
      const kept = small();
      const first = room();
      await first.open(sourceOf(hostile.serve('old', old)), old.commit);
      await first.open(sourceOf(hostile.serve('kept', kept)), kept.commit);
      mkdirSync(join(dir, '0'.repeat(32), 'unfinished-x'), { recursive: true });
      await first.close();
      const git = room({ unclaimedMs: 0 });
      await git.open(sourceOf(hostile.serve('kept', kept)), kept.commit);
      assert.equal(hostile.fetches('kept'), 1);
      const next = noisy();
      await git.open(sourceOf(hostile.serve('next', next)), next.commit);
      assert.equal(readdirSync(dir).length, 2);
    });

    it('a full disk is told as such, and it goes on when there is room', async function () {
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', dir], { stdio: 'ignore' });
      } catch {
        this.skip(); // needs the right to mount
      }
      const git = room();
      try {
        writeFileSync(join(dir, 'lost+found'), Buffer.alloc(150_000));
        const { commit, pack } = noisy();
        const source = sourceOf(hostile.serve('disk', { commit, pack }));
        await fails(git.open(source, commit), 'StorageFull', /ENOSPC/);
        rmSync(join(dir, 'lost+found'));
        assert.ok(await (await git.open(source, commit)).oid('a.yaml'));
      } finally {
        await git.close();
        execFileSync('umount', [dir]);
      }
    });
  });
});
