import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RollbackHold } from '../api/hold.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { KubeError } from '../kube/index.ts';
import { canonical, type Snapshot, SnapshotDamaged } from '../snapshot/index.ts';
import { createTargets, readTarget, TargetError } from './target.ts';

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
  return { reads, read };
};

describe('the target of a Hold', () => {
  it('is asked for by the workload of the Hold, in the namespace of the Hold', async () => {
    const store = storeOf();
    assert.equal((await readTarget(hold(), store)).sourceDigest, digest('a'));
    assert.deepEqual(store.reads, [[{ namespace: 'shop', kind: 'Deployment', name: 'web' }, 'web-1']]);
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

describe('the targets that are kept', () => {
  it('are read once for each Hold, and again when the Hold is changed or forgotten', async () => {
    const store = storeOf();
    const targets = createTargets(store);
    await targets.of(hold());
    await targets.of(hold());
    assert.equal(store.reads.length, 1);
    await targets.of(hold('web', {}, 2));
    assert.equal(store.reads.length, 2);
    targets.forget(hold());
    await targets.of(hold('web', {}, 2));
    assert.equal(store.reads.length, 3);
  });

  it('are bounded in bytes: the oldest go, and what is larger than all room is not kept', async () => {
    const store = storeOf(() => snapshot(1000));
    const targets = createTargets(store, 2500);
    for (const name of ['a', 'b', 'c']) await targets.of(hold(name));
    assert.equal(store.reads.length, 3);
    await targets.of(hold('c'));
    await targets.of(hold('b'));
    assert.equal(store.reads.length, 3, 'the newest two are kept');
    await targets.of(hold('a'));
    assert.equal(store.reads.length, 4);
    const large = storeOf(() => snapshot(5000));
    const none = createTargets(large, 2500);
    assert.ok(await none.of(hold()));
    assert.ok(await none.of(hold()));
    assert.equal(large.reads.length, 2);
  });

  it('fill the room to its last byte', async () => {
    const { workload, config } = snapshot(1000);
    const bytes = Buffer.byteLength(canonical([workload, ...config]));
    const store = storeOf(() => snapshot(1000));
    for (const [room, reads] of [
      [2 * bytes, 2],
      [2 * bytes - 1, 3],
      [bytes, 3],
      [bytes - 1, 4],
    ] as const) {
      store.reads.length = 0;
      const targets = createTargets(store, room);
      for (const name of ['a', 'b', 'b', 'a']) await targets.of(hold(name));
      assert.equal(store.reads.length, reads, `room for ${room} bytes`);
    }
  });

  it('give back the room of those that were changed or forgotten', async () => {
    const store = storeOf(() => snapshot(1000));
    const targets = createTargets(store, 2500);
    for (let generation = 1; generation <= 5; generation += 1) await targets.of(hold('a', {}, generation));
    await targets.of(hold('b'));
    targets.forget(hold('b'));
    targets.forget(hold('b'));
    await targets.of(hold('c'));
    store.reads.length = 0;
    await targets.of(hold('a', {}, 5));
    await targets.of(hold('c'));
    assert.equal(store.reads.length, 0);
  });

  it('do not hide that the API server did not answer', async () => {
    const targets = createTargets(
      storeOf(() => {
        throw new KubeError('no answer', { status: 0, reason: 'Unreachable' });
      }),
    );
    await assert.rejects(targets.of(hold()), { message: 'no answer' });
  });

  it('are asked for again where there was none', async () => {
    const store = storeOf(() => undefined);
    const targets = createTargets(store);
    assert.equal(await targets.of(hold()), undefined);
    assert.equal(await targets.of(hold()), undefined);
    assert.equal(store.reads.length, 2);
  });
});
