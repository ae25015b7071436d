import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { canonical } from './canonical.ts';
import { createSnapshotMemory } from './memory.ts';
import type { Snapshot } from './seal.ts';

const WEB = { namespace: 'shop', kind: 'Deployment', name: 'web' } as const;
const snapshot = (bytes = 10): Snapshot => ({
  workload: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'shop' } },
  config: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login' }, data: { p: 'x'.repeat(bytes) } }],
  fieldManager: 'metricops/shop/app',
  sourceDigest: `v1:${'a'.repeat(64)}`,
});

describe('what is remembered of snapshots', () => {
  it('is of one workload, until it is forgotten', () => {
    const memory = createSnapshotMemory();
    const noted = snapshot();
    memory.note(WEB, 'web-1', noted);
    assert.equal(memory.recall(WEB, 'web-1'), noted);
    assert.equal(memory.recall({ ...WEB, namespace: 'other' }, 'web-1'), undefined);
    assert.equal(memory.recall({ ...WEB, kind: 'StatefulSet' }, 'web-1'), undefined);
    assert.equal(memory.recall(WEB, 'web-2'), undefined);
    memory.forget(WEB, 'web-1');
    assert.equal(memory.recall(WEB, 'web-1'), undefined);
  });

  it('is bounded in bytes: the oldest go, and what is larger than all room is not kept', () => {
    const memory = createSnapshotMemory(2500);
    for (const name of ['a', 'b', 'c']) memory.note(WEB, name, snapshot(1000));
    memory.note(WEB, 'c', snapshot(1000));
    const kept = (): string[] => ['a', 'b', 'c', 'large'].filter((name) => memory.recall(WEB, name));
    assert.deepEqual(kept(), ['b', 'c'], 'the newest two');
    memory.note(WEB, 'large', snapshot(5000));
    assert.deepEqual(kept(), ['b', 'c']);
    memory.forget(WEB, 'b');
    memory.note(WEB, 'a', snapshot(1000));
    assert.deepEqual(kept(), ['a', 'c'], 'what was forgotten left its room');
  });

  it('fills its room to the last byte', () => {
    const { workload, config } = snapshot();
    const bytes = Buffer.byteLength(canonical([workload, ...config]));
    for (const [room, kept] of [
      [2 * bytes, ['a', 'b']],
      [2 * bytes - 1, ['b']],
      [bytes, ['b']],
      [bytes - 1, []],
    ] as const) {
      const memory = createSnapshotMemory(room);
      for (const name of ['a', 'b']) memory.note(WEB, name, snapshot());
      assert.deepEqual(
        ['a', 'b'].filter((name) => memory.recall(WEB, name)),
        kept,
        `room for ${room} bytes`,
      );
    }
  });
});
