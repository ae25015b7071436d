import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { readTagHeader, signedCommit, signedTag } from './signed-object.ts';

const SIGNATURE = '-----BEGIN SSH SIGNATURE-----\nU1NI\n\nU0lH\n-----END SSH SIGNATURE-----';
const HEADER = `gpgsig ${SIGNATURE.replaceAll('\n', '\n ')}\n`;
const TREE = `tree ${'a'.repeat(40)}\n`;
const PEOPLE = 'author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n';

const payloadOf = (text: string): string => signedCommit(Buffer.from(text, 'latin1')).payload.toString('latin1');

describe('what of a commit is signed', () => {
  it('is all but the header gpgsig, wherever that is', () => {
    for (const text of [
      `${TREE}${PEOPLE}${HEADER}\na message\n`,
      `${TREE}${HEADER}${PEOPLE}\na message\n`,
      `${TREE}${PEOPLE}${HEADER}`,
    ]) {
      const { payload, signature } = signedCommit(Buffer.from(text));
      assert.equal(payload.toString(), text.replace(HEADER, ''));
      assert.equal(signature, SIGNATURE);
    }
  });

  it('is all of it where there is no such header, whatever the message and the names say', () => {
    for (const text of [
      `${TREE}${PEOPLE}\n${HEADER}`,
      `${TREE}author A\rgpgsig x <a@b> 1 +0000\n\nm`,
      `${TREE}author A\x85gpgsig x <a@b> 1 +0000\n\nm`,
      `${TREE}mergetag object b\n gpgsig x\n\nm`,
    ]) {
      const { payload, signature } = signedCommit(Buffer.from(text, 'latin1'));
      assert.equal(payload.toString('latin1'), text);
      assert.equal(signature, undefined);
    }
  });

  it('is always the beginning, which names the folder', () => {
    const lines = fc.constantFrom('gpgsig x', ' y', 'gpgsigx', 'tree b', '', 'a');
    fc.assert(
      fc.property(fc.array(lines), (rest) => {
        const text = `${TREE}${rest.join('\n')}`;
        try {
          assert.ok(payloadOf(text).startsWith(TREE.slice(0, -1)));
        } catch (error) {
          assert.match(String(error), /more than one signature/);
        }
      }),
    );
  });

  it('is unclear with two signatures, which are refused', () => {
    assert.throws(() => payloadOf(`${TREE}${HEADER}${HEADER}\nm`), /more than one signature/);
  });
});

describe('what of a tag is signed', () => {
  const TAG = `object ${'a'.repeat(40)}\ntype commit\ntag v1\ntagger A <a@b> 1 +0000\n\na release\n`;

  it('is all before the signature at its end', () => {
    const quoted = `${TAG}-----BEGIN PGP SIGNATURE-----\nquoted\n`;
    for (const text of [TAG, quoted]) {
      const { payload, signature } = signedTag(Buffer.from(`${text}${SIGNATURE}\n`));
      assert.equal(payload.toString(), text);
      assert.equal(signature, `${SIGNATURE}\n`);
    }
    assert.deepEqual(signedTag(Buffer.from(TAG)), { payload: Buffer.from(TAG), signature: undefined });
  });

  it('begins with what it stands at, and its name', () => {
    assert.deepEqual(readTagHeader(Buffer.from(TAG)), { object: 'a'.repeat(40), type: 'commit', name: 'v1' });
    for (const text of ['', TAG.slice(1), TAG.replace('object a', 'object A'), TAG.replace('tag v1\n', '')])
      assert.throws(() => readTagHeader(Buffer.from(text)), /no tag as Git writes one/);
  });
});
