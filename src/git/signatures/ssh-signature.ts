import { createHash, type KeyObject, verify } from 'node:crypto';
import { fromBase64 } from './base64.ts';
import { CURVES, fingerprint, type SshKey } from './ssh-key.ts';
import type { Verdict } from './verdict.ts';
import { MalformedError, readWire, wireString } from './wire.ts';

// https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig

export const SSH_SIGNATURE = '-----BEGIN SSH SIGNATURE-----';
const ARMOR = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\s]+)\n-----END SSH SIGNATURE-----\s*$/;
const MAGIC = Buffer.from('SSHSIG');
/** Longer ones are none: a signature by RSA of 16,384 bits, with its key, has 5 KB. */
const MAX_LENGTH = 16_384;
/** What Git signs is good for nothing else, and the reverse. */
const NAMESPACE = 'git';
const HASHES = ['sha256', 'sha512'];
const WHAT = 'the signature';

interface SshSignature {
  /** Who says that it signed. */
  publicKey: Buffer;
  hash: string;
  signature: Buffer;
}

const readSignature = (armored: string): SshSignature => {
  const encoded = armored.length > MAX_LENGTH ? undefined : ARMOR.exec(armored)?.[1];
  if (encoded === undefined) throw new MalformedError(`${WHAT} is cut off or too long`);
  const wire = readWire(fromBase64(encoded, WHAT), WHAT);
  if (!wire.bytes(MAGIC.length).equals(MAGIC) || wire.uint32() !== 1)
    throw new MalformedError(`${WHAT} is of an unknown version`);
  const publicKey = wire.string();
  if (wire.text() !== NAMESPACE) throw new MalformedError(`${WHAT} was made for something other than Git`);
  if (wire.string().length > 0) throw new MalformedError(`${WHAT} has an unknown part`);
  const hash = wire.text();
  if (!HASHES.includes(hash)) throw new MalformedError(`${WHAT} uses an unknown hash`);
  const signature = wire.string();
  wire.end();
  return { publicKey, hash, signature };
};

/** Checks a signature by SSH; the signer is an `SshKey.id`. Throws MalformedError. */
export const checkSsh = (payload: Buffer, armored: string, keys: readonly SshKey[]): Verdict => {
  const { publicKey, hash, signature } = readSignature(armored);
  const signer = fingerprint(publicKey);
  const key = keys.find(({ blob }) => blob.equals(publicKey));
  if (!key) return { result: 'Unknown', signer };
  const digest = createHash(hash).update(payload).digest();
  const signed = Buffer.concat([MAGIC, ...[NAMESPACE, '', hash, digest].map(wireString)]);
  return { result: isGood(signed, signature, key) ? 'Good' : 'Bad', signer };
};

const isGood = (signed: Buffer, signature: Buffer, { type, key }: SshKey): boolean => {
  const wire = readWire(signature, WHAT);
  const algorithm = wire.text();
  const value = wire.string();
  wire.end();
  if (type === 'ssh-rsa') {
    const hash = RSA_HASHES[algorithm];
    return hash !== undefined && verify(hash, signed, key(), asLongAsKey(value, key()));
  }
  if (algorithm !== type) return false;
  if (type === 'ssh-ed25519') return value.length === 64 && verify(null, signed, key(), value);
  const { hash, size } = CURVES[type];
  return verify(hash, signed, { key: key(), dsaEncoding: 'ieee-p1363' }, pointOf(value, size));
};

/** Not ssh-rsa, which is SHA-1. */
const RSA_HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };

/** Zeros at the beginning may be left out. */
const asLongAsKey = (value: Buffer, key: KeyObject): Buffer =>
  padded(value, Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8));

const pointOf = (value: Buffer, size: number): Buffer => {
  const wire = readWire(value, WHAT);
  const [r, s] = [wire.positive(), wire.positive()];
  wire.end();
  return Buffer.concat([padded(r, size), padded(s, size)]);
};

const padded = (value: Buffer, size: number): Buffer => {
  if (value.length > size) throw new MalformedError(`${WHAT} is longer than its key allows`);
  return Buffer.concat([Buffer.alloc(size - value.length), value]);
};
