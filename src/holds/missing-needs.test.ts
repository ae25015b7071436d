import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { type KubeClient, KubeError, type Name, type ResourceType } from '../kube/index.ts';
import { type Snapshot, SnapshotDamaged } from '../snapshot/index.ts';
import { missingNeedsOf, obstacleSeenBy, obstacleToTarget } from './missing-needs.ts';

const WEB = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const SNAPSHOT: Snapshot = {
  workload: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'shop', name: 'web' },
    spec: {
      template: {
        spec: { serviceAccountName: 'web', containers: [{ name: 'c', envFrom: [{ secretRef: { name: 'login' } }] }] },
      },
    },
  },
  config: [],
  fieldManager: 'metricops/shop/app',
  sourceDigest: `v1:${'a'.repeat(64)}`,
};
/** An API server that has these kinds, and lets nobody read those. */
const having = (there: readonly string[], forbidden: readonly string[] = []): Pick<KubeClient, 'get'> => ({
  async get<T extends KubeObject>({ kind }: ResourceType, name: Name): Promise<T | undefined> {
    if (forbidden.includes(kind)) throw new KubeError('forbidden', { status: 403, reason: 'Forbidden' });
    return there.includes(kind) ? ({ apiVersion: 'v1', kind, metadata: { ...name } } as KubeObject as T) : undefined;
  },
});
const obstacle = (
  client: Pick<KubeClient, 'get'>,
  snapshot: Snapshot | undefined | Error,
): Promise<string | undefined> =>
  obstacleToTarget(
    WEB,
    { snapshotRef: { name: 's' } },
    {
      client,
      snapshots: {
        async read() {
          if (snapshot instanceof Error) throw snapshot;
          return snapshot;
        },
      },
    },
  );

describe('a target whose needs are gone', () => {
  it('is no target, and says what is missing', async () => {
    const words = 'its pods need ServiceAccount shop/web, Secret shop/login, which do not exist';
    assert.equal(await obstacle(having([]), SNAPSHOT), words);
    assert.equal(
      await obstacle(having(['Secret']), SNAPSHOT),
      'its pods need ServiceAccount shop/web, which does not exist',
    );
  });

  it('is one with all of them there, or brought by the snapshot', async () => {
    assert.equal(await obstacle(having(['ServiceAccount', 'Secret']), SNAPSHOT), undefined);
    const login = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'shop', name: 'login' } };
    assert.deepEqual(await missingNeedsOf({ ...SNAPSHOT, config: [login] }, having(['ServiceAccount'])), []);
  });

  it('is taken for one where nobody may look', async () => {
    assert.equal(await obstacle(having(['Secret'], ['ServiceAccount']), SNAPSHOT), undefined);
  });

  it('is none for a person either, who may read less and has no key', async () => {
    const target = { snapshotRef: { name: 's' } };
    const seen = (revision: KubeObject | undefined, forbidden: readonly string[] = []) => {
      const { get } = having(['Secret'], forbidden);
      const client: Pick<KubeClient, 'get'> = {
        get: async <T extends KubeObject>(type: ResourceType, name: Name) =>
          type.kind === 'ControllerRevision' && !forbidden.includes(type.kind) ? (revision as T) : get<T>(type, name),
      };
      return obstacleSeenBy(client, WEB, target);
    };
    const revision = (data: unknown): KubeObject => ({
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: { namespace: 'shop', name: 's' },
      data,
    });
    const { workload } = SNAPSHOT;
    const words = 'its pods need ServiceAccount shop/web, which does not exist';
    assert.equal(await seen(revision({ workload, config: [{}, null, { of: { kind: 'Secret' } }] })), words);
    assert.equal(await seen(revision({ workload }), ['ServiceAccount']), undefined);
    assert.equal(await seen(revision({ workload }), ['ControllerRevision']), undefined);
    assert.equal(await seen(undefined), 'ControllerRevision s is gone');
    assert.equal(await seen(revision('something else')), 'ControllerRevision s is no snapshot');
  });

  it('is none without its snapshot, or with one that was changed', async () => {
    assert.equal(await obstacle(having([]), undefined), 'ControllerRevision s is gone');
    assert.equal(await obstacle(having([]), new SnapshotDamaged('it was changed')), 'it was changed');
  });
});
