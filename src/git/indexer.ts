import { createHash } from 'node:crypto';
import { ReasonError } from '../api/reason-error.ts';
import { createByteCache } from '../byte-cache.ts';
import { applyDelta, deltaSizes } from './delta.ts';
import type { ObjectType } from './entry.ts';
import { damaged, tooLarge } from './errors.ts';
import { type GitLimits, megabytes } from './limits.ts';
import { openPack, type PackFile, TRAILER } from './pack-file.ts';
import { writeIndex } from './pack-index.ts';

export interface GitObject {
  type: ObjectType;
  content: Buffer;
}

export interface IndexPorts {
  limits: Pick<
    GitLimits,
    'objects' | 'namedDeltas' | 'fileBytes' | 'expandedBytes' | 'freeBytes' | 'amplification' | 'chain' | 'baseBytes'
  >;
  /** The object of another pack that a delta of a thin pack names; undefined when there is none. */
  external(oid: string): Promise<GitObject | undefined>;
  /** Called often: lets others of this thread go on, and throws when nobody waits any more. */
  breathe(): Promise<void>;
}

/** What is known of an object of the pack. */
const WHOLE = 0;
/** Whole, and too large for memory: its name is known, and it is never read. */
const LARGE = 1;
const DELTA = 2;
/** A delta that was applied: its name is known. */
const APPLIED = 3;
/** A delta that makes too much, or whose base is too large: nobody can read it, nor learns its name. */
const OVERSIZED = 4;

const NAME = 20;
/** In place of a base's number. */
const NAMED = -1;

/**
 * Names every object of a pack, and gives its index. A thin pack is completed as `git index-pack --fix-thin` does, so no
 * delta of a mirror leads into another pack, and no chain grows from fetch to fetch. Memory is one index, the kept bases
 * and three objects of the size that may be read, whatever the pack. What it would need beyond its limits is refused with
 * the figure, before it is made. Objects that are too large for memory are no reason to refuse the pack: only a render
 * that reads them fails.
 * Throws RepositoryTooLarge and RepositoryDamaged.
 */
export const indexPack = async (path: string, ports: IndexPorts): Promise<Buffer> => {
  const pack = openPack(path, 'r+');
  try {
    const scan = await scanPack(pack, ports);
    const count = scan.count;
    await resolveDeltas(pack, scan, ports);
    const packBytes = scan.count === count ? pack.end() + TRAILER : await pack.seal(ports.breathe);
    const sorted = await sortByName(scan, ports);
    const oversized = scan.state.subarray(0, scan.count).reduce((n, s) => n + (s === OVERSIZED ? 1 : 0), 0);
    const { names, offsets } = scan;
    return writeIndex({ names, offsets, sorted, oversized, packBytes });
  } finally {
    pack.close();
  }
};

interface Scan {
  count: number;
  offsets: Uint32Array;
  state: Uint8Array;
  /** Number of the base in this pack, or NAMED. */
  bases: Int32Array;
  depths: Uint8Array;
  names: Buffer;
  /** Names of the bases of those that are NAMED. */
  wanted: Map<number, string>;
  /** What was inflated and made so far, in bytes. */
  work: (bytes: number) => void;
}

const nameOf = (type: ObjectType, content: Buffer): Buffer =>
  createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest();

/** The number of objects that the first bytes of a pack speak of, and whether so many may be. */
export const readCount = (start: Buffer, limits: Pick<GitLimits, 'objects'>): number => {
  if (start.length < 12 || start.toString('latin1', 0, 4) !== 'PACK' || start.readUInt32BE(4) !== 2) {
    throw damaged('what the server sent is no pack');
  }
  const count = start.readUInt32BE(8);
  if (count > limits.objects) throw tooLarge(`a pack of ${count} objects; ${limits.objects} are taken`);
  return count;
};

const scanPack = async (pack: PackFile, { limits, breathe }: IndexPorts): Promise<Scan> => {
  const count = readCount(pack.read(0, 12), limits);
  // No object is shorter than a header and an empty deflate stream: a false count gets no memory.
  if (count * 9 > pack.end()) throw damaged('the pack is cut off');
  const most = count + Math.min(count, limits.namedDeltas); // a thin pack is completed by the bases that it names
  // A pack of a few bytes that expands to gigabytes costs its sender nothing, so the bound grows with the bytes sent.
  const limit = Math.min(limits.expandedBytes, limits.freeBytes + limits.amplification * pack.end());
  let worked = 0;
  const scan: Scan = {
    count,
    offsets: new Uint32Array(most),
    state: new Uint8Array(most),
    bases: new Int32Array(most),
    depths: new Uint8Array(most),
    names: Buffer.alloc(most * NAME),
    wanted: new Map(),
    work(bytes) {
      worked += bytes;
      if (worked > limit) {
        throw tooLarge(`the pack expands to more than ${megabytes(limit)}; move large files out of it`);
      }
    },
  };
  /** What the headers say that all objects have together; refused before the first delta is applied. */
  let declared = 0;
  const declare = (bytes: number): void => {
    declared += bytes;
    if (declared > limit) {
      throw tooLarge(`its objects have more than ${megabytes(limit)} in all; move large files out of the repository`);
    }
  };
  let at = 12;
  for (let i = 0; i < count; i++) {
    await breathe();
    scan.offsets[i] = at;
    const header = pack.header(at);
    scan.work(header.size);
    if (header.type !== undefined) {
      declare(header.size);
      at = await scanWhole(pack, scan, i, { type: header.type, size: header.size, limit: limits.fileBytes });
      continue;
    }
    const { result, end } = await scanDelta(pack, at, header.size > limits.fileBytes);
    declare(result);
    scan.state[i] = result > limits.fileBytes || header.size > limits.fileBytes ? OVERSIZED : DELTA;
    noteBase(scan, i, at, { base: header.base, limits });
    at = end;
  }
  if (at !== pack.end()) throw damaged('the pack has something after its objects');
  return scan;
};

const scanWhole = async (
  pack: PackFile,
  { offsets, state, names }: Scan,
  i: number,
  { type, size, limit }: { type: ObjectType; size: number; limit: number },
): Promise<number> => {
  const offset = offsets[i] ?? 0;
  if (size <= limit) {
    const { content, end } = pack.entry(offset);
    names.set(nameOf(type, content), i * NAME);
    return end;
  }
  state[i] = LARGE;
  const hash = createHash('sha1').update(`${type} ${size}\0`);
  const end = await pack.stream(offset, (chunk) => hash.update(chunk));
  names.set(hash.digest(), i * NAME);
  return end;
};

/** What a delta makes is in its first bytes. */
const scanDelta = async (
  pack: PackFile,
  offset: number,
  isLarge: boolean,
): Promise<{ result: number; end: number }> => {
  if (!isLarge) {
    const { content, end } = pack.entry(offset);
    return { result: deltaSizes(content).result, end };
  }
  let first: Buffer | undefined;
  const end = await pack.stream(offset, (chunk) => {
    first ??= Buffer.from(chunk.subarray(0, 20));
  });
  return { result: deltaSizes(first ?? Buffer.alloc(0)).result, end };
};

const noteBase = (
  scan: Scan,
  i: number,
  offset: number,
  { base, limits }: { base: { back: number } | { oid: string } | undefined; limits: IndexPorts['limits'] },
): void => {
  const { offsets, state, bases, depths, wanted } = scan;
  if (base === undefined) return;
  if ('oid' in base) {
    bases[i] = NAMED;
    wanted.set(i, base.oid);
    if (wanted.size > limits.namedDeltas) throw tooLarge(`more than ${limits.namedDeltas} deltas that name their base`);
    return;
  }
  const number = search(offsets, i, offset - base.back);
  if (number === undefined) throw damaged('a delta has no base');
  bases[i] = number;
  const depth = (depths[number] ?? 0) + 1;
  refuseChain(depth, limits.chain);
  depths[i] = depth;
  if (state[number] === LARGE || state[number] === OVERSIZED) state[i] = OVERSIZED;
};

const refuseChain = (depth: number, limit: number): void => {
  if (depth > limit) throw tooLarge(`a chain of more than ${limit} deltas; repack the repository: git gc`);
};

const search = (sorted: Uint32Array, length: number, value: number): number | undefined => {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = sorted[middle] ?? 0;
    if (found === value) return middle;
    if (found < value) low = middle + 1;
    else high = middle;
  }
  return undefined;
};

/** Applies the deltas, in rounds: a named base can come after what is made of it, or not at all. */
const resolveDeltas = async (pack: PackFile, scan: Scan, ports: IndexPorts): Promise<void> => {
  const { state, names, wanted } = scan;
  const { limits, breathe } = ports;
  const kept = createByteCache<GitObject>(limits.baseBytes);
  const needed = new Set(wanted.values());
  const places = new Map<string, number>();
  const place = (i: number): void => {
    if (needed.size === 0) return;
    const name = names.toString('hex', i * NAME, i * NAME + NAME);
    if (needed.has(name)) places.set(name, i);
  };
  for (let i = 0; i < scan.count; i++) if (state[i] === WHOLE || state[i] === LARGE) place(i);

  const baseOf = (i: number): number | undefined =>
    scan.bases[i] === NAMED ? places.get(wanted.get(i) ?? '') : scan.bases[i];

  /** What an object is made from, itself last; undefined when that is not known yet, or can't be read. */
  const chainOf = (i: number): number[] | undefined => {
    const chain = [i];
    for (let at = i; state[at] === DELTA || state[at] === APPLIED; ) {
      if (kept.get(String(at))) break;
      const base = baseOf(at);
      if (base === undefined) return undefined;
      chain.unshift(base);
      at = base;
    }
    const [root = i] = chain;
    if (state[root] === LARGE || state[root] === OVERSIZED) {
      state[i] = OVERSIZED;
      return undefined;
    }
    const depth = (scan.depths[root] ?? 0) + chain.length - 1;
    refuseChain(depth, limits.chain);
    scan.depths[i] = depth;
    return chain;
  };

  const make = async ([root = 0, ...rest]: number[]): Promise<GitObject> => {
    let made = kept.get(String(root));
    if (!made) {
      const { header, content } = pack.entry(scan.offsets[root] ?? 0);
      scan.work(content.length);
      made = { type: header.type ?? 'blob', content };
      kept.set(String(root), made, content.length);
    }
    for (const i of rest) {
      await breathe();
      const delta = pack.entry(scan.offsets[i] ?? 0).content;
      scan.work(delta.length + deltaSizes(delta).result);
      made = { type: made.type, content: applyDelta(made.content, delta) };
      kept.set(String(i), made, made.content.length);
    }
    return made;
  };

  const round = async (): Promise<{ left: number; applied: number }> => {
    let [left, applied] = [0, 0];
    for (let i = 0; i < scan.count; i++) {
      if (state[i] !== DELTA) continue;
      const chain = chainOf(i);
      if (chain) {
        const { type, content } = await make(chain);
        names.set(nameOf(type, content), i * NAME);
        state[i] = APPLIED;
        place(i);
        applied += 1;
      } else if (state[i] === DELTA) left += 1;
    }
    return { left, applied };
  };

  /** Bases of a thin pack, from elsewhere. */
  const complete = async (): Promise<void> => {
    for (const name of needed) {
      if (places.has(name)) continue;
      await breathe();
      const found = await externally(name, ports);
      if (found === undefined) continue;
      const number = scan.count;
      places.set(name, number);
      if (found === 'large') {
        state[number] = OVERSIZED;
        continue;
      }
      scan.work(found.content.length);
      names.set(Buffer.from(name, 'hex'), number * NAME);
      scan.offsets[number] = pack.append(found.type, found.content);
      scan.count += 1;
    }
  };

  for (let rounds = 0; ; rounds++) {
    const { left, applied } = await round();
    if (left === 0) return;
    if (applied > 0) continue;
    const known = places.size;
    await complete();
    if (places.size === known) throw damaged(`${left} deltas have no base`);
    refuseChain(rounds, limits.chain);
  }
};

const externally = async (oid: string, { external }: IndexPorts): Promise<GitObject | 'large' | undefined> => {
  try {
    return await external(oid);
  } catch (error) {
    if (error instanceof ReasonError && error.code === 'RepositoryTooLarge') return 'large';
    throw error;
  }
};

/** Numbers of the objects that have a name, by name; in 256 parts, so that none takes long. */
const sortByName = async ({ count, state, names }: Scan, { breathe }: IndexPorts): Promise<Uint32Array> => {
  const parts: number[][] = Array.from({ length: 256 }, () => []);
  for (let i = 0; i < count; i++) {
    if (state[i] !== OVERSIZED && state[i] !== DELTA) parts[names[i * NAME] ?? 0]?.push(i);
  }
  const sorted = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    await breathe();
    part.sort(
      (a, b) =>
        names.readUInt32BE(a * NAME) - names.readUInt32BE(b * NAME) ||
        names.compare(names, b * NAME, b * NAME + NAME, a * NAME, a * NAME + NAME),
    );
    sorted.set(part, at);
    at += part.length;
  }
  return sorted;
};
