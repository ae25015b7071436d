import { decodeProtectedHeader, errors, type JWK, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Reason } from '../api/reasons.ts';
import { reasons } from '../api/reasons.ts';

/** A public key of the cluster's JSON Web Key Set (RFC 7517). */
export type Jwk = JWK;

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
/** What a cluster may sign with (RFC 7518, RFC 8037): none with a shared secret, and not "none". */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** The id of the key that a token names. Nothing in it is trusted yet. Throws TokenError(TokenMalformed). */
export const keyIdOf = (token: string): string => {
  if (token.length > MAX_LENGTH) throw new TokenError('TokenMalformed', 'too long');
  const { alg, kid } = headerOf(token);
  if (typeof kid !== 'string') throw new TokenError('TokenMalformed', 'no kid');
  if (!ALGORITHMS.includes(String(alg)))
    throw new TokenError('TokenMalformed', 'no algorithm that a cluster signs with');
  return kid;
};

const headerOf = (token: string): { alg?: unknown; kid?: unknown } => {
  try {
    return decodeProtectedHeader(token);
  } catch (cause) {
    throw new TokenError('TokenMalformed', 'not a JSON Web Token', cause);
  }
};

/**
 * The pod that a token speaks of, its signature and claims checked.
 *
 * @param now milliseconds since the epoch
 * @throws TokenError
 */
export const verifyToken = async (
  token: string,
  expected: { keys: JWTVerifyGetKey; issuer: string; audience: string },
  now: number,
): Promise<PodIdentity> => {
  const { keys, issuer, audience } = expected;
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      requiredClaims: ['exp'],
      clockTolerance: LEEWAY_S,
      currentDate: new Date(now),
    });
    return podOf(payload['kubernetes.io']);
  } catch (error) {
    throw error instanceof TokenError ? error : refusalOf(error);
  }
};

const CLAIMS: Record<string, [TokenReason, string?]> = {
  iss: ['TokenWrongIssuer'],
  aud: ['TokenWrongAudience'],
  exp: ['TokenExpired'],
  nbf: ['TokenExpired', 'not valid yet'],
};

const refusalOf = (error: unknown): TokenError => {
  if (error instanceof errors.JWTExpired) return new TokenError('TokenExpired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const [reason, detail] = CLAIMS[error.claim] ?? ['TokenMalformed', `claim ${error.claim}`];
    return new TokenError(reason, detail, error);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return new TokenError('TokenBadSignature');
  if (error instanceof errors.JWKSNoMatchingKey) return new TokenError('TokenBadSignature', 'unknown key', error);
  if (error instanceof errors.JOSEError) return new TokenError('TokenMalformed', error.code, error);
  // A key of the cluster that can't be imported, or is too short for its algorithm.
  return new TokenError('TokenBadSignature', 'its key is of no use', error);
};

const podOf = (claim: unknown): PodIdentity => {
  const { namespace, pod, serviceaccount } = (claim ?? {}) as Record<string, unknown>;
  const { name, uid } = (pod ?? {}) as Record<string, unknown>;
  const account = (serviceaccount ?? {}) as Record<string, unknown>;
  if (!isText(namespace) || !isText(name) || !isText(uid)) throw new TokenError('TokenNotBoundToPod');
  return { namespace, pod: name, podUID: uid, serviceAccount: isText(account.name) ? account.name : '' };
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
