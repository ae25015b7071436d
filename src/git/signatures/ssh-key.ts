import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { MalformedError, readWire, type WireReader } from './wire.ts';

/** A public key as SSH writes it: https://www.rfc-editor.org/rfc/rfc4253#section-6.6 */
export interface SshKey {
  type: SshKeyType;
  /** The whole of it. */
  blob: Buffer;
  /** `SHA256:` and the fingerprint, as ssh-keygen -l prints it. */
  id: string;
  /** Throws MalformedError where the numbers make no key. */
  key(): KeyObject;
}

export type SshKeyType = 'ssh-ed25519' | 'ssh-rsa' | CurveType;
type CurveType = 'ecdsa-sha2-nistp256' | 'ecdsa-sha2-nistp384' | 'ecdsa-sha2-nistp521';

interface Curve {
  name: string;
  /** In a JSON Web Key. */
  crv: string;
  /** Of a coordinate, in bytes. */
  size: number;
  hash: string;
}

export const CURVES: Readonly<Record<CurveType, Curve>> = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', crv: 'P-256', size: 32, hash: 'sha256' },
  'ecdsa-sha2-nistp384': { name: 'nistp384', crv: 'P-384', size: 48, hash: 'sha384' },
  'ecdsa-sha2-nistp521': { name: 'nistp521', crv: 'P-521', size: 66, hash: 'sha512' },
};

/** Shorter ones can be factored, or soon. */
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 16_384;
const WHAT = 'the public key';

type Jwk = Record<string, string>;

const ed25519 = (wire: WireReader): Jwk => {
  const x = wire.string();
  if (x.length !== 32) throw new MalformedError(`${WHAT} has ${x.length} bytes instead of 32`);
  return { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') };
};

const rsa = (wire: WireReader): Jwk => {
  const [e, n] = [wire.positive(), wire.positive()];
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)
    throw new MalformedError(
      `${WHAT} has ${bits} bits; RSA keys of ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits are accepted`,
    );
  return { kty: 'RSA', e: e.toString('base64url'), n: n.toString('base64url') };
};

const ecdsa =
  ({ name, crv, size }: Curve) =>
  (wire: WireReader): Jwk => {
    if (wire.text() !== name) throw new MalformedError(`${WHAT} is of another curve than it says`);
    const point = wire.string();
    if (point[0] !== 4 || point.length !== 1 + 2 * size) throw new MalformedError(`${WHAT} has no whole point`);
    const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)];
    return { kty: 'EC', crv, x: x.toString('base64url'), y: y.toString('base64url') };
  };

const READERS: Readonly<Record<SshKeyType, (wire: WireReader) => Jwk>> = {
  'ssh-ed25519': ed25519,
  'ssh-rsa': rsa,
  'ecdsa-sha2-nistp256': ecdsa(CURVES['ecdsa-sha2-nistp256']),
  'ecdsa-sha2-nistp384': ecdsa(CURVES['ecdsa-sha2-nistp384']),
  'ecdsa-sha2-nistp521': ecdsa(CURVES['ecdsa-sha2-nistp521']),
};

export const isSshKeyType = (text: string): text is SshKeyType => Object.hasOwn(READERS, text);

export const fingerprint = (blob: Buffer): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;

/** Throws MalformedError, also for types that are not accepted: certificates, DSA, keys of security keys. */
export const readSshKey = (blob: Buffer): SshKey => {
  const wire = readWire(blob, WHAT);
  const type = wire.text();
  if (!isSshKeyType(type)) throw new MalformedError(`${WHAT} is of a type that is not accepted`);
  const jwk = READERS[type](wire);
  wire.end();
  const key = (): KeyObject => {
    try {
      return createPublicKey({ key: jwk, format: 'jwk' });
    } catch {
      throw new MalformedError(`${WHAT} is no valid one of type ${type}`);
    }
  };
  return { type, blob, id: fingerprint(blob), key };
};
