import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, it } from 'mocha';
import { RECORD_AUDIENCE } from '../api/annotations.ts';
import { type Jwk, keyIdOf, TokenError, type TokenReason } from './token.ts';
import { createTokenVerifier, KeysUnavailable } from './verifier.ts';

const ISSUER = 'https://kubernetes.default.svc';
const NOW = Date.parse('2026-03-01T12:00:00Z');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

const jwk = (key: KeyObject, kid: string, alg: string): Jwk => ({
  ...(key.export({ format: 'jwk' }) as Jwk),
  kid,
  alg,
  use: 'sig',
});
const JWKS = [jwk(ec.publicKey, 'ec', 'ES256'), jwk(rsa.publicKey, 'rsa', 'RS256')];

const claims = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: [RECORD_AUDIENCE],
  exp: NOW / 1000 + 3600,
  nbf: NOW / 1000,
  'kubernetes.io': {
    namespace: 'shop',
    pod: { name: 'web-1', uid: 'pod-uid' },
    serviceaccount: { name: 'default', uid: 'sa-uid' },
  },
  ...change,
});

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (payload: unknown, header: Record<string, unknown> = {}, key: KeyObject = ec.privateKey): string => {
  const signed = `${part({ alg: 'ES256', kid: 'ec', ...header })}.${part(payload)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
};
const clock = (now = NOW) => ({ now: () => now });
const source = { keys: async () => JWKS, issuer: async () => ISSUER };
const verify = (text: string, now = NOW) => createTokenVerifier(source, clock(now)).verify(text);
const refuses = (text: string, reason: TokenReason, now = NOW) =>
  assert.rejects(verify(text, now), (error: unknown) => {
    assert.ok(error instanceof TokenError, String(error));
    assert.equal(error.reason, reason);
    assert.ok(text.length < 20 || !error.message.includes(text.slice(0, 20)), 'the token stands in the message');
    return true;
  });

describe('a service account token', () => {
  it('names its pod, signed with ES256 or RS256', async () => {
    const identity = { namespace: 'shop', pod: 'web-1', podUID: 'pod-uid', serviceAccount: 'default' };
    assert.deepEqual(await verify(token(claims())), identity);
    assert.deepEqual(await verify(token(claims(), { alg: 'RS256', kid: 'rsa' }, rsa.privateKey)), identity);
    assert.deepEqual(await verify(token(claims({ aud: RECORD_AUDIENCE }))), identity);
  });

  for (const alg of ['RS384', 'PS256', 'PS512', 'ES384', 'ES512', 'EdDSA']) {
    it(`names its pod, signed with ${alg}`, async () => {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      const keys = { keys: async () => [{ ...(await exportJWK(publicKey)), kid: alg }], issuer: async () => ISSUER };
      const signed = await new SignJWT(claims()).setProtectedHeader({ alg, kid: alg }).sign(privateKey);
      assert.equal((await createTokenVerifier(keys, clock()).verify(signed)).podUID, 'pod-uid');
    });
  }

  it('is refused with the reason that a person needs', async () => {
    await refuses('', 'TokenMalformed');
    await refuses('not.a.token', 'TokenMalformed');
    await refuses(`${'a'.repeat(20_000)}.b.c`, 'TokenMalformed');
    await refuses(token(claims({ exp: NOW / 1000 - 60 })), 'TokenExpired');
    await refuses(token(claims({ exp: undefined })), 'TokenExpired');
    await refuses(token(claims({ nbf: NOW / 1000 + 60 })), 'TokenExpired');
    await refuses(token(claims({ aud: ['https://kubernetes.default.svc'] })), 'TokenWrongAudience');
    await refuses(token(claims({ aud: undefined })), 'TokenWrongAudience');
    await refuses(token(claims({ iss: 'https://other.example' })), 'TokenWrongIssuer');
    await refuses(token(claims({ 'kubernetes.io': { namespace: 'shop' } })), 'TokenNotBoundToPod');
    await refuses(token(claims({ 'kubernetes.io': undefined })), 'TokenNotBoundToPod');
  });

  it('is still taken when the clocks differ by a few seconds', async () => {
    await verify(token(claims({ exp: NOW / 1000 - 5 })));
    await verify(token(claims({ nbf: NOW / 1000 + 5 })));
  });

  it('is refused with any signature but that of the named key', async () => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    await refuses(token(claims(), {}, stranger), 'TokenBadSignature');
    await refuses(token(claims(), { kid: 'unknown' }), 'TokenBadSignature');
    // the wrong kind of key for the algorithm
    await refuses(token(claims(), { alg: 'RS256', kid: 'ec' }), 'TokenBadSignature');
    await refuses(token(claims(), { alg: 'none' }), 'TokenMalformed');
    // HS256 with the public key as its secret
    const signed = `${part({ alg: 'HS256', kid: 'ec' })}.${part(claims())}`;
    const secret = ec.publicKey.export({ type: 'spki', format: 'pem' });
    await refuses(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`, 'TokenMalformed');
  });

  it('is never taken after any change of any of its characters', async () => {
    const good = token(claims());
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
    const verifier = createTokenVerifier(source, clock());
    const position = fc.nat(good.length - 1);
    await fc.assert(
      fc.asyncProperty(position, fc.constantFrom(...letters), async (at, letter) => {
        const changed = good.slice(0, at) + letter + good.slice(at + 1);
        // The last characters of a part have bits that no byte takes: another text for the same bytes.
        const same = changed.split('.').every((p, i) => {
          const bytes = Buffer.from(p, 'base64url');
          return bytes.equals(Buffer.from(good.split('.')[i] ?? '', 'base64url'));
        });
        if (same && changed.slice(0, changed.lastIndexOf('.')) === good.slice(0, good.lastIndexOf('.'))) return;
        await assert.rejects(verifier.verify(changed), TokenError);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws anything but TokenError, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.json(), fc.json()).map(([h, p]) => `${btoaUrl(h)}.${btoaUrl(p)}.AA`),
        ),
        (text) => {
          try {
            keyIdOf(text);
          } catch (error) {
            assert.ok(error instanceof TokenError);
          }
        },
      ),
    );
  });
});

const btoaUrl = (text: string): string => Buffer.from(text).toString('base64url');

describe('the verifier', () => {
  it('asks for the keys once, and again for a key that is new, but not for every made-up one', async () => {
    let asked = 0;
    let now = NOW;
    let keys = JWKS.slice(1);
    const counting = {
      keys: async () => {
        asked += 1;
        return keys;
      },
      issuer: async () => ISSUER,
    };
    const verifier = createTokenVerifier(counting, { now: () => now });
    const byRsa = token(claims(), { alg: 'RS256', kid: 'rsa' }, rsa.privateKey);
    await Promise.all([verifier.verify(byRsa), verifier.verify(byRsa)]);
    await verifier.verify(byRsa);
    assert.equal(asked, 1);
    for (let i = 0; i < 50; i += 1) await assert.rejects(verifier.verify(token(claims(), { kid: `made-up-${i}` })));
    assert.equal(asked, 1);
    now += 11_000;
    keys = JWKS; // rotated
    await verifier.verify(token(claims()));
    assert.equal(asked, 2);
  });

  it('keeps its keys when they cannot be read again, and says so when they never could', async () => {
    let down = false;
    let now = NOW;
    const flaky = {
      keys: async () => {
        if (down) throw new Error('no answer');
        return JWKS;
      },
      issuer: async () => ISSUER,
    };
    const verifier = createTokenVerifier(flaky, { now: () => now });
    await verifier.verify(token(claims({ exp: NOW / 1000 + 10_000 })));
    down = true;
    now += 7_200_000;
    await verifier.verify(token(claims({ exp: NOW / 1000 + 10_000 })));
    await assert.rejects(createTokenVerifier(flaky, clock()).verify(token(claims())), KeysUnavailable);
  });

  it('passes over keys that are of no use', async () => {
    const odd: Jwk[] = [
      { kty: 'oct', k: 'AAAA', kid: 'a' },
      { kty: 'EC', crv: 'P-999', x: 'AA', y: 'AA', kid: 'b' },
      { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'c', alg: 'ES256' },
      { kty: 'RSA' },
    ];
    const verifier = createTokenVerifier({ keys: async () => [...odd, ...JWKS], issuer: async () => ISSUER }, clock());
    await verifier.verify(token(claims()));
    for (const kid of ['a', 'b', 'c']) {
      await assert.rejects(
        verifier.verify(token(claims(), { kid })),
        (error) => error instanceof TokenError && error.reason === 'TokenBadSignature',
      );
    }
  });
});
