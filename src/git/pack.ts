import { inflateSync } from 'node:zlib';
import { GitError } from './types.ts';

export interface PackLimits {
  /** Bytes of one object when inflated, and when its delta is applied. */
  object: number;
  /** Bytes of all of them. */
  total: number;
}

const OFFSET_DELTA = 6;
const NAMED_DELTA = 7;

/**
 * Throws RepositoryTooLarge where a pack would grow beyond the limits: a few KB of zeros, deflated, are gigabytes, and
 * the indexer inflates everything. Memory here stays at one object. What is no pack at all is left to the indexer.
 * https://git-scm.com/docs/pack-format
 */
export const checkPack = (pack: Buffer, limits: PackLimits): void => {
  if (pack.length < 12 || pack.toString('latin1', 0, 4) !== 'PACK') return;
  const count = pack.readUInt32BE(8);
  let offset = 12;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const entry = entryAt(pack, offset);
    refuseOver(entry.size, limits.object);
    const { content, consumed } = inflate(pack.subarray(entry.start), entry.size);
    const size = entry.delta ? resultSize(content) : entry.size;
    refuseOver(size, limits.object);
    total += size;
    refuseOver(total, limits.total);
    offset = entry.start + consumed;
  }
};

const refuseOver = (bytes: number, limit: number): void => {
  if (bytes > limit) {
    throw new GitError(
      'RepositoryTooLarge',
      `the repository expands to more than ${Math.round(limit / 1e6)} MB; move large files out of it`,
    );
  }
};

/** Type and inflated size of the entry at an offset, and where its deflated content starts. */
const entryAt = (pack: Buffer, offset: number): { size: number; delta: boolean; start: number } => {
  let at = offset;
  let byte = pack.readUInt8(at++);
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let scale = 16; byte & 128; scale *= 128) {
    byte = pack.readUInt8(at++);
    size += (byte & 127) * scale;
  }
  if (type === NAMED_DELTA) at += 20;
  if (type === OFFSET_DELTA) while (pack.readUInt8(at++) & 128);
  return { size, delta: type === OFFSET_DELTA || type === NAMED_DELTA, start: at };
};

const inflate = (deflated: Buffer, size: number): { content: Buffer; consumed: number } => {
  const chunkSize = Math.min(Math.max(size, 64), 65_536);
  // A size that lies is caught here: the entry may not inflate to more than it says.
  const options = { info: true, chunkSize, maxOutputLength: Math.max(size, 1) };
  const { buffer, engine } = inflateSync(deflated, options) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  return { content: buffer, consumed: engine.bytesWritten };
};

/** A delta starts with two sizes: that of its base, and that of what it makes. */
const resultSize = (delta: Buffer): number => {
  let at = 0;
  while (delta.readUInt8(at++) & 128);
  let size = 0;
  for (let scale = 1, byte = 128; byte & 128; scale *= 128) {
    byte = delta.readUInt8(at++);
    size += (byte & 127) * scale;
  }
  return size;
};
