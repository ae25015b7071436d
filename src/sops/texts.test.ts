import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { encryptedAmong } from './texts.ts';

const encrypted = (bytes: number): Buffer =>
  Buffer.from(`a: ENC[AES256_GCM,data:${'x'.repeat(bytes)}]\nsops:\n  mac: ENC[AES256_GCM,data:y]\n`);

describe('what sops encrypted among the files of a render', () => {
  it('is read, and of all others nothing is kept', async () => {
    const files: Record<string, Uint8Array> = {
      'a.env': Buffer.from(`#${'a'.repeat(1000)}`),
      'b.yaml': encrypted(10),
      'quoted.yaml': Buffer.from('words: ENC[AES256_GCM, and no more'),
    };
    const found = await encryptedAmong([...Object.keys(files), 'missing.yaml'], async (file) => files[file]);
    assert.deepEqual(
      found.map(({ file }) => file),
      ['b.yaml'],
    );
  });

  it('is refused as soon as it is more than is taken of one GitSync: no further file is read', async () => {
    let read = 0;
    const names = Array.from({ length: 300 }, (_, i) => `${i}.yaml`);
    const found = encryptedAmong(names, async () => {
      read += 1;
      return encrypted(3 * 1024 * 1024);
    });
    await assert.rejects(found, { code: 'ManifestTooLarge', message: /files that sops encrypted have \d+ bytes/ });
    assert.equal(read, 2);
  });
});
