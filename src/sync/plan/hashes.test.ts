import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { hashOf } from '../../snapshot/index.ts';
import { createHashes } from './hashes.ts';

const configMap = (i: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name: `c${i}` },
  data: { text: `${i} `.repeat(20_000) },
});

describe('the hashes of what was rendered', () => {
  it('are computed ahead with turns for others in between, and once', async () => {
    const objects = Array.from({ length: 500 }, (_, i) => configMap(i));
    const hashes = createHashes(Buffer.from('key'));
    let turns = 0;
    const other = setInterval(() => {
      turns += 1;
    }, 0);
    await hashes.prepare(objects);
    clearInterval(other);
    assert.ok(turns > 0, 'nobody else had a turn');
    const [first] = objects as [KubeObject];
    const before = hashes.of(first);
    assert.equal(before, hashOf(first));
    first.data = {};
    assert.equal(hashes.of(first), before);
  });
});
