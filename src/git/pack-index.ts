import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { damaged } from './errors.ts';

// What is in a pack and where, beside it on disk. Not Git's own format: it also says how long its pack is, so that one that
// was cut off is noticed before it is read, and that there are objects which nobody can read.
//
//   'MIX1'  objects u32  oversized u32  bytes of the pack u32  256 × u32 fan-out  20 bytes each: names, sorted
//   u32 each: offsets  SHA-1 of all this

const MAGIC = 'MIX1';
const FANOUT = 16;
const NAMES = FANOUT + 1024;
const NAME = 20;

export interface PackIndex {
  /** Where the object begins; undefined when it is not in there. */
  offsetOf(oid: string): number | undefined;
  /** Objects without a name: deltas that make more than anybody may read. */
  oversized: number;
  /** In memory. */
  bytes: number;
}

export interface IndexInput {
  /** 20 bytes for each object. */
  names: Buffer;
  offsets: Uint32Array;
  /** Objects that have a name, sorted by it. */
  sorted: Uint32Array;
  oversized: number;
  packBytes: number;
}

export const writeIndex = ({ names, offsets, sorted, oversized, packBytes }: IndexInput): Buffer => {
  const count = sorted.length;
  const index = Buffer.alloc(NAMES + count * (NAME + 4) + 20);
  index.write(MAGIC, 'latin1');
  for (const [i, value] of [count, oversized, packBytes].entries()) index.writeUInt32BE(value, 4 + 4 * i);
  const below = new Uint32Array(256);
  for (const [i, object] of sorted.entries()) {
    names.copy(index, NAMES + i * NAME, object * NAME, object * NAME + NAME);
    index.writeUInt32BE(offsets[object] ?? 0, NAMES + count * NAME + i * 4);
    const first = names[object * NAME] ?? 0;
    below[first] = (below[first] ?? 0) + 1;
  }
  let sum = 0;
  for (const [first, number] of below.entries()) {
    sum += number;
    index.writeUInt32BE(sum, FANOUT + first * 4);
  }
  index.set(createHash('sha1').update(index.subarray(0, -20)).digest(), index.length - 20);
  return index;
};

/** The index of a pack. Throws RepositoryDamaged where either of the two files is not whole. */
export const readIndex = (indexPath: string, packPath: string): PackIndex => {
  const index = readFileSync(indexPath);
  const sum = createHash('sha1').update(index.subarray(0, -20)).digest();
  const isWhole = index.length >= NAMES + 20 && index.toString('latin1', 0, 4) === MAGIC;
  if (!isWhole || !sum.equals(index.subarray(-20))) throw damaged('an index is cut off or changed');
  if (statSync(packPath).size !== index.readUInt32BE(12)) throw damaged('a pack is cut off');
  const count = index.readUInt32BE(4);
  const fanout = (first: number): number => (first < 0 ? 0 : index.readUInt32BE(FANOUT + first * 4));
  return {
    oversized: index.readUInt32BE(8),
    bytes: index.length,
    offsetOf(oid) {
      const name = Buffer.from(oid, 'hex');
      const first = name[0] ?? 0;
      let [low, high] = [fanout(first - 1), fanout(first)];
      while (low < high) {
        const middle = (low + high) >>> 1;
        const at = NAMES + middle * NAME;
        const order = name.compare(index, at, at + NAME);
        if (order === 0) return index.readUInt32BE(NAMES + count * NAME + middle * 4);
        if (order < 0) high = middle;
        else low = middle + 1;
      }
      return undefined;
    },
  };
};
