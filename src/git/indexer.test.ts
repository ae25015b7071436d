import assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { checkPack } from './pack.ts';
import type { GitError } from './types.ts';

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);

/** An entry as `git pack-objects` writes it; `says` is the size in its header. */
const entry = (type: number, content: Buffer, says = content.length): Buffer => {
  const [low, high] = [says & 15, says >>> 4];
  const header = high === 0 ? [(type << 4) | low] : [(type << 4) | low | 128, ...varint(high)];
  const base = type === 7 ? Buffer.alloc(20) : type === 6 ? Buffer.from([0x81, 0x01]) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from(header), base, deflateSync(content)]);
};
const packOf = (...entries: Buffer[]): Buffer => {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(entries.length, 8);
  return Buffer.concat([head, ...entries, Buffer.alloc(20)]);
};
const delta = (from: number, to: number): Buffer => Buffer.from([...varint(from), ...varint(to), 0x90, 1]);
const tooLarge = (e: GitError): boolean => e.code === 'RepositoryTooLarge';

describe('checkPack', () => {
  const limits = { object: 1000, total: 3000 };

  it('passes what stays within the limits, whatever the sizes', () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 1000 }), { maxLength: 3 });
    fc.assert(
      fc.property(contents, (blobs) => checkPack(packOf(...blobs.map((b) => entry(3, Buffer.from(b)))), limits)),
    );
  });

  it('passes deltas of both kinds', () => {
    checkPack(packOf(entry(3, Buffer.from('a')), entry(6, delta(1, 900)), entry(7, delta(1, 900))), limits);
  });

  it('refuses an object that inflates to too much', () => {
    assert.throws(() => checkPack(packOf(entry(3, Buffer.alloc(1001))), limits), tooLarge);
  });

  it('refuses a delta that makes too much of little', () => {
    assert.throws(() => checkPack(packOf(entry(6, delta(1, 1_000_000))), limits), tooLarge);
  });

  it('refuses many objects that are too much together', () => {
    const blobs = Array.from({ length: 4 }, () => entry(3, Buffer.alloc(999)));
    assert.throws(() => checkPack(packOf(...blobs), limits), tooLarge);
  });

  it('refuses an object that is larger than it says', () => {
    assert.throws(() => checkPack(packOf(entry(3, Buffer.alloc(5000), 10)), limits));
  });
});
