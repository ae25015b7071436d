import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { after, describe, it } from 'mocha';
import { appending, oidOf, type PackEntry, packOf } from '../../test/support/packs.ts';
import type { ReasonError } from '../api/reason-error.ts';
import { type GitObject, indexPack } from './indexer.ts';
import { defaultLimits } from './limits.ts';
import { readIndex } from './pack-index.ts';

const blob = (text: string): PackEntry => ({ type: 'blob', content: Buffer.from(text) });
const nameOf = (text: string): string => oidOf('blob', Buffer.from(text));

describe('indexPack', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-pack-'));
  after(() => rmSync(dir, { recursive: true }));

  const limits = { ...defaultLimits, fileBytes: 1000, expandedBytes: 10_000, objects: 100 };
  let number = 0;
  const index = async (pack: Buffer, others: Record<string, GitObject> = {}, own = limits) => {
    const path = join(dir, `${number++}.pack`);
    writeFileSync(path, pack);
    const external = async (oid: string) => others[oid];
    writeFileSync(`${path}.index`, await indexPack(path, { limits: own, external, breathe: async () => {} }));
    return { ...readIndex(`${path}.index`, path), path };
  };
  const fails = (pack: Buffer, code: string, message: RegExp, own = limits): Promise<void> =>
    assert.rejects(index(pack, {}, own), (e: ReasonError) => {
      assert.equal(e.code, code, e.stack);
      assert.match(e.message, message);
      return true;
    });

  it('finds every object, whatever the sizes', async () => {
    const contents = fc.uniqueArray(fc.string({ maxLength: 900 }), { maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(contents, async (texts) => {
        const { offsetOf } = await index(packOf(texts.map(blob)));
        for (const text of texts) assert.ok(offsetOf(nameOf(text)));
        assert.equal(offsetOf('a'.repeat(40)), undefined);
      }),
      { numRuns: 30 },
    );
  });

  it('names what deltas make, of a base by offset and by name, in any order', async () => {
    const found = await index(
      packOf([
        { delta: appending(4, 'd'), base: nameOf('abc2') },
        blob('a'),
        { delta: appending(1, 'bc'), base: 1 },
        { delta: appending(3, '2'), base: nameOf('abc') },
      ]),
    );
    for (const text of ['a', 'abc', 'abc2', 'abc2d']) assert.ok(found.offsetOf(nameOf(text)), text);
  });

  it('completes a thin pack: what it names of others is in it afterwards', async () => {
    const base: GitObject = { type: 'blob', content: Buffer.from('base') };
    const found = await index(packOf([{ delta: appending(4, '!'), base: nameOf('base') }]), { [nameOf('base')]: base });
    assert.ok(found.offsetOf(nameOf('base')));
    assert.ok(found.offsetOf(nameOf('base!')));
    assert.equal(readFileSync(found.path).readUInt32BE(8), 2);
    await fails(
      packOf([{ delta: appending(4, '!'), base: nameOf('base') }]),
      'RepositoryDamaged',
      /1 deltas have no base/,
    );
  });

  it('passes an object that is too large to be read, and what is made of it, without making it', async () => {
    const large = 'x'.repeat(1001);
    const found = await index(
      packOf([
        blob(large),
        { delta: appending(1001, 'y'), base: 0 },
        { delta: appending(1002, 'z'), base: 1 },
        blob('a'),
      ]),
    );
    assert.ok(found.offsetOf(nameOf(large)));
    assert.ok(found.offsetOf(nameOf('a')));
    assert.equal(found.oversized, 2);
    assert.equal(found.offsetOf(nameOf(`${large}y`)), undefined);
  });

  it('passes a small delta that would make something too large to be read, without making it', async () => {
    const found = await index(packOf([blob('a'), { delta: appending(1, 'b', 1001), base: 0 }]));
    assert.ok(found.offsetOf(nameOf('a')));
    assert.equal(found.oversized, 1);
  });

  it('refuses a pack with something after its objects, and an index that was changed', async () => {
    await fails(packOf([blob('a'), blob('b')], { count: 1 }), 'RepositoryDamaged', /something after/);
    const { path } = await index(packOf([blob('a')]));
    const bytes = readFileSync(`${path}.index`);
    writeFileSync(`${path}.index`, bytes.fill(1, 1040, 1041));
    assert.throws(() => readIndex(`${path}.index`, path), /an index is cut off or changed/);
  });

  it('refuses many objects that are too much together, as the headers say', async () => {
    const large = Array.from({ length: 11 }, (_, i) => blob(String(i).padEnd(999, '.')));
    await fails(packOf(large), 'RepositoryTooLarge', /more than 0 MB|more than/);
  });

  it('refuses deltas that together make too much of little, before the first is applied', async () => {
    const deltas = Array.from({ length: 11 }, (): PackEntry => ({ delta: appending(1, 'a', 999), base: 0 }));
    await fails(packOf([blob('a'), ...deltas]), 'RepositoryTooLarge', /in all/);
  });

  it('refuses what makes much more than was sent for it, and takes as much where it was sent', async () => {
    const few = { ...limits, freeBytes: 2_000, amplification: 2 };
    const deltas = Array.from({ length: 8 }, (_, i): PackEntry => ({ delta: appending(900, String(i)), base: 0 }));
    const pack = packOf([blob('x'.repeat(900)), ...deltas]);
    await fails(pack, 'RepositoryTooLarge', /in all/, few);
    assert.ok((await index(pack, {}, { ...few, amplification: 100 })).offsetOf(nameOf(`${'x'.repeat(900)}0`)));
  });

  it('inflates the base of many deltas once', async () => {
    const base = 'x'.repeat(900);
    const deltas = Array.from({ length: 9 }, (_, i): PackEntry => ({ delta: appending(900, String(i)), base: 0 }));
    const found = await index(packOf([blob(base), ...deltas]), {}, { ...limits, expandedBytes: 900 * 11 + 9 * 40 });
    for (let i = 0; i < 9; i++) assert.ok(found.offsetOf(nameOf(`${base}${i}`)));
  });

  it('refuses a chain of more than 50 deltas, and takes one of 50', async () => {
    const chain = (length: number): Buffer =>
      packOf([blob('a'), ...Array.from({ length }, (_, i) => ({ delta: appending(1 + i, 'a'), base: i }))]);
    assert.ok((await index(chain(50))).offsetOf(nameOf('a'.repeat(51))));
    await fails(chain(51), 'RepositoryTooLarge', /chain of more than 50/);
  });

  it('refuses a chain by name of more than 50', async () => {
    const deltas = Array.from({ length: 60 }, (_, i): PackEntry => {
      return { delta: appending(60 - i, 'a'), base: nameOf('a'.repeat(60 - i)) };
    });
    await fails(packOf([...deltas, blob('a')]), 'RepositoryTooLarge', /chain of more than 50/);
  });

  it('refuses more objects than it has memory for, from the first bytes', async () => {
    await fails(packOf([blob('a')], { count: 4_000_000_000 }), 'RepositoryTooLarge', /4000000000 objects; 100/);
    await fails(packOf([blob('a')], { count: 99 }), 'RepositoryDamaged', /cut off/);
  });

  for (const [what, entries] of [
    ['an object that is larger than it says', [{ ...blob('x'.repeat(500)), says: 10 }]],
    ['an object that is smaller than it says', [{ ...blob('x'), says: 10 }]],
    ['a large object that is larger than it says', [{ ...blob('x'.repeat(5000)), says: 1500 }]],
    ['a large object that is smaller than it says', [{ ...blob('x'), says: 1500 }]],
    ['a delta that says another size of its base', [blob('a'), { delta: Buffer.from([7, 1, 1, 97]), base: 0 }]],
    ['a delta that copies from beyond its base', [blob('a'), { delta: appending(7, 'a'), base: 0 }]],
    ['a delta that makes less than it says', [blob('a'), { delta: appending(1, 'a', 500), base: 0 }]],
    ['a delta that makes more than it says', [blob('a'), { delta: appending(1, 'abcd', 2), base: 0 }]],
    ["deltas that are each other's base", [{ delta: appending(1, 'a'), base: 'b'.repeat(40) }]],
    ['a delta without a size', [blob('a'), { delta: Buffer.alloc(0), base: 0 }]],
  ] as [string, PackEntry[]][]) {
    it(`refuses ${what}`, () => fails(packOf(entries), 'RepositoryDamaged', /./));
  }

  it('fails in words for every pack that was changed or cut off anywhere', async () => {
    const pack = packOf([blob('a'.repeat(300)), { delta: appending(300, 'b'), base: 0 }, blob('c')]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(pack.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, bits, cut) => {
          const broken = Buffer.from(cut ? pack.subarray(0, at) : pack);
          if (!cut) broken[at] = (broken[at] ?? 0) ^ bits;
          const failure = await index(broken).then(
            () => undefined,
            (error: ReasonError) => error,
          );
          if (failure) assert.match(failure.code, /^Repository(Damaged|TooLarge)$/, failure.stack);
        },
      ),
      { numRuns: 300 },
    );
  });
});
