import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type ObjectType, oidOf } from '../../test/support/packs.ts';
import type { ReasonError } from '../api/reason-error.ts';
import { createByteCache } from '../byte-cache.ts';
import type { FileTree } from '../file-tree.ts';
import type { Folder } from './folder.ts';
import type { GitObject } from './indexer.ts';
import { defaultLimits, type GitLimits } from './limits.ts';
import { createTree } from './tree.ts';

type Mode = '100644' | '120000' | '40000';

/** Objects in memory, where a repository of a few of them is enough, however many files it has. */
const createRepository = () => {
  const objects = new Map<string, GitObject>();
  const calls = { breaths: 0, reads: 0 };
  const add = (type: ObjectType, content: Buffer): string => {
    const oid = oidOf(type, content);
    objects.set(oid, { type, content });
    return oid;
  };
  const read = (oid: string): GitObject => {
    calls.reads += 1;
    const object = objects.get(oid);
    assert.ok(object);
    return object;
  };
  return {
    calls,
    blob: (text: string): string => add('blob', Buffer.from(text)),
    folder: (entries: readonly (readonly [mode: Mode, name: string, oid: string])[]): string =>
      add(
        'tree',
        Buffer.concat(
          entries.flatMap(([mode, name, oid]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]),
        ),
      ),
    tree: (root: string, limits: Partial<GitLimits> = {}, cacheBytes = 1e8): FileTree =>
      createTree({
        commit: add('commit', Buffer.from(`tree ${root}\n`)),
        objects: { has: (oid) => objects.has(oid), read },
        folders: createByteCache<Folder>(cacheBytes),
        limits: { ...defaultLimits, ...limits },
        async breathe() {
          calls.breaths += 1;
        },
      }),
  };
};

const fails = (work: Promise<unknown>, says: RegExp): Promise<void> =>
  assert.rejects(work, (e: ReasonError) => {
    assert.equal(e.code, 'RepositoryTooLarge', e.stack);
    assert.match(e.message, says);
    return true;
  });

describe('the folders of a commit', () => {
  it('with many names are compared with many patterns while others have their turns', async () => {
    const { blob, folder, tree, calls } = createRepository();
    const oid = blob('a: 1');
    const names = Array.from({ length: 20_000 }, (_, i) => `${'a'.repeat(100)}${i}`);
    const root = folder(names.map((name) => ['100644', name, oid] as const));
    const ignore = [{ folder: '.', text: '*b\n'.repeat(1_000) }];
    const { texts } = await tree(root).texts('.', { pattern: /9999$/, maxBytes: 100, ignore });
    assert.deepEqual(
      texts.map(({ file }) => file.slice(100)),
      ['19999', '9999'],
    );
    assert.ok(calls.breaths >= names.length, `${calls.breaths} breaths`);
  });

  it('are refused where that takes too long, in words that say what to do', async () => {
    const { blob, folder, tree } = createRepository();
    const oid = blob('a: 1');
    const root = folder(Array.from({ length: 30 }, (_, i) => ['100644', `${i}.yaml`, oid] as const));
    const ignore = [{ folder: '.', text: '*b\n'.repeat(10) }];
    const wanted = { pattern: /yaml$/, maxBytes: 1000, ignore };
    assert.equal((await tree(root, { ignoreSteps: 300 }).texts('.', wanted)).texts.length, 30);
    await fails(
      tree(root, { ignoreSteps: 299 }).texts('.', wanted),
      /^the files of the folder take more than 299 steps to compare with .* use fewer or simpler ones, or a folder with/,
    );
  });
});

describe('the copy of folders of a commit', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'metricops-copy-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** What is there now, from nothing. */
  const copied = async (tree: FileTree, ...paths: string[]): Promise<string[]> => {
    rmSync(dir, { recursive: true });
    mkdirSync(dir);
    await tree.writeTo(dir, paths);
    return below(dir).filter((path) => !lstatSync(join(dir, path)).isDirectory());
  };
  /** Without following symlinks. */
  const below = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return [path.slice(dir.length + 1), ...(entry.isDirectory() ? below(path) : [])];
    });
  /** Of the disk: each file, folder and symlink takes one at least. */
  const blocks = (): number =>
    below(dir)
      .map((path) => lstatSync(join(dir, path)))
      .reduce((sum, stat) => sum + (stat.isFile() ? Math.max(1, Math.ceil(stat.size / 4096)) : 1), 0);

  it('counts files and folders of all its paths together, each once', async () => {
    const { blob, folder, tree } = createRepository();
    const oid = blob('a: 1');
    const inner = folder(['f', 'g', 'h'].map((name) => ['100644', name, oid] as const));
    const root = folder([
      ['40000', 'a', inner],
      ['40000', 'b', inner],
      ['120000', 'c', blob('b')],
    ]);
    const all = ['a/f', 'a/g', 'a/h', 'b/f', 'b/g', 'b/h'];
    assert.deepEqual(await copied(tree(root, { entries: 6 }), 'a', 'b', 'a', './b/'), all);
    await fails(copied(tree(root, { entries: 5 }), 'a', 'b'), /the folder holds more than 5 files and folders/);
    assert.deepEqual(await copied(tree(root, { entries: 6 }), 'a', 'c'), [...all, 'c']);
    await fails(copied(tree(root, { entries: 5 }), 'a', 'c'), /more than 5 files and folders/);
    assert.deepEqual(await copied(tree(root, { entries: 9 }), 'a', 'b', '.'), [...all, 'c']);
  });

  it('takes no more of a disk than is taken, where each file, folder and symlink takes a block', async () => {
    const { blob, folder, tree } = createRepository();
    const [empty, byte, more] = [blob(''), blob('x'), blob('x'.repeat(4097))];
    const deep = folder([['40000', 'x', folder([['40000', 'y', folder([['100644', 'f', byte]])]])]]);
    const root = folder([
      ['100644', 'byte', byte],
      ['40000', 'deep', deep],
      ['100644', 'empty', empty],
      ['120000', 'link', blob('byte')],
      ['100644', 'more', more],
    ]);
    const within = (count: number) => tree(root, { writtenBytes: count * 4096 });
    assert.deepEqual(await copied(within(9), '.'), ['byte', 'deep/x/y/f', 'empty', 'link', 'more']);
    assert.equal(blocks(), 9);
    await fails(
      copied(within(8), '.'),
      /more than 32768 bytes of disk, of which each file, folder and symlink takes 4096/,
    );
    for (const [path, count] of [
      ['byte', 1],
      ['empty', 1],
      ['more', 2],
      ['link', 2],
      ['deep', 4],
      ['deep/x/y', 4],
    ] as const) {
      await copied(within(count), path);
      assert.equal(blocks(), count, path);
      await fails(copied(within(count - 1), path), /bytes of disk/);
    }
  });

  it('has no name, nor target of a symlink, that is longer than a disk takes', async () => {
    const { blob, folder, tree } = createRepository();
    const long = 'x'.repeat(256);
    const far = Array.from({ length: 30 }, () => 'x'.repeat(200)).join('/');
    for (const [entry, words] of [
      [['100644', long, blob('')], /^x{100}… has a name or a target that is longer than a disk takes$/],
      [['40000', long, folder([['100644', 'a', blob('')]])], /^x{100}… has a name or a target/],
      [['120000', 'link', blob(far)], /^link has a name or a target/],
    ] as const)
      await fails(copied(tree(folder([entry])), '.'), words);
  });

  it('reads a folder once, however many symlinks lead to it', async () => {
    const { blob, folder, tree, calls } = createRepository();
    const inner = folder(Array.from({ length: 100 }, (_, i) => ['100644', `f${i}`, blob('a: 1')] as const));
    const to = blob('../inner/');
    const links = folder(Array.from({ length: 1000 }, (_, i) => ['120000', `l${i}`, to] as const));
    const root = folder([
      ['40000', 'inner', inner],
      ['40000', 'links', links],
    ]);
    // Of folders, nothing is remembered.
    const files = await copied(tree(root, {}, 0), 'links');
    assert.equal(files.length, 1100);
    assert.ok(calls.reads < 1100 + 20, `${calls.reads} reads`);
  });
});
