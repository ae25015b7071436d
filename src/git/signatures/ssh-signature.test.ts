import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { readSshKey, type SshKey } from './ssh-key.ts';
import { checkSsh } from './ssh-signature.ts';
import { MalformedError, wireString } from './wire.ts';

const PAYLOAD = Buffer.from('tree 0\n\nfirst\n');

const ed25519 = (): { key: SshKey; privateKey: KeyObject } => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const x = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return { key: readSshKey(Buffer.concat([wireString('ssh-ed25519'), wireString(x)])), privateKey };
};
const rsa = (modulusLength: number) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
  const [exponent, modulus] = [e, n].map((number) => Buffer.from(number, 'base64url')) as [Buffer, Buffer];
  const numbers = [exponent, Buffer.concat([Buffer.alloc(1), modulus])].map(wireString);
  return { blob: Buffer.concat([wireString('ssh-rsa'), ...numbers]), privateKey };
};

interface Parts {
  magic?: string;
  version?: number;
  namespace?: string;
  reserved?: string;
  hash?: string;
  after?: Buffer;
}

const armored = (bytes: Buffer): string =>
  `-----BEGIN SSH SIGNATURE-----\n${bytes.toString('base64').replaceAll(/.{70}/g, '$&\n')}\n-----END SSH SIGNATURE-----`;

/** As `ssh-keygen -Y sign` writes it. */
const signature = (
  { key, privateKey }: { key: SshKey; privateKey: KeyObject },
  { magic = 'SSHSIG', version = 1, namespace = 'git', reserved = '', hash = 'sha512', after }: Parts = {},
  [algorithm, digest]: [string, string | null] = ['ssh-ed25519', null],
): Buffer => {
  const hashed = createHash(hash === 'sha256' ? hash : 'sha512')
    .update(PAYLOAD)
    .digest();
  const fields = [namespace, reserved, hash].map(wireString);
  const signed = Buffer.concat([Buffer.from('SSHSIG'), ...fields, wireString(hashed)]);
  const value = Buffer.concat([wireString(algorithm), wireString(sign(digest, signed, privateKey))]);
  const head = [Buffer.from(magic), Buffer.from([0, 0, 0, version]), wireString(key.blob)];
  return Buffer.concat([...head, ...fields, wireString(value), after ?? Buffer.alloc(0)]);
};

describe('a signature by SSH', () => {
  const mine = ed25519();
  const other = ed25519();
  const good = signature(mine);

  it('is good by a trusted key, of this content, with either hash', () => {
    for (const bytes of [good, signature(mine, { hash: 'sha256' })])
      assert.deepEqual(checkSsh(PAYLOAD, armored(bytes), [other.key, mine.key]), {
        result: 'Good',
        signer: mine.key.id,
      });
    assert.match(mine.key.id, /^SHA256:[A-Za-z0-9+/]{43}$/);
  });

  it('is unknown by a key that is not trusted, and bad of other content', () => {
    assert.deepEqual(checkSsh(PAYLOAD, armored(good), [other.key]), { result: 'Unknown', signer: mine.key.id });
    assert.equal(checkSsh(Buffer.from('tree 1'), armored(good), [mine.key]).result, 'Bad');
    assert.equal(checkSsh(PAYLOAD, armored(signature({ ...other, key: mine.key })), [mine.key]).result, 'Bad');
  });

  for (const [what, parts, message] of [
    ['for files, not for Git', { namespace: 'file' }, /something other than Git/],
    ['of another format', { magic: 'SSHSIX' }, /unknown version/],
    ['of another version', { version: 2 }, /unknown version/],
    ['with a part that nobody knows', { reserved: 'x' }, /unknown part/],
    ['with a hash that nobody knows', { hash: 'md5' }, /unknown hash/],
    ['with something after it', { after: Buffer.from('x') }, /longer than it says/],
  ] as [string, Parts, RegExp][])
    it(`is refused ${what}`, () =>
      assert.throws(
        () => checkSsh(PAYLOAD, armored(signature(mine, parts)), [mine.key]),
        (error) => error instanceof MalformedError && message.test(error.message),
      ));

  it('by RSA is good with SHA-2, and bad with SHA-1', () => {
    const { blob, privateKey } = rsa(2048);
    const signer = { key: readSshKey(blob), privateKey };
    const resultWith = (...by: [string, string]) =>
      checkSsh(PAYLOAD, armored(signature(signer, {}, by)), [signer.key]).result;
    assert.equal(resultWith('rsa-sha2-256', 'sha256'), 'Good');
    assert.equal(resultWith('rsa-sha2-512', 'sha512'), 'Good');
    assert.equal(resultWith('rsa-sha2-512', 'sha256'), 'Bad');
    assert.equal(resultWith('ssh-rsa', 'sha1'), 'Bad');
    assert.throws(() => readSshKey(rsa(1024).blob), /1024 bits; RSA keys of 2048/);
  });

  it('is never good when it is cut off, or one byte is another one', () => {
    const result = (bytes: Buffer): string => {
      try {
        return checkSsh(PAYLOAD, armored(bytes), [mine.key]).result;
      } catch (error) {
        assert.ok(error instanceof MalformedError, String(error));
        return 'Malformed';
      }
    };
    for (let length = 0; length < good.length; length += 1)
      assert.equal(result(good.subarray(0, length)), 'Malformed', `${length}`);
    for (const [at, byte] of good.entries()) {
      const changed = Buffer.from(good);
      changed[at] = byte ^ 1;
      assert.notEqual(result(changed), 'Good', `${at}`);
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => result(Buffer.from(bytes)) !== 'Good'));
  });

  it('is never good as text of another shape', () => {
    for (const text of ['', armored(good).slice(0, -1), armored(good).replace('AAAA', 'AA*A'), `${armored(good)}\nx`])
      assert.throws(() => checkSsh(PAYLOAD, text, [mine.key]), MalformedError);
    assert.equal(checkSsh(PAYLOAD, `${armored(good)}\n\n`, [mine.key]).result, 'Good');
  });
});
