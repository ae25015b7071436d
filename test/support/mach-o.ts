import { createHash } from 'node:crypto';
import { signatureOf } from '../../tools/release/mach-o.ts';

const CODE_DIRECTORY = 0xfade0c02;
const SHA256 = 2;

/**
 * Pages of an executable for macOS whose digest is not the one that its signature has: macOS ends the program when it
 * comes to one. Undefined without a signature. The format is that of <kern/cs_blobs.h>, big-endian.
 */
export const unsignedPages = (file: Buffer): number | undefined => {
  const signature = signatureOf(file);
  if (!signature) return undefined;
  const blobs = file.subarray(signature.offset, signature.offset + signature.size);
  const offsets = Array.from({ length: blobs.readUInt32BE(8) }, (_, i) => blobs.readUInt32BE(16 + 8 * i));
  const at = offsets.find((offset) => blobs.readUInt32BE(offset) === CODE_DIRECTORY);
  if (at === undefined) throw new Error('the signature has no code directory');
  const directory = blobs.subarray(at);
  const [hashes, pages, limit] = [16, 28, 32].map((offset) => directory.readUInt32BE(offset)) as [
    number,
    number,
    number,
  ];
  if (directory[37] !== SHA256) throw new Error(`the signature is of type ${directory[37]}`);
  const pageBytes = 2 ** (directory[39] ?? 0);
  return Array.from({ length: pages }, (_, i) => {
    const page = file.subarray(i * pageBytes, Math.min((i + 1) * pageBytes, limit));
    const digest = directory.subarray(hashes + 32 * i, hashes + 32 * (i + 1));
    return createHash('sha256').update(page).digest().equals(digest);
  }).filter((isSigned) => !isSigned).length;
};
