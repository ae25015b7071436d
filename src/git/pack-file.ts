import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { createInflate, deflateSync } from 'node:zlib';
import {
  deflatedBound,
  type EntryHeader,
  inflateEntry,
  MAX_HEADER,
  type ObjectType,
  readHeader,
  writeHeader,
} from './entry.ts';
import { damaged } from './errors.ts';

/** Nearly every entry of a repository of manifests is shorter. */
const WINDOW = 4096;
const CHUNK = 256 * 1024;
/** A pack ends with its SHA-1. */
export const TRAILER = 20;

export interface Entry {
  header: EntryHeader;
  content: Buffer;
  /** Where the next entry begins. */
  end: number;
}

export interface PackFile {
  /** Where the objects end, and the SHA-1 of them all begins. */
  end(): number;
  header(offset: number): EntryHeader;
  /** Inflates it into memory: the caller has checked the size that its header says. */
  entry(offset: number): Entry;
  /** Inflates an entry of any size, chunk by chunk; gives where the next one begins. */
  stream(offset: number, onChunk: (chunk: Buffer) => void): Promise<number>;
  read(offset: number, length: number): Buffer;
  /** Adds an object, and gives where it begins: to a pack that is open for writing, which is `seal`ed then. */
  append(type: ObjectType, content: Buffer): number;
  /** Counts what was added, and signs the pack again; gives its length. */
  seal(breathe: () => Promise<void>): Promise<number>;
  close(): void;
}

/**
 * A pack on disk, read by ranges: memory is at most one entry. The calls are synchronous, as they are made in a thread
 * of its own, and what they read is nearly always in the page cache. Throws RepositoryDamaged.
 */
export const openPack = (path: string, flags: 'r' | 'r+' = 'r'): PackFile => {
  const fd = openSync(path, flags);
  let end = Math.max(0, fstatSync(fd).size - TRAILER);
  let added = 0;
  const write = (bytes: Buffer, at: number): void => {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
  };
  const read = (offset: number, length: number): Buffer => {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, end - offset)));
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, offset));
  };
  return {
    end: () => end,
    read,
    header: (offset) => readHeader(read(offset, MAX_HEADER)),
    entry(offset) {
      let window = read(offset, WINDOW);
      const header = readHeader(window);
      const wanted = header.length + deflatedBound(header.size);
      if (wanted > window.length) window = read(offset, wanted);
      const { content, consumed } = inflateEntry(window.subarray(header.length), header.size);
      return { header, content, end: offset + header.length + consumed };
    },
    async stream(offset, onChunk) {
      const header = readHeader(read(offset, MAX_HEADER));
      const inflate = createInflate({ chunkSize: CHUNK });
      let made = 0;
      let ended = false;
      const done = new Promise<void>((resolve, reject) => {
        inflate.on('data', (chunk: Buffer) => {
          made += chunk.length;
          if (made > header.size) return void inflate.destroy(damaged('an object is larger than it says'));
          onChunk(chunk);
        });
        inflate.on('end', () => resolve()).on('error', reject);
      }).finally(() => {
        ended = true;
      });
      const settled = done.catch(() => {}); // reported below
      const start = offset + header.length;
      for (let at = start; !ended; at += CHUNK) {
        const chunk = read(at, CHUNK);
        if (chunk.length === 0) break;
        await Promise.race([settled, new Promise<void>((next) => inflate.write(chunk, () => next()))]);
      }
      if (!ended) inflate.end();
      await done.catch((error: unknown) => {
        throw damaged('an object does not inflate', error);
      });
      if (made !== header.size) throw damaged('an object is smaller than it says');
      return start + inflate.bytesWritten;
    },
    append(type, content) {
      const at = end;
      const entry = Buffer.concat([writeHeader(type, content.length), deflateSync(content)]);
      write(entry, at);
      end += entry.length;
      added += 1;
      return at;
    },
    async seal(breathe) {
      const start = read(0, 12);
      start.writeUInt32BE(start.readUInt32BE(8) + added, 8);
      write(start, 0);
      added = 0;
      const hash = createHash('sha1');
      for (let at = 0; at < end; at += CHUNK) {
        hash.update(read(at, CHUNK));
        await breathe();
      }
      write(hash.digest(), end);
      fsyncSync(fd);
      return end + TRAILER;
    },
    close: () => closeSync(fd),
  };
};
