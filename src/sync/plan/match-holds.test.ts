import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { planInput } from '../../../test/support/plan.ts';
import type { RollbackHold } from '../../api/hold.ts';
import type { KubeObject } from '../../api/meta.ts';
import { isWorkload } from './match-holds.ts';
import { plan } from './plan.ts';

const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
const object = (apiVersion: string, kind: string): KubeObject => ({
  apiVersion,
  kind,
  metadata: { namespace: 'shop', name: 'web' },
});
const hold = {
  metadata: { namespace: 'shop', name: 'h' },
  spec: { workloadRef: { kind: 'Deployment', name: 'web' }, rejectedDigests: [digest(2), digest(3)] },
} as RollbackHold;
/** The plan under that Hold, whose target is not there, of objects with this digest. */
const planOf = (sourceDigest: string, ...rendered: KubeObject[]) =>
  plan(
    planInput({
      rendered,
      digestsOf: () => ({ sourceDigest, references: [] }),
      holds: [{ hold, target: undefined }],
    }),
  );

describe('a Hold and what is rendered', () => {
  it('holds a workload with a digest that it rejects', () => {
    const { held, passed } = planOf(digest(3), object('apps/v1', 'Deployment'));
    assert.deepEqual([held.length, passed], [1, []]);
    assert.deepEqual(held[0]?.workload, { kind: 'Deployment', name: 'web', namespace: 'shop' });
    assert.deepEqual([held[0]?.hold, held[0]?.digest], [hold, digest(3)]);
  });

  it('lets any other digest pass, and says which', () => {
    const { held, passed } = planOf(digest(4), object('apps/v1', 'Deployment'));
    assert.deepEqual([held, passed], [[], [{ hold, digest: digest(4) }]]);
  });

  it('says nothing of a workload that is not rendered', () => {
    for (const rendered of [[], [object('apps/v1', 'StatefulSet')], [object('example.com/v1', 'Deployment')]]) {
      const { held, passed } = planOf(digest(3), ...rendered);
      assert.deepEqual([held, passed], [[], []]);
    }
  });

  it('is about workloads of apps only', () => {
    const known = [
      ['apps/v1', 'Deployment'],
      ['apps/v1', 'StatefulSet'],
      ['apps/v1', 'DaemonSet'],
      ['apps/v1', 'ReplicaSet'],
      ['example.com/v1', 'Deployment'],
      ['v1', 'ConfigMap'],
    ].map(([apiVersion = '', kind = '']) => isWorkload(object(apiVersion, kind)));
    assert.deepEqual(known, [true, true, true, false, false, false]);
  });
});
