import { mkdir, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ReasonError } from '../../api/reason-error.ts';

/** Of all archives of one render, which lie beside the copy. Helm takes as much of a file. */
const LIMITS = { charts: 200, files: 10_000, fileBytes: 5 * 1024 * 1024, bytes: 64 * 1024 * 1024, depth: 32 };

/** What the archives of one render may still unpack to, and how many charts may be in charts. */
export interface Allowance {
  charts: number;
  /** And folders. */
  files: number;
  bytes: number;
}

export interface Unpacking {
  /** As messages name the chart. */
  label: string;
  allowance: Allowance;
}

export const fullAllowance = (): Allowance => ({
  charts: LIMITS.charts,
  files: LIMITS.files,
  bytes: LIMITS.bytes,
});

const BLOCK = 512;

/**
 * Writes the files of a chart's archive (.tgz) to a folder, without the one folder that all of them are in. A few kilobytes
 * can unpack to gigabytes: what is too much is refused before it is there. Rejects with ReasonError.
 */
export const unpack = async (archive: Readable, dir: string, { label, allowance }: Unpacking): Promise<void> => {
  const refuse = (what: string): never => {
    throw new ReasonError('ChartRefused', `the archive of ${label} ${what}`);
  };
  const spend = (size: number): void => {
    allowance.bytes -= size;
    allowance.files -= 1;
    if (size > LIMITS.fileBytes) refuse(`has a file of ${size} bytes; ${LIMITS.fileBytes} are taken`);
    if (allowance.bytes < 0) refuse(`unpacks to more than the ${LIMITS.bytes} bytes that one render takes`);
    if (allowance.files < 0) refuse(`has more than the ${LIMITS.files} files and folders that one render takes`);
  };
  const seen = new Set<string>();
  const folders = new Set<string>();
  /** A name of some bytes can be thousands of folders: each costs what a file does. */
  const makeFolder = async (folder: string): Promise<void> => {
    if (folders.has(folder)) return;
    for (let at = folder; at !== '.' && !folders.has(at); at = posix.dirname(at)) {
      spend(0);
      folders.add(at);
    }
    folders.add(folder);
    await mkdir(join(dir, folder), { recursive: true });
  };
  const write = async ({ name, content }: Entry): Promise<void> => {
    const path = pathOf(name) ?? refuse(`has a file with the name ${JSON.stringify(name.slice(0, 100))}`);
    if (path.split('/').length - 1 > LIMITS.depth)
      refuse(`has ${path.slice(0, 100)}, whose folders nest deeper than ${LIMITS.depth}`);
    if (seen.has(path)) refuse(`has ${path} twice`);
    seen.add(path);
    await makeFolder(posix.dirname(path));
    await writeFile(join(dir, path), content, { flag: 'wx' });
  };
  try {
    await pipeline(archive, createGunzip(), async (unzipped: AsyncIterable<Buffer>) => {
      for await (const entry of filesIn(unzipped, { refuse, spend })) await write(entry);
    });
    if (seen.size === 0) refuse('has no file');
  } catch (error) {
    if (error instanceof ReasonError || isOfTheMachine(error)) throw error;
    throw new ReasonError(
      'ChartRefused',
      `the archive of ${label} can't be unpacked: ${(error as Error).message}`,
      error,
    );
  }
};

/**
 * A disk that is full may have room again: what a system call refuses, and no name of the archive is the cause of, says
 * nothing about the archive.
 */
const isOfTheMachine = (error: unknown): boolean => {
  const { syscall, code = '' } = error as NodeJS.ErrnoException;
  return syscall !== undefined && !['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'EINVAL', 'EILSEQ'].includes(code);
};

/** Below the archive's one folder; undefined for what would be written elsewhere. */
const pathOf = (name: string): string | undefined => {
  const [, ...parts] = name.split('/');
  const isSafe = parts.length > 0 && parts.every((part) => !['', '.', '..'].includes(part));
  return isSafe && !name.startsWith('/') && !/[\\\0]/.test(name) ? parts.join('/') : undefined;
};

interface Entry {
  name: string;
  content: Buffer;
}

type Refuse = (what: string) => never;

interface Reading {
  refuse: Refuse;
  /** Counts bytes before they are read; throws when they are too many. */
  spend(size: number): void;
}

/** The files of a tar stream, as `helm package`, GNU tar and bsdtar write them. */
async function* filesIn(stream: AsyncIterable<Buffer>, { refuse, spend }: Reading): AsyncGenerator<Entry> {
  const take = takerOf(stream, refuse);
  /** What an extended header says of the entry after it. */
  let longName: string | undefined;
  for (;;) {
    const header = await take(BLOCK);
    if (header === undefined || header.every((byte) => byte === 0)) return;
    const type = header.toString('latin1', 156, 157);
    const size = sizeIn(header) ?? refuse('has a header that is none');
    const name = longName ?? nameIn(header);
    if (!KNOWN.has(type)) refuse(`has ${name.slice(0, 100)}, which is neither a file nor a folder`);
    spend(size);
    const padded = (await take(Math.ceil(size / BLOCK) * BLOCK)) ?? refuse('ends too early');
    const content = padded.subarray(0, size);
    if (type === PAX || type === LONG_NAME) longName = nameAfter(type, content) ?? longName;
    else if (type !== GLOBAL) longName = undefined;
    if (type === '0' || type === '\0') yield { name, content };
  }
}

/** Types of entries: extended headers, for the entry after them and for all, and folders beside files. */
const PAX = 'x';
const LONG_NAME = 'L';
const GLOBAL = 'g';
const KNOWN = new Set(['0', '\0', '5', PAX, LONG_NAME, GLOBAL]);

const nameAfter = (type: string, content: Buffer): string | undefined =>
  type === PAX ? pathInPax(content) : content.toString().replace(/\0+$/, '');

/** Reads so many bytes of a stream; undefined where it has ended. */
const takerOf = (stream: AsyncIterable<Buffer>, refuse: Refuse): ((bytes: number) => Promise<Buffer | undefined>) => {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return async (bytes) => {
    const parts = [rest];
    let have = rest.length;
    while (have < bytes) {
      const { value, done } = await chunks.next();
      if (done) return have === 0 ? undefined : refuse('ends too early');
      parts.push(value);
      have += value.length;
    }
    const all = Buffer.concat(parts);
    rest = all.subarray(bytes);
    return all.subarray(0, bytes);
  };
};

const textIn = (header: Buffer, from: number, to: number): string => {
  const field = header.subarray(from, to);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? field.length : end).toString();
};

/** Octal digits; the binary form is for files of gigabytes. */
const sizeIn = (header: Buffer): number | undefined => {
  const text = textIn(header, 124, 136).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
};

const nameIn = (header: Buffer): string => {
  const prefix = textIn(header, 257, 262) === 'ustar' ? textIn(header, 345, 500) : '';
  const name = textIn(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
};

/** `27 path=chart/a/long/name\n`: the length counts itself. */
const pathInPax = (content: Buffer): string | undefined => {
  let path: string | undefined;
  for (let at = 0; at < content.length; ) {
    const [, digits = ''] = /^(\d{1,9}) /.exec(content.toString('latin1', at, at + 11)) ?? [];
    const length = Number(digits);
    if (length <= digits.length + 1) return path;
    const record = content.toString('utf8', at + digits.length + 1, at + length - 1);
    if (record.startsWith('path=')) path = record.slice('path='.length);
    at += length;
  }
  return path;
};
