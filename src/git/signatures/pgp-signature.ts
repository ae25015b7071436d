import type { PublicKey, Signature } from 'openpgp';
import type { Verdict } from './verdict.ts';
import { MalformedError } from './wire.ts';

/** Longer ones are none. */
const MAX_LENGTH = 65_536;

/** Where somebody uses it: it takes memory. */
const openPgp = () => import('openpgp');

const readOne = async (armoredSignature: string): Promise<Signature> => {
  if (armoredSignature.length > MAX_LENGTH) throw new MalformedError('the signature is too long');
  const { readSignature } = await openPgp();
  const signature = await readSignature({ armoredSignature }).catch(() => undefined);
  if (signature?.packets.length !== 1) throw new MalformedError('the signature is not one OpenPGP signature');
  return signature;
};

/**
 * Checks a signature by OpenPGP, the key of which must have been valid when it signed; the signer is the key's id.
 * Rejects with MalformedError.
 * @param keys armored
 */
export const checkPgp = async (payload: Buffer, armored: string, keys: readonly string[]): Promise<Verdict> => {
  const signature = await readOne(armored);
  const verificationKeys = (await Promise.all(keys.map(readPublicKeys))).flat();
  const [id] = signature.getSigningKeyIDs();
  const signer = id?.toHex().toUpperCase() ?? '';
  if (id === undefined || verificationKeys.every((key) => key.getKeys(id).length === 0))
    return { result: 'Unknown', signer };
  const { createMessage, verify } = await openPgp();
  const message = await createMessage({ binary: payload });
  const { signatures } = await verify({ message, signature, verificationKeys, format: 'binary' });
  const good = await Promise.all(signatures.map(({ verified }) => verified.catch(() => false)));
  return { result: good.length === 1 && good[0] === true ? 'Good' : 'Bad', signer };
};

const readPublicKeys = async (armoredKeys: string): Promise<PublicKey[]> => {
  const { readKeys } = await openPgp();
  const keys = await readKeys({ armoredKeys }).catch(() => undefined);
  if (keys === undefined) throw new MalformedError('an OpenPGP public key of the Secret can not be read');
  return keys.map((key) => key.toPublic());
};
