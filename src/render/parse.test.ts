import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ReasonError } from '../api/reason-error.ts';
import { type ManifestText, parseAll } from './parse.ts';

const MAC = 'ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]';
const manifest = (kind: string, more = ''): string =>
  `apiVersion: ${kind === 'Ingress' ? 'networking.k8s.io/v1' : 'v1'}\nkind: ${kind}\nmetadata: {name: a}\n${more}`;
const encrypted = manifest('Secret', `data: {a: "${MAC}"}\nsops: {mac: "${MAC}"}\n`);
const parse = (text: string, sops?: ManifestText['sops']) =>
  parseAll([{ file: 'a.yaml', text, ...(sops && { sops }) }]);
const isRefused = (code: string, message: RegExp) => (error: ReasonError) =>
  error.code === code && message.test(error.message);

describe('a manifest that sops encrypted', () => {
  it('is refused with its place and what to do', () => {
    assert.throws(
      () => parse(encrypted),
      isRefused('NotDecrypted', /^a.yaml \(Secret a\) is encrypted by sops: set spec.decryption/),
    );
  });

  it('is refused so when its kind is encrypted, too', () => {
    const all = `apiVersion: "${MAC}"\nkind: "${MAC}"\nsops: {mac: "${MAC}"}\n`;
    assert.throws(() => parse(all), isRefused('NotDecrypted', /^a.yaml, document 1 is encrypted by sops/));
  });

  it('is taken as it is where it will be decrypted', () => assert.equal(parse(encrypted, 'Kept').length, 1));

  it('is applied as it is where its kind is of a controller that decrypts it', () => {
    const text = encrypted.replace(
      'apiVersion: v1\nkind: Secret',
      'apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret',
    );
    assert.equal(parse(text).length, 1);
  });

  it('is not each object with a field of that name', () => {
    assert.equal(parse(manifest('Secret', 'sops: {mac: {}}\n')).length, 1);
  });
});

describe('a manifest that was decrypted', () => {
  const marksOf = (text: string) => parse(text, 'Decrypted').map(({ metadata }) => metadata.annotations);

  it('is marked as one that holds a secret, where it is no Secret', () => {
    assert.deepEqual(marksOf(manifest('Ingress')), [{ 'metricops.dev/holds-secret': 'true' }]);
    assert.deepEqual(marksOf(manifest('Secret')), [undefined]);
  });

  for (const kind of ['ConfigMap', 'Service'])
    it(`is refused as a ${kind}, which is recorded with releases`, () => {
      const instead = /^(ConfigMap|Service) a would hold the value of a Secret, .*: write it into a Secret/;
      assert.throws(() => parse(manifest(kind), 'Decrypted'), isRefused('DecryptionFailed', instead));
    });
});
