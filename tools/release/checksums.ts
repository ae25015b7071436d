import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReleaseError } from './process.ts';

export const SUMS = 'SHA256SUMS';

export const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** SHA256SUMS of every file in the folder, as `sha256sum -c` reads it. */
export const writeChecksums = (folder: string): void => {
  const files = globSync('**', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
  writeFileSync(join(folder, SUMS), files.map((file) => `${sha256(join(folder, file))}  ${file}\n`).join(''));
};

/** The key that signs: an Ed25519 key as PEM, as `openssl genpkey -algorithm ed25519` makes it. */
export const readSigningKey = (file: string): KeyObject => {
  const next = 'Make one with: openssl genpkey -algorithm ed25519 -out release.key';
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw new ReleaseError(`${file} is no private key as PEM: ${(cause as Error).message}`, next, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new ReleaseError(
      `${file} is a key of ${key.asymmetricKeyType}, and the release is signed with Ed25519`,
      next,
    );
  return key;
};

/** One signature covers everything: that of the checksums. `openssl pkeyutl -verify -rawin` verifies it. */
export const signChecksums = (folder: string, key: KeyObject): void => {
  writeFileSync(join(folder, `${SUMS}.sig`), sign(null, readFileSync(join(folder, SUMS)), key));
  writeFileSync(join(folder, `${SUMS}.pub`), createPublicKey(key).export({ type: 'spki', format: 'pem' }));
};
