import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ReasonError } from '../api/reason-error.ts';
import type { ByteCache } from '../byte-cache.ts';
import { applyDelta, deltaSizes } from './delta.ts';
import { damaged } from './errors.ts';
import type { GitObject } from './indexer.ts';
import type { GitLimits } from './limits.ts';
import { openPack, type PackFile } from './pack-file.ts';
import { type PackIndex, readIndex } from './pack-index.ts';

/** An object that is there, and larger than what is read. */
export class OversizedError extends ReasonError {
  /** Undefined when it is packed as a delta of another one of that kind. */
  readonly bytes: number | undefined;

  constructor(oid: string, bytes: number | undefined, limit: number) {
    super('RepositoryTooLarge', `object ${oid} has ${bytes ?? 'too many'} bytes; ${limit} are taken`);
    this.bytes = bytes;
  }
}

export interface Objects {
  /** Without reading it. */
  has(oid: string): boolean;
  /** Checked against its name. Throws RepositoryDamaged, also where it is missing, and OversizedError. */
  read(oid: string): GitObject;
}

export interface ObjectsPorts {
  limits: Pick<GitLimits, 'fileBytes' | 'chain'>;
  /** Of all mirrors of this thread, by path. */
  indexes: ByteCache<PackIndex>;
}

export const PACKS = 'packs';

/** The objects of one generation of a mirror, read from its packs by ranges. */
export const createObjects = (gitdir: string, { limits, indexes }: ObjectsPorts): Objects => {
  const dir = join(gitdir, PACKS);
  let packs: string[] | undefined;

  const list = (): string[] => {
    try {
      return readdirSync(dir).filter((name) => name.endsWith('.index'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  };

  const indexOf = (name: string): PackIndex => {
    const path = join(dir, name);
    const known = indexes.get(path);
    if (known) return known;
    const read = whole(() => readIndex(path, packOf(path)));
    indexes.set(path, read, read.bytes);
    return read;
  };

  const searched = (oid: string): Place | undefined => {
    for (const name of packs ?? []) {
      const index = indexOf(name);
      const offset = index.offsetOf(oid);
      if (offset !== undefined) return { path: packOf(join(dir, name)), index, offset };
    }
    return undefined;
  };
  const find = (oid: string): Place | undefined => {
    const found = searched(oid);
    if (found) return found;
    packs = list(); // another thread adds packs
    return searched(oid);
  };

  return {
    has: (oid) => find(oid) !== undefined,
    read(oid) {
      const found = find(oid);
      if (!found) {
        if (packs?.some((name) => indexOf(name).oversized > 0))
          throw new OversizedError(oid, undefined, limits.fileBytes);
        throw damaged(`object ${oid} is missing`);
      }
      const object = whole(() => readAt(found, oid, limits));
      if (hashOf(object) !== oid) throw damaged(`object ${oid} is another one`);
      return object;
    },
  };
};

interface Place {
  path: string;
  index: PackIndex;
  offset: number;
}

const packOf = (indexPath: string): string => indexPath.replace(/\.index$/, '.pack');

const hashOf = ({ type, content }: GitObject): string =>
  createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');

/** What the file system says of a file that should be whole is damage; that it is out of memory or files is not. */
const whole = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EIO') throw damaged(message, error);
    throw error;
  }
};

const readAt = (place: Place, oid: string, limits: ObjectsPorts['limits']): GitObject => {
  const pack = openPack(place.path);
  try {
    const [root = place.offset, ...deltas] = chainAt(pack, place, limits.chain);
    const refuse = (size: number): void => {
      if (size > limits.fileBytes) throw new OversizedError(oid, size, limits.fileBytes);
    };
    refuse(pack.header(root).size);
    const { header, content } = pack.entry(root);
    let made = content;
    for (const at of deltas) {
      refuse(pack.header(at).size);
      const delta = pack.entry(at).content;
      refuse(deltaSizes(delta).result);
      made = applyDelta(made, delta);
    }
    if (header.type === undefined) throw damaged('a chain of deltas has no root');
    return { type: header.type, content: made };
  } finally {
    pack.close();
  }
};

/** Where the entries begin that an object is made from, itself last. */
const chainAt = (pack: PackFile, { index, offset }: Place, limit: number): number[] => {
  const chain = [offset];
  for (let at = offset; chain.length <= limit + 1; chain.unshift(at)) {
    const { base } = pack.header(at);
    if (base === undefined) return chain;
    const found = 'back' in base ? at - base.back : index.offsetOf(base.oid);
    if (found === undefined || found < 12) throw damaged('a delta has no base');
    at = found;
  }
  throw damaged(`a chain of more than ${limit} deltas`);
};
