import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RollbackHold } from '../api/hold.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { KubeError } from '../kube/index.ts';
import { type Snapshot, SnapshotDamaged } from '../snapshot/index.ts';
import { readTarget, TargetError } from './target.ts';

const digest = (letter: string): string => `v1:${letter.repeat(64)}`;
const snapshot = (bytes = 10): Snapshot => ({
  workload: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { template: { spec: { containers: [{ name: 'c', image: 'shop:v1' }] } } },
  },
  config: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login' }, data: { p: 'x'.repeat(bytes) } }],
  fieldManager: 'metricops/shop/app',
  sourceDigest: digest('a'),
});
const hold = (name = 'web', target: Partial<RollbackHold['spec']['target']> = {}, generation = 1): RollbackHold => ({
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'Hold',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, generation },
  spec: {
    workloadRef: { kind: 'Deployment', name: 'web' },
    action: 'Rollback',
    scope: 'Workload',
    rejectedDigests: [digest('b')],
    target: { release: 1, sourceDigest: digest('a'), snapshotRef: { name: 'web-1' }, ...target },
    origin: 'Manual',
  },
});
/** Answers each read with the same, and notes it. */
const storeOf = (answer: () => Snapshot | undefined = snapshot) => {
  const reads: [WorkloadKey, string][] = [];
  const read = async (workload: WorkloadKey, name: string): Promise<Snapshot | undefined> => {
    reads.push([workload, name]);
    return answer();
  };
  return { reads, read, recall: (): Snapshot | undefined => undefined };
};

describe('the target of a Hold', () => {
  it('is asked for by the workload of the Hold, in the namespace of the Hold', async () => {
    const store = storeOf();
    assert.equal((await readTarget(hold(), store)).sourceDigest, digest('a'));
    assert.deepEqual(store.reads, [[{ namespace: 'shop', kind: 'Deployment', name: 'web' }, 'web-1']]);
  });

  it('is not asked for again where it is remembered, and refused as if it had been', async () => {
    const store = { ...storeOf(), recall: () => snapshot() };
    assert.equal((await readTarget(hold(), store)).sourceDigest, digest('a'));
    await assert.rejects(readTarget(hold('web', { sourceDigest: digest('c') }), store), TargetError);
    assert.deepEqual(store.reads, []);
  });

  const refusals: [string, RollbackHold, () => Snapshot | undefined][] = [
    ['SnapshotMissing', hold(), () => undefined],
    [
      'SnapshotDamaged',
      hold(),
      () => {
        throw new SnapshotDamaged('changed');
      },
    ],
    ['SnapshotMismatch', hold('web', { sourceDigest: digest('c') }), snapshot],
    ['SnapshotMismatch', hold('web', { images: [{ container: 'c', image: 'evil.example.com/miner:v1' }] }), snapshot],
    ['SnapshotMismatch', hold('web', { images: [{ container: 'c', image: 'miner@sha256:aa' }] }), snapshot],
    ['SnapshotMismatch', hold('web', { images: [{ container: 'other', image: 'shop@sha256:aa' }] }), snapshot],
    ['SnapshotMismatch', hold('web', { images: [{ container: 'c', image: 'shop:v1' }] }), snapshot],
  ];
  for (const [reason, held, answer] of refusals) {
    it(`is refused with ${reason}: ${JSON.stringify(held.spec.target)}`, async () => {
      const refused = readTarget(held, storeOf(answer));
      await assert.rejects(refused, (error) => error instanceof TargetError && error.reason === reason);
    });
  }
});

describe('a target that can not be read now', () => {
  it('is no target that is gone or damaged: the error of the API server is not hidden', async () => {
    const unreachable = new KubeError('no answer', { status: 0, reason: 'Unreachable' });
    const refused = readTarget(
      hold(),
      storeOf(() => {
        throw unreachable;
      }),
    );
    await assert.rejects(refused, (error) => error === unreachable);
  });
});

describe('the pins of a target', () => {
  const pinned = (...images: { container: string; image: string }[]) => readTarget(hold('web', { images }), storeOf());

  it('are contents of the repositories that its containers name', async () => {
    assert.deepEqual(await pinned({ container: 'c', image: 'shop@sha256:aa' }), snapshot());
  });

  it('are refused in words that name the image, the container and what is wrong', async () => {
    const good = { container: 'c', image: 'shop@sha256:aa' };
    await assert.rejects(pinned(good, { container: 'c', image: 'shop:v1' }), {
      message: 'target.images: shop:v1 of container c has no @sha256: digest',
    });
    await assert.rejects(pinned(good, { container: 'c', image: 'miner@sha256:aa' }), {
      message: 'target.images: miner@sha256:aa is not of the repository of container c in release 1',
    });
  });
});
