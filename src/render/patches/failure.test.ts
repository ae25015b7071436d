import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import type { Build } from './build.ts';
import { failureOf } from './failure.ts';

const secret: KubeObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, stringData: { a: 'hunter2' } };
const patches = ['a', 'b', 'c', 'd', 'e'].map((patch) => ({ patch }));
const failed = { code: 'KustomizeFailed', why: 'failed: hunter2 is no map' } as const;
const slow = { code: 'ManifestTooLarge', why: 'took longer than 60 s; split it into several GitSyncs' } as const;

describe('which patch failed', () => {
  /** @param runs how each run ends, by how many patches it is given */
  const setUp = (runs: (count: number) => 'ok' | typeof slow | { code: 'KustomizeFailed'; why: string }) => {
    const counts: number[] = [];
    const build: Build = async (objects, asked) => {
      assert.doesNotMatch(JSON.stringify(objects), /hunter2/);
      counts.push(asked.patches.length);
      const end = runs(asked.patches.length);
      return end === 'ok' ? { ok: true, text: '', token: '' } : { ok: false, ...end };
    };
    return {
      counts,
      of: (first: typeof failed | typeof slow) => failureOf(first, [secret], { patches, images: [] }, build),
    };
  };

  for (const [bad, name] of patches.map(({ patch }, i) => [i, patch] as const))
    it(`is found in few runs, and shown in words that hold no value: ${name}`, async () => {
      const { counts, of } = setUp((count) => (count > bad ? { ...failed, why: `failed: at ${count}` } : 'ok'));
      const { code, message } = await of(failed);
      assert.deepEqual([code, message], ['PatchFailed', `spec.patches[${bad}] failed: at ${bad + 1}`]);
      assert.ok(counts.length <= 4, `${counts}`);
    });

  it('is not said where it fails at the value of a Secret only', async () => {
    const { message } = await setUp(() => 'ok').of(failed);
    assert.match(message, /failed at an object with the value of a Secret; what kustomize says is not shown$/);
  });

  it('is narrowed down as far as there is time', async () => {
    const { of } = setUp((count) => (count === 5 ? { ...failed, why: 'failed: no map' } : slow));
    assert.equal((await of(failed)).message, 'one of spec.patches[0] to [4] failed: no map');
    assert.match((await setUp(() => slow).of(failed)).message, /what kustomize says is not shown$/);
  });

  it('is not asked where the process had too little time or memory', async () => {
    const { counts, of } = setUp(() => slow);
    const { code, message } = await of(slow);
    assert.deepEqual([code, message, counts], ['ManifestTooLarge', `kustomize build of spec.patches ${slow.why}`, []]);
  });
});
