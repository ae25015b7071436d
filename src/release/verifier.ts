import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose';
import { RECORD_AUDIENCE } from '../api/annotations.ts';
import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube/index.ts';
import { type Jwk, keyIdOf, type PodIdentity, verifyToken } from './token.ts';

export interface TokenVerifier {
  /**
   * The pod that the token was made for. Rejects with TokenError, or with KeysUnavailable as long as the cluster's
   * keys were never read.
   */
  verify(token: string): Promise<PodIdentity>;
}

/** Where the cluster's public keys come from. */
export interface KeySource {
  keys(): Promise<Jwk[]>;
  issuer(): Promise<string>;
}

export class KeysUnavailable extends Error {
  override name = 'KeysUnavailable';
}

/** A key that was rotated away is forgotten after this time. */
const MAX_AGE_MS = 3_600_000;
/** Tokens with made-up key ids must not become requests to the API server. */
const MIN_REFRESH_MS = 10_000;

/** Verifies offline: the keys are asked for at first use, hourly, and when a token names one that is not known. */
export const createTokenVerifier = (
  source: KeySource,
  clock: Pick<Clock, 'now'>,
  audience: string = RECORD_AUDIENCE,
): TokenVerifier => {
  let known: { ids: Set<unknown>; keys: JWTVerifyGetKey; issuer: string; readAt: number } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  let failure: unknown;

  const read = async (): Promise<void> => {
    try {
      const [jwks, issuer] = await Promise.all([source.keys(), source.issuer()]);
      const ids = new Set(jwks.map(({ kid }) => kid));
      known = { ids, keys: createLocalJWKSet({ keys: jwks }), issuer, readAt: clock.now() };
    } catch (error) {
      failure = error; // what is known stays good: keys change once in a blue moon
    }
  };
  const refresh = async (): Promise<void> => {
    if (reading === undefined && clock.now() - triedAt >= MIN_REFRESH_MS) {
      triedAt = clock.now();
      reading = read().finally(() => {
        reading = undefined;
      });
    }
    await reading;
  };

  return {
    async verify(text) {
      const kid = keyIdOf(text);
      if (!known?.ids.has(kid) || clock.now() - known.readAt > MAX_AGE_MS) await refresh();
      if (!known) throw new KeysUnavailable("the cluster's signing keys can't be read", { cause: failure });
      return verifyToken(text, { keys: known.keys, issuer: known.issuer, audience }, clock.now());
    },
  };
};

/** Keys and issuer as the API server publishes them (OpenID Connect discovery); `issuer` overrides the published one. */
export const clusterKeys = (client: KubeClient, issuer?: string): KeySource => ({
  async keys() {
    const set = (await client.raw('GET', '/openid/v1/jwks')) as unknown;
    // The media type is application/jwk-set+json; a proxy may say something else.
    const { keys = [] } = (typeof set === 'string' ? JSON.parse(set) : set) as { keys?: Jwk[] };
    return keys;
  },
  async issuer() {
    if (issuer !== undefined) return issuer;
    const found = (await client.raw('GET', '/.well-known/openid-configuration')) as { issuer?: unknown };
    if (typeof found.issuer !== 'string') {
      throw new Error('the API server names no token issuer; set --service-account-issuer');
    }
    return found.issuer;
  },
});
