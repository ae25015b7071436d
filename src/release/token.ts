import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import type { Reason } from '../api/reasons.ts';
import { reasons } from '../api/reasons.ts';

/** A public key of the cluster's JSON Web Key Set (RFC 7517). */
export type Jwk = JsonWebKey & { kid?: string; alg?: string; use?: string };

/** Whose token it is: the pod that the kubelet made it for. */
export interface PodIdentity {
  namespace: string;
  pod: string;
  podUID: string;
  serviceAccount: string;
}

export type TokenReason = Extract<Reason, `Token${string}`>;

/** The token is not taken. `reason` is of the catalogue; the message never holds the token. */
export class TokenError extends Error {
  override name = 'TokenError';
  readonly reason: TokenReason;

  constructor(reason: TokenReason, detail?: string, cause?: unknown) {
    super(detail === undefined ? reasons[reason].means : `${reasons[reason].means} (${detail})`, { cause });
    this.reason = reason;
  }
}

/** A projected token has about 1.5 kB. */
const MAX_LENGTH = 16 * 1024;
/** What two synchronised clocks may differ by. */
const LEEWAY_S = 10;

export interface ParsedToken {
  kid: string;
  alg: Algorithm;
  claims: Record<string, unknown>;
  signed: Buffer;
  signature: Buffer;
}

type Algorithm = 'RS256' | 'ES256';

/** How a service account token of Kubernetes is signed (RFC 7518): key type, curve, and the form of the signature. */
const ALGORITHMS: Record<Algorithm, { keyType: string; curve?: string }> = {
  RS256: { keyType: 'rsa' },
  ES256: { keyType: 'ec', curve: 'prime256v1' },
};

/** Takes a compact JWS apart. Nothing in it is trusted yet. Throws TokenError(TokenMalformed). */
export const parseToken = (token: string): ParsedToken => {
  if (token.length > MAX_LENGTH) throw new TokenError('TokenMalformed', 'too long');
  const parts = token.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || !parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part))) {
    throw new TokenError('TokenMalformed', 'not a JSON Web Token');
  }
  const { alg, kid, crit } = jsonPart(header);
  if (typeof kid !== 'string') throw new TokenError('TokenMalformed', 'no kid');
  if (crit !== undefined) throw new TokenError('TokenMalformed', 'critical header');
  if (alg !== 'RS256' && alg !== 'ES256')
    throw new TokenError('TokenMalformed', 'algorithm is neither RS256 nor ES256');
  return {
    kid,
    alg,
    claims: jsonPart(payload),
    signed: Buffer.from(`${header}.${payload}`),
    signature: Buffer.from(signature, 'base64url'),
  };
};

const jsonPart = (part: string): Record<string, unknown> => {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch (cause) {
    throw new TokenError('TokenMalformed', 'not JSON inside', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TokenError('TokenMalformed', 'not a JSON object inside');
  }
  return value as Record<string, unknown>;
};

/** Throws TokenError(TokenBadSignature) unless `key` made the signature. The key decides the algorithm, not the token. */
export const checkSignature = ({ alg, signed, signature }: ParsedToken, key: KeyObject): void => {
  const { keyType, curve } = ALGORITHMS[alg];
  const fits = key.asymmetricKeyType === keyType && (!curve || key.asymmetricKeyDetails?.namedCurve === curve);
  if (!fits || !verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)) {
    throw new TokenError('TokenBadSignature');
  }
};

/**
 * The pod that signed claims speak of.
 *
 * @param now milliseconds since the epoch
 * @throws TokenError TokenWrongIssuer, TokenWrongAudience, TokenExpired, TokenNotBoundToPod
 */
export const checkClaims = (
  claims: Record<string, unknown>,
  expected: { issuer: string; audience: string },
  now: number,
): PodIdentity => {
  if (claims.iss !== expected.issuer) throw new TokenError('TokenWrongIssuer');
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  if (!audiences.includes(expected.audience)) throw new TokenError('TokenWrongAudience');
  const seconds = now / 1000;
  if (typeof claims.exp !== 'number' || claims.exp + LEEWAY_S <= seconds) throw new TokenError('TokenExpired');
  if (typeof claims.nbf === 'number' && claims.nbf - LEEWAY_S > seconds) {
    throw new TokenError('TokenExpired', 'not valid yet');
  }
  return podOf(claims['kubernetes.io']);
};

const podOf = (claim: unknown): PodIdentity => {
  const { namespace, pod, serviceaccount } = (claim ?? {}) as Record<string, unknown>;
  const { name, uid } = (pod ?? {}) as Record<string, unknown>;
  const account = (serviceaccount ?? {}) as Record<string, unknown>;
  if (!isText(namespace) || !isText(name) || !isText(uid)) throw new TokenError('TokenNotBoundToPod');
  return { namespace, pod: name, podUID: uid, serviceAccount: isText(account.name) ? account.name : '' };
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Keys by their id; those of kinds that no service account token is signed with are left out. */
export const keysById = (jwks: readonly Jwk[]): Map<string, KeyObject> => {
  const keys = new Map<string, KeyObject>();
  for (const jwk of jwks) {
    if (typeof jwk.kid !== 'string' || (jwk.kty !== 'RSA' && jwk.kty !== 'EC')) continue;
    try {
      keys.set(jwk.kid, createPublicKey({ key: jwk, format: 'jwk' }));
    } catch {
      // a curve that this OpenSSL does not know: a token signed with it will find no key
    }
  }
  return keys;
};
