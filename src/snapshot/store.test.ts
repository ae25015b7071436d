import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { KubeError } from '../kube/errors.ts';
import type { KubeClient, Name, ResourceType } from '../kube/types.ts';
import type { Snapshot } from './seal.ts';
import { createSnapshotStore } from './store.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const WEB = { namespace: 'shop', kind: 'Deployment', name: 'web' } as const;
const START = Date.parse('2026-01-01T00:00:00Z');
const HISTORY: ReleaseHistory = {
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'ReleaseHistory',
  metadata: { namespace: 'shop', name: 'deployment-web', uid: 'u' },
  spec: { workloadRef: { kind: 'Deployment', name: 'web' } },
};
const release = (image: string, password: string): Snapshot => ({
  workload: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { template: { spec: { containers: [{ name: 'web', image }] } } },
  },
  config: [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login', namespace: 'shop' }, stringData: { password } },
  ],
  fieldManager: 'metricops/shop/app',
  sourceDigest: `v1:${'a'.repeat(64)}`,
});

/** As much of an API server as a store needs; `pause` is waited for before each revision is made. */
const serverAt = (now: () => number) => {
  const objects = new Map<string, KubeObject>();
  const server = { pause: async (): Promise<void> => {}, names: (): string[] => [...objects.keys()].toSorted() };
  const keyOf = (type: ResourceType, { name }: Name): string => `${type.kind}/${name}`;
  const client: Pick<KubeClient, 'get' | 'list' | 'create' | 'delete'> = {
    async get<T extends KubeObject>(type: ResourceType, name: Name) {
      return objects.get(keyOf(type, name)) as T | undefined;
    },
    async list<T extends KubeObject>(type: ResourceType) {
      const items = [...objects.entries()]
        .filter(([key]) => key.startsWith(`${type.kind}/`))
        .map(([, object]) => object);
      return { items: items as T[], resourceVersion: '1' };
    },
    async create<T extends KubeObject>(type: ResourceType, object: T) {
      if (type.kind === 'ControllerRevision') await server.pause();
      const key = keyOf(type, object.metadata);
      if (objects.has(key)) throw new KubeError('it exists', { status: 409, reason: 'AlreadyExists' });
      const creationTimestamp = new Date(now()).toISOString();
      objects.set(key, structuredClone({ ...object, metadata: { ...object.metadata, creationTimestamp } }));
      return object;
    },
    async delete(type, name) {
      objects.delete(keyOf(type, name));
    },
  };
  return { server, client: client as KubeClient };
};

const start = () => {
  let now = START;
  const { server, client } = serverAt(() => now);
  const store = createSnapshotStore(client, KEY, { now: () => now });
  const write = async (snapshot: Snapshot): Promise<string> => {
    const sealed = store.seal(WEB, snapshot);
    await store.write(HISTORY, sealed);
    return sealed.name;
  };
  const pass = (ms: number): void => {
    now += ms;
  };
  return { server, store, write, pass };
};

describe('the store of snapshots', () => {
  it('gives back what was written, and writes the same once', async () => {
    const { server, store, write } = start();
    const name = await write(release('shop:v1', 'p'));
    assert.equal(await write(release('shop:v1', 'p')), name);
    assert.equal(server.names().length, 2);
    assert.deepEqual(await store.read(WEB, name), release('shop:v1', 'p'));
  });

  it('removes a snapshot with the copies that no other one needs', async () => {
    const { server, store, write, pass } = start();
    const [first, second, third] = [
      await write(release('shop:v1', 'old')),
      await write(release('shop:v2', 'shared')),
      await write(release('shop:v3', 'shared')),
    ];
    pass(3_600_000);
    await store.remove(HISTORY, new Set([first, second]));
    assert.equal(server.names().length, 2);
    assert.deepEqual(await store.read(WEB, third), release('shop:v3', 'shared'));
  });

  it('does not remove the copy that a snapshot takes over which is being written', async () => {
    const { server, store, write, pass } = start();
    const old = await write(release('shop:v1', 'shared'));
    pass(3_600_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.pause = () => promise;
    const writing = write(release('shop:v2', 'shared'));
    const removing = store.remove(HISTORY, new Set([old]));
    resolve();
    const name = await writing;
    await removing;
    assert.deepEqual(await store.read(WEB, name), release('shop:v2', 'shared'));
  });

  it('leaves young copies alone: a former leader may still be writing their revision', async () => {
    const { server, store, write, pass } = start();
    const old = await write(release('shop:v1', 'p'));
    pass(60_000);
    await store.remove(HISTORY, new Set([old]));
    assert.deepEqual(
      server.names().map((name) => name.split('/')[0]),
      ['Secret'],
    );
  });

  it('takes another conflict than that of being there for a failure', async () => {
    const { server, store } = start();
    server.pause = async () => {
      throw new KubeError('the quota was changed meanwhile', { status: 409, reason: 'Conflict' });
    };
    await assert.rejects(store.write(HISTORY, store.seal(WEB, release('shop:v1', 'p'))), /the quota was changed/);
  });
});
