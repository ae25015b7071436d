import { decryptFiles, refuseTooMuch, verifyFiles } from './decrypt.ts';
import { formatsOf, MARK, mayBeEncrypted } from './encrypted.ts';
import type { Decryption, SopsPorts } from './types.ts';

interface Text {
  file: string;
  text: string;
}

export const needsDecryption = (texts: readonly Text[]): boolean => texts.some(({ text }) => mayBeEncrypted(text));

/**
 * Those of the files that sops may have encrypted, read one after another: nothing of another one stays in memory. Rejects
 * with ReasonError where they are more than are taken, before it reads on.
 * @param read undefined: there is no such file
 */
export const encryptedAmong = async (
  files: Iterable<string>,
  read: (file: string) => Promise<Uint8Array | undefined>,
): Promise<Text[]> => {
  const found: Text[] = [];
  let bytes = 0;
  for (const file of files) {
    const content = Buffer.from((await read(file)) ?? []);
    if (!content.includes(MARK)) continue;
    const text = content.toString();
    if (!mayBeEncrypted(text)) continue;
    bytes += content.length;
    refuseTooMuch(bytes);
    found.push({ file, text });
  }
  return found;
};

/**
 * The files of a folder, with those that sops encrypted in the clear: each is as sops wrote it, so that its MAC counts,
 * whatever its documents are. Rejects with ReasonError.
 */
export const decryptTexts = async <T extends Text>(
  texts: readonly T[],
  decryption: Decryption,
  ports: SopsPorts,
): Promise<(T & { sops?: 'Decrypted' })[]> => {
  const candidates = texts.filter(({ text }) => mayBeEncrypted(text));
  const files = candidates.map(({ file, text }) => {
    const format = file.endsWith('.json') ? ('json' as const) : ('yaml' as const);
    return { name: file, format, output: format, text, isWhole: true };
  });
  const clear = await decryptFiles(files, decryption, ports);
  const found = new Map(candidates.map((text, i) => [text, clear[i]?.toString()]));
  return texts.map((text) => {
    const decrypted = found.get(text);
    return decrypted === undefined ? text : { ...text, text: decrypted, sops: 'Decrypted' };
  });
};

/**
 * Whether the files that sops encrypted are as it wrote them, where nothing of them is wanted yet: rejects with ReasonError
 * DecryptionTampered where one is not. What no key opens may be for somebody else.
 */
export const verifyTexts = (texts: readonly Text[], decryption: Decryption, ports: SopsPorts): Promise<void> => {
  const encrypted = texts.filter(({ text }) => mayBeEncrypted(text));
  const files = encrypted.map(({ file, text }) => ({ name: file, ...formatsOf(file, text), text, isWhole: true }));
  return verifyFiles(files, decryption, ports);
};
