import { inflateSync } from 'node:zlib';
import { damaged } from './errors.ts';

// Objects as a pack holds them: https://git-scm.com/docs/pack-format

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

export interface EntryHeader {
  /** Undefined for a delta, which has the type of its base. */
  type: ObjectType | undefined;
  /** Inflated, in bytes: of the object, or of the delta itself. */
  size: number;
  /** Of a delta: how many bytes before this entry its base begins, or the name of it. */
  base: { back: number } | { oid: string } | undefined;
  /** Of the header, in bytes: the deflated content follows. */
  length: number;
}

/** No header is longer. */
export const MAX_HEADER = 40;

const CODES: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3, tag: 4 };
const TYPES: Record<number, ObjectType> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const OFFSET_DELTA = 6;
const NAMED_DELTA = 7;
/** A size of more digits would be no exact number, and a file of petabytes. */
const MAX_DIGITS = 7;

/** The header at the beginning of these bytes. Throws RepositoryDamaged. */
export const readHeader = (bytes: Buffer): EntryHeader => {
  let at = 0;
  const next = (): number => {
    const byte = bytes[at++];
    if (byte === undefined || at > MAX_HEADER) throw damaged('the pack is cut off');
    return byte;
  };
  let byte = next();
  const code = (byte >> 4) & 7;
  let size = byte & 15;
  for (let scale = 16; byte & 128; scale *= 128) {
    if (at > MAX_DIGITS) throw damaged('an object has an impossible size');
    byte = next();
    size += (byte & 127) * scale;
  }
  if (code === NAMED_DELTA) {
    if (bytes.length < at + 20) throw damaged('the pack is cut off');
    return { type: undefined, size, base: { oid: bytes.toString('hex', at, at + 20) }, length: at + 20 };
  }
  if (code === OFFSET_DELTA) {
    byte = next();
    let back = byte & 127;
    while (byte & 128) {
      byte = next();
      back = (back + 1) * 128 + (byte & 127);
    }
    return { type: undefined, size, base: { back }, length: at };
  }
  const type = TYPES[code];
  if (type === undefined) throw damaged(`the pack has an object of unknown type ${code}`);
  return { type, size, base: undefined, length: at };
};

/** The header of a whole object. */
export const writeHeader = (type: ObjectType, size: number): Buffer => {
  const bytes = [(CODES[type] << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
};

/** The most bytes that a sane deflate makes of so many. */
export const deflatedBound = (size: number): number => size + (size >> 2) + 64;

/** What these bytes begin with, inflated to exactly `size` bytes, and how many of them that took. */
export const inflateEntry = (deflated: Buffer, size: number): { content: Buffer; consumed: number } => {
  try {
    // An entry may not inflate to more than it says, and what it makes is in one piece.
    const options = { info: true, chunkSize: Math.max(64, size + 1), maxOutputLength: Math.max(1, size) } as const;
    // With `info` it returns both, which its types do not say.
    const { buffer, engine } = inflateSync(deflated, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (buffer.length === size) return { content: buffer, consumed: engine.bytesWritten };
  } catch (error) {
    throw damaged('an object does not inflate to what it says', error);
  }
  throw damaged('an object does not inflate to what it says');
};
