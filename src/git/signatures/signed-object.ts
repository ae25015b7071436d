import { MalformedError } from './wire.ts';

/** What of an object is signed, and by what; no signature where it has none. */
export interface Signed {
  payload: Buffer;
  /** Armored. */
  signature: string | undefined;
}

const HEADER = 'gpgsig ';

/**
 * A commit is signed without its header `gpgsig`, whose further lines begin with a space:
 * https://git-scm.com/docs/gitformat-signature. Throws MalformedError where it has two.
 */
export const signedCommit = (content: Buffer): Signed => {
  const blank = content.indexOf('\n\n');
  const end = blank < 0 ? content.length : blank;
  const kept: string[] = [];
  const signatures: string[][] = [];
  let isInside = false;
  for (const line of content.toString('latin1', 0, end).split('\n')) {
    if (isInside && line.startsWith(' ')) signatures.at(-1)?.push(line.slice(1));
    else {
      isInside = line.startsWith(HEADER);
      if (isInside) signatures.push([line.slice(HEADER.length)]);
      else kept.push(line);
    }
  }
  if (signatures.length > 1) throw new MalformedError('it has more than one signature');
  const payload = Buffer.concat([Buffer.from(kept.join('\n'), 'latin1'), content.subarray(end)]);
  return { payload, signature: signatures[0]?.join('\n') };
};

/** Git knows more; those of another kind count as signatures as well, which are then refused. */
const BEGINS = ['\n-----BEGIN SSH SIGNATURE-----', '\n-----BEGIN PGP ', '\n-----BEGIN SIGNED MESSAGE-----'];

/** An annotated tag is signed without the signature at its end. */
export const signedTag = (content: Buffer): Signed => {
  const begin = Math.max(...BEGINS.map((text) => content.lastIndexOf(text)));
  if (begin < 0) return { payload: content, signature: undefined };
  return { payload: content.subarray(0, begin + 1), signature: content.toString('latin1', begin + 1) };
};

export interface TagHeader {
  /** What it stands at. */
  object: string;
  type: string;
  name: string;
}

/** Throws MalformedError. */
export const readTagHeader = (content: Buffer): TagHeader => {
  const [, object, type, name] = TAG.exec(content.toString('utf8', 0, MAX_TAG_HEADER)) ?? [];
  if (object === undefined || type === undefined || name === undefined)
    throw new MalformedError('it is no tag as Git writes one');
  return { object, type, name };
};

const TAG = /^object ([0-9a-f]{40})\ntype (commit|tree|blob|tag)\ntag ([^\n]+)\n/;
const MAX_TAG_HEADER = 4096;
