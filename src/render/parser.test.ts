import assert from 'node:assert/strict';
import { after, describe, it } from 'mocha';
import { createParser } from './parser.ts';

describe('the parser of manifests', () => {
  const TIMEOUT_MS = 3_000;
  const parser = createParser({ timeoutMs: TIMEOUT_MS });
  after(() => parser.close());
  const small = { file: 'a.yaml', text: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}' };
  /** Tens of millions of nodes: seconds of work. */
  const endless = { file: 'b.yaml', text: `a:\n${'- [1, 2, 3, 4, 5, 6, 7, 8]\n'.repeat(1_000_000)}` };
  /** As large as the other, and a matter of milliseconds. */
  const long = { file: 'c.yaml', text: `${small.text}\ndata: {a: "${'x'.repeat(1_100_000)}"}` };

  it('lets manifests that take too long delay no small ones, and fail no other large ones', async () => {
    const done: string[] = [];
    const note = (name: string) => () => void done.push(name);
    const tooLong = parser.parse([endless]);
    await Promise.all([
      assert
        .rejects(tooLong, { code: 'ManifestTooLarge', message: /longer than 3 s|within 160 MB/ })
        .then(note('endless')),
      parser.parse([small]).then(note('small')),
      parser.parse([long]).then(note('long')),
    ]);
    assert.deepEqual(done, ['small', 'endless', 'long']);
  });
}).timeout(30_000);
