import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
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
  const calls = { breaths: 0 };
  const add = (type: ObjectType, content: Buffer): string => {
    const oid = oidOf(type, content);
    objects.set(oid, { type, content });
    return oid;
  };
  const read = (oid: string): GitObject => {
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
    tree: (root: string, limits: Partial<GitLimits> = {}): FileTree =>
      createTree({
        commit: add('commit', Buffer.from(`tree ${root}\n`)),
        objects: { has: (oid) => objects.has(oid), read },
        folders: createByteCache<Folder>(1e8),
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
