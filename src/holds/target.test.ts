import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RollbackHold } from '../api/hold.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { type Snapshot, SnapshotDamaged } from '../snapshot/index.ts';
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
  ];
  for (const [reason, held, answer] of refusals) {
    it(`is refused with ${reason}: ${JSON.stringify(held.spec.target)}`, async () => {
      const refused = readTarget(held, storeOf(answer));
      await assert.rejects(refused, (error) => error instanceof TargetError && error.reason === reason);
    });
  }
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

  it('are asked for again where there was none', async () => {
    const store = storeOf(() => undefined);
    const targets = createTargets(store);
    assert.equal(await targets.of(hold()), undefined);
    assert.equal(await targets.of(hold()), undefined);
    assert.equal(store.reads.length, 2);
  });
});
