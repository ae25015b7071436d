import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ReasonError } from '../../api/reason-error.ts';
import { readTrustedKeys } from './trusted-keys.ts';

const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const CERTIFICATE = 'ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t';

const count = (text: string): number => readTrustedKeys('shop/signers', { 'keys.pub': text }).ssh.length;

describe('the Secret of trusted keys', () => {
  it('holds files as ssh-keygen writes them, and lists of allowed signers', () => {
    assert.equal(count(ED25519), 1);
    assert.equal(count(`${ED25519} me@example.com\r\n\n# a comment\n  ${ED25519}\n`), 2);
    assert.equal(count(`me@example.com,*@example.org ${ED25519} me`), 1);
    assert.equal(count(`"me and you" ${ED25519}`), 1);
    assert.equal(count(`me@example.com namespaces="file,git" ${ED25519}`), 1);
  });

  for (const [what, text, message] of [
    ['nothing', '', /keys\.pub of Secret shop\/signers: it is empty/],
    ['no key', 'hunter2', /line 1 is no public key of type ed25519, rsa or ecdsa/],
    ['a certificate', `${ED25519}\n${CERTIFICATE}`, /line 2 is no public key/],
    ['a key that is cut off', ED25519.slice(0, -4), /line 1: the public key is cut off/],
    ['a key of another type', ED25519.replace('ed25519', 'rsa'), /another type than the line says/],
    ['what is no base64', `${ED25519}*`, /line 1: the public key is no base64/],
    ['a key that certifies others', `* cert-authority ${ED25519}`, /line 1 has options/],
    ['a key that ends', `* valid-before="20300101" ${ED25519}`, /line 1 has options/],
    ['a key for files alone', `* namespaces="file" ${ED25519}`, /line 1 has options/],
    ['a key for git that ends', `* namespaces="git",valid-before="20300101" ${ED25519}`, /line 1 has options/],
  ] as const)
    it(`is refused with ${what}, and nothing of it is quoted`, () =>
      assert.throws(
        () => count(text),
        (error: ReasonError) => {
          assert.ok(error instanceof ReasonError);
          assert.equal(error.code, 'SecretNotFound');
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /hunter2|AAAA/);
          return true;
        },
      ));

  it('is refused when it is empty', () => {
    assert.throws(() => readTrustedKeys('shop/signers', {}), /Secret shop\/signers holds no public key/);
  });
});
