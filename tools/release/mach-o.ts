import { readFileSync, writeFileSync } from 'node:fs';
import { ReleaseError } from './process.ts';

// Of <mach-o/loader.h>, 64 bits, little-endian.
const MAGIC = 0xfeedfacf;
const HEADER = 32;
const SEGMENT = 0x19;
const CODE_SIGNATURE = 0x1d;

interface Command {
  type: number;
  offset: number;
  size: number;
}

/** The load commands of an executable for macOS. */
const commandsOf = (file: Buffer): Command[] => {
  if (file.readUInt32LE(0) !== MAGIC)
    throw new ReleaseError(
      'What Bun wrote is no executable for macOS.',
      'Try its version in tools/release/sources.ts by hand.',
    );
  const commands: Command[] = [];
  let offset = HEADER;
  for (let i = file.readUInt32LE(16); i > 0; i -= 1) {
    const size = file.readUInt32LE(offset + 4);
    commands.push({ type: file.readUInt32LE(offset), offset, size });
    offset += size;
  }
  return commands;
};

/** Where the signature is, which is the end of the file; undefined where there is none. */
export const signatureOf = (file: Buffer): { offset: number; size: number } | undefined => {
  const command = commandsOf(file).find(({ type }) => type === CODE_SIGNATURE);
  if (!command) return undefined;
  return { offset: file.readUInt32LE(command.offset + 8), size: file.readUInt32LE(command.offset + 12) };
};

/**
 * The executable without a signature, as `codesign --remove-signature` leaves it. For Intel, Bun keeps its own, which does
 * not match what was put into it: macOS ends such a program, and starts one without a signature.
 */
export const removeSignature = (path: string): void => {
  const file = readFileSync(path);
  const commands = commandsOf(file);
  const signature = signatureOf(file);
  const own = commands.find(({ type }) => type === CODE_SIGNATURE);
  const linkEdit = commands.find(
    ({ type, offset }) => type === SEGMENT && file.toString('latin1', offset + 8, offset + 18) === '__LINKEDIT',
  );
  if (!signature || !own || !linkEdit) return;
  const begins = file.readBigUInt64LE(linkEdit.offset + 40);
  file.writeBigUInt64LE(BigInt(signature.offset) - begins, linkEdit.offset + 48);
  const end = HEADER + file.readUInt32LE(20);
  file.copy(file, own.offset, own.offset + own.size, end);
  file.fill(0, end - own.size, end);
  file.writeUInt32LE(commands.length - 1, 16);
  file.writeUInt32LE(end - HEADER - own.size, 20);
  writeFileSync(path, file.subarray(0, signature.offset));
};
