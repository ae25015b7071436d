import { ReasonError } from '../../api/reason-error.ts';
import { fromBase64 } from './base64.ts';
import { isSshKeyType, readSshKey, type SshKey } from './ssh-key.ts';
import { MalformedError } from './wire.ts';

/** Public keys of a Secret. */
export interface TrustedKeys {
  ssh: readonly SshKey[];
  /** Armored, one or more keys each. */
  pgp: readonly string[];
}

const PGP_BLOCK = /-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g;

/**
 * Every file holds armored OpenPGP keys, or SSH keys, one a line, as `id_ed25519.pub` or `allowed_signers` has them.
 * Throws ReasonError SecretNotFound, which names the file that does not, and quotes nothing of it.
 */
export const readTrustedKeys = (secret: string, files: Readonly<Record<string, string>>): TrustedKeys => {
  const ssh: SshKey[] = [];
  const pgp: string[] = [];
  for (const [file, text] of Object.entries(files)) {
    try {
      const blocks = text.match(PGP_BLOCK) ?? [];
      pgp.push(...blocks);
      if (blocks.length === 0) ssh.push(...keysIn(text));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw notKeys(`${file} of Secret ${secret}: ${error.message}`);
    }
  }
  if (ssh.length + pgp.length === 0) throw notKeys(`Secret ${secret} holds no public key`);
  return { ssh, pgp };
};

const notKeys = (what: string): ReasonError =>
  new ReasonError('SecretNotFound', `${what}; each key of the Secret is a file of OpenPGP or SSH public keys`);

const keysIn = (text: string): SshKey[] => {
  const lines = text.split(/\r?\n/).map((line, i) => ({ line: line.trim(), number: i + 1 }));
  const keys = lines.filter(({ line }) => line !== '' && !line.startsWith('#')).map(keyOfLine);
  if (keys.length === 0) throw new MalformedError('it is empty');
  return keys;
};

/** `[principals [options]] type key [comment]`: see ALLOWED SIGNERS in ssh-keygen(1). */
const keyOfLine = ({ line, number }: { line: string; number: number }): SshKey => {
  const fields = line.match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
  const at = fields.slice(0, 3).findIndex(isSshKeyType);
  if (at < 0) throw new MalformedError(`line ${number} is no public key of type ed25519, rsa or ecdsa`);
  const [options] = at === 2 ? fields.slice(1) : [];
  if (options !== undefined && !NAMESPACES.test(options))
    throw new MalformedError(`line ${number} has options other than namespaces="git", which are not supported`);
  try {
    const key = readSshKey(fromBase64(fields[at + 1] ?? '', 'the public key'));
    if (key.type === fields[at]) return key;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MalformedError(`line ${number}: ${error.message}`);
  }
  throw new MalformedError(`line ${number}: the public key is of another type than the line says`);
};

/** One that ends, or that certifies others, must not be trusted like one without. */
const NAMESPACES = /^namespaces="([^",]+,)*git(,[^",]+)*"$/i;
