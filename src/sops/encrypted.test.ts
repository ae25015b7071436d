import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { encryptedEntries, formatsOf, isEncrypted, isToDecrypt, mayBeEncrypted } from './encrypted.ts';

const MAC = 'ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]';
const BY_FORMAT = {
  yaml: `kind: Secret\nsops:\n    mac: ${MAC}\n`,
  json: `{"kind": "Secret", "sops": {"mac": "${MAC}"}}`,
  binary: `{\n\t"data": "${MAC}",\n\t"sops": {"mac": "${MAC}"}\n}`,
  dotenv: `A=${MAC}\nsops_mac=${MAC}\n`,
  ini: `[a]\nb = ${MAC}\n\n[sops]\nmac = ${MAC}\n`,
};

describe('what sops encrypted', () => {
  for (const [format, text] of Object.entries(BY_FORMAT)) {
    it(`is known when it is ${format}`, () => {
      assert.equal(mayBeEncrypted(text), true);
      assert.deepEqual(formatsOf('a', text), { format, output: format });
    });
  }

  it('is not each file that speaks of it', () => {
    assert.equal(mayBeEncrypted('sops: a program of Mozilla'), false);
    assert.equal(mayBeEncrypted('data: {a: "ENC[AES256_GCM,"}'), false);
  });

  for (const annotation of ['metricops.dev/decrypt: disabled', '"kustomize.toolkit.fluxcd.io/decrypt": "Disabled"'])
    it(`is left as it is where it says ${annotation}`, () => {
      const text = `metadata:\n  annotations:\n    ${annotation}\n${BY_FORMAT.yaml}`;
      assert.equal(mayBeEncrypted(text), false);
      const [name = '', value = ''] = annotation.replaceAll('"', '').split(': ');
      const metadata = { name: 'a', annotations: { [name]: value } };
      const object = { apiVersion: 'example.com/v1', kind: 'Encrypted', metadata, sops: { mac: MAC } };
      assert.equal(isToDecrypt(object), false);
      assert.equal(isToDecrypt({ ...object, metadata: { name: 'a' } }), true);
    });

  it('becomes what its name says', () => {
    assert.deepEqual(formatsOf('config.json', BY_FORMAT.yaml), { format: 'yaml', output: 'json' });
    assert.deepEqual(formatsOf('.dockerconfigjson', BY_FORMAT.json), { format: 'json', output: 'json' });
    assert.deepEqual(formatsOf('config.yaml', BY_FORMAT.binary), { format: 'binary', output: 'binary' });
  });

  it('is an object with an encrypted MAC, and no other', () => {
    assert.equal(isEncrypted({ kind: 'Secret', sops: { mac: MAC } }), true);
    for (const sops of [undefined, null, 'text', {}, { mac: 1 }])
      assert.equal(isEncrypted({ kind: 'Secret', sops }), false);
  });

  it('are single entries of a Secret, too', () => {
    const data = { a: Buffer.from(BY_FORMAT.yaml).toString('base64'), b: Buffer.from('plain').toString('base64') };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data };
    assert.deepEqual(encryptedEntries(secret), [['a', BY_FORMAT.yaml]]);
  });
});
