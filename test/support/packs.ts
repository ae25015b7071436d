import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

// Packs made by hand, right or wrong in any way: https://git-scm.com/docs/pack-format

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

export type PackEntry = (
  | { type: ObjectType; content: Buffer }
  /** `base` is the number of an entry before this one, or the oid of any object. */
  | { delta: Buffer; base: number | string }
) & {
  /** The size in its header, where that is a lie. */
  says?: number;
};

const CODES: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3, tag: 4 };

export const oidOf = (type: ObjectType, content: Buffer): string =>
  createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');

/** @param count of objects in the header, where that is a lie */
export const packOf = (entries: readonly PackEntry[], { count = entries.length }: { count?: number } = {}): Buffer => {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(count, 8);
  const offsets: number[] = [];
  const parts = [head];
  let end = head.length;
  for (const entry of entries) {
    const part = Buffer.concat(partsOf(entry, end, offsets));
    offsets.push(end);
    parts.push(part);
    end += part.length;
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
};

const partsOf = (entry: PackEntry, at: number, offsets: readonly number[]): Buffer[] => {
  const content = 'delta' in entry ? entry.delta : entry.content;
  const size = entry.says ?? content.length;
  if ('type' in entry) return [header(CODES[entry.type], size), deflateSync(content)];
  const { base } = entry;
  if (typeof base === 'string') return [header(7, size), Buffer.from(base, 'hex'), deflateSync(content)];
  return [header(6, size), back(at - (offsets[base] ?? at)), deflateSync(content)];
};

const header = (code: number, size: number): Buffer => {
  const rest = Math.floor(size / 16);
  const first = (code << 4) | (size % 16);
  return Buffer.from(rest === 0 ? [first] : [first | 128, ...digits(rest)]);
};

/** Seven bits a byte, the lowest first. */
const digits = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...digits(Math.floor(value / 128))];

const back = (distance: number): Buffer => {
  const bytes = [distance % 128];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest -= 1;
    bytes.unshift((rest % 128) | 128);
  }
  return Buffer.from(bytes);
};

/** A delta that appends text to its base; `says` is the size of its result, where that is a lie. */
export const appending = (baseSize: number, text: string, says = baseSize + text.length): Buffer => {
  const copies: number[] = [];
  const most = 0xffffff;
  for (let at = 0; at < baseSize; at += most) {
    const length = Math.min(most, baseSize - at);
    copies.push(0xff, ...little(at, 4), ...little(length, 3));
  }
  return Buffer.from([...digits(baseSize), ...digits(says), ...copies, text.length, ...Buffer.from(text)]);
};

const little = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);

/** A folder and a commit of it, by the oids of its files. */
export const commitOf = (files: Record<string, string>): { commit: string; entries: PackEntry[] } => {
  const names = Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const folder = Buffer.concat(
    names.flatMap(([name, oid]) => [Buffer.from(`100644 ${name}\0`), Buffer.from(oid, 'hex')]),
  );
  const who = 'A <a@example.com> 1700000000 +0000';
  const commit = Buffer.from(`tree ${oidOf('tree', folder)}\nauthor ${who}\ncommitter ${who}\n\nchange\n`);
  return {
    commit: oidOf('commit', commit),
    entries: [
      { type: 'tree', content: folder },
      { type: 'commit', content: commit },
    ],
  };
};

/** A repository of these files, in one pack. */
export const repositoryOf = (files: Record<string, Buffer>): { commit: string; pack: Buffer } => {
  const blobs = Object.values(files).map((content): PackEntry => ({ type: 'blob', content }));
  const oids = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, oidOf('blob', content)]));
  const { commit, entries } = commitOf(oids);
  return { commit, pack: packOf([...blobs, ...entries]) };
};
