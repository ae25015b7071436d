import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RollbackHold } from '../../api/hold.ts';
import { isWorkload, matchHolds } from './match-holds.ts';
import type { PlannedObject } from './types.ts';

const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
const object = (apiVersion: string, kind: string) => ({
  apiVersion,
  kind,
  metadata: { namespace: 'shop', name: 'web' },
});
const key = 'shop_web_apps_Deployment';
const desiredWith = (digests?: object): Map<string, PlannedObject> =>
  new Map([
    [
      key,
      { key, object: object('apps/v1', 'Deployment'), hash: 'h', ...(digests ? { digests } : {}) } as PlannedObject,
    ],
  ]);
const hold = {
  metadata: { namespace: 'shop', name: 'h' },
  spec: { workloadRef: { kind: 'Deployment', name: 'web' }, rejectedDigests: [digest(2), digest(3)] },
} as RollbackHold;
const holds = [{ hold, target: undefined }];

describe('a Hold and what is rendered', () => {
  it('holds a workload with a digest that it rejects, with nothing said of it yet', () => {
    const workload = { kind: 'Deployment', name: 'web', namespace: 'shop' } as const;
    assert.deepEqual(matchHolds(desiredWith({ sourceDigest: digest(3) }), holds), {
      held: [{ workload, hold, digest: digest(3), notes: [], key, target: undefined }],
      passed: [],
    });
  });

  it('lets any other digest pass, and says which', () => {
    const { held, passed } = matchHolds(desiredWith({ sourceDigest: digest(4) }), holds);
    assert.deepEqual([held, passed], [[], [{ hold, digest: digest(4) }]]);
  });

  it('says nothing of a workload that is not rendered, or has no digest', () => {
    for (const desired of [new Map<string, PlannedObject>(), desiredWith()])
      assert.deepEqual(matchHolds(desired, holds), { held: [], passed: [] });
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
