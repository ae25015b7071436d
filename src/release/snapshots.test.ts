import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type ApiServer, createApiServer } from '../../test/support/api-server.ts';
import { eventually } from '../../test/support/poll.ts';
import { API_VERSION } from '../api/annotations.ts';
import { type Hold, isRollback } from '../api/hold.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { createCaches } from '../caches.ts';
import { systemClock } from '../clock.ts';
import { newRollback } from '../holds/index.ts';
import { resources } from '../kube/index.ts';
import { createSnapshotStore, ensureHistory, type SnapshotStore } from '../snapshot/index.ts';
import { createDroppedSnapshots, type DroppedSnapshots, withoutLostTarget } from './snapshots.ts';

const WEB = { namespace: 'shop', kind: 'Deployment', name: 'web' } as const;
const digestOf = (letter: string): string => `v1:${letter.repeat(64)}`;
const [GOOD, BAD] = [digestOf('a'), digestOf('b')];

describe('the snapshots of a history', () => {
  let server: ApiServer;
  let snapshots: SnapshotStore;
  let history: ReleaseHistory;
  beforeEach(async () => {
    server = createApiServer({ namespaces: ['shop'] });
    snapshots = createSnapshotStore(server.client, Buffer.from('0123456789abcdef0123456789abcdef'), systemClock);
    history = await ensureHistory(server.client, WEB);
  });

  /** Of the release `good`, which came in this commit; its name. */
  const sealed = (commit: string, sourceDigest = GOOD) =>
    snapshots.seal(WEB, {
      workload: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace: 'shop', name: 'web' } },
      config: [],
      fieldManager: 'metricops/shop/app',
      sourceDigest,
      commit,
    });
  const store = async (commit: string, sourceDigest = GOOD): Promise<string> => {
    const one = sealed(commit, sourceDigest);
    await snapshots.write(history, one);
    return one.name;
  };
  const release = (number: number, sourceDigest: string, name?: string) => ({
    number,
    sourceDigest,
    workloadUID: 'u',
    images: [],
    firstSeenTime: '2026-01-01T00:00:00Z',
    outcome: 'Good' as const,
    ...(name === undefined ? {} : { snapshotRef: { name } }),
  });

  describe('when another release becomes current', () => {
    const left = async (name: string) => {
      const records = { releases: [release(2, BAD), release(1, GOOD, name)], currentRelease: 2 };
      const after = await withoutLostTarget(WEB, 1, { records, conditions: [] }, { snapshots, now: 0 });
      const { snapshotRef } = after.records.releases?.find(({ number }) => number === 1) ?? {};
      return [snapshotRef?.name, ...after.conditions.map(({ message }) => message)];
    };

    it('keep the name of one that is stored', async () => {
      await store('1');
      const name = await store('2');
      assert.deepEqual(await left(name), [name]);
    });

    it('have the earlier one of a release that came back, where what it was applied with then was not stored', async () => {
      const earlier = await store('1');
      await store('1', BAD);
      assert.deepEqual(await left(sealed('2').name), [earlier]);
    });

    it('have none of a release that was never stored, and say so', async () => {
      await store('1', BAD);
      const { name } = sealed('2');
      const message = `no rollback target: release 1: its snapshot ${name} was not stored`;
      assert.deepEqual(await left(name), [undefined, message]);
    });
  });

  describe('that it does not name any more', () => {
    let stop: () => Promise<void>;
    let dropped: DroppedSnapshots;
    let holds: () => readonly Hold[];
    let seen: () => ReleaseHistory | undefined;
    beforeEach(async () => {
      const watched = createCaches(server.client, { clock: systemClock, random: Math.random });
      await watched.ready();
      dropped = createDroppedSnapshots(watched.caches, snapshots);
      holds = () => watched.caches.holds.list('shop');
      seen = () => watched.caches.histories.get(history.metadata);
      stop = async () => {
        dropped.stop();
        await watched.stop();
      };
    });
    afterEach(() => stop());

    /** As the recorder writes it, once the watch has shown it. */
    const name = async (...releases: ReturnType<typeof release>[]): Promise<void> => {
      const body = { spec: { ...history.spec, releases } };
      const { metadata } = await server.client.patch(resources.releaseHistories, history.metadata, {
        type: 'merge',
        body,
      });
      await eventually(() => seen()?.metadata.resourceVersion === metadata.resourceVersion);
    };
    const stored = async (): Promise<string[]> => (await snapshots.stored(WEB)).map((one) => one.name).toSorted();
    const remove = (): Promise<void> => dropped.remove(WEB, seen());

    it('are deleted', async () => {
      const [first, second, other] = [await store('1'), await store('2'), await store('1', BAD)];
      await name(release(2, BAD, other), release(1, GOOD, first));
      await name(release(2, BAD), release(1, GOOD, second));
      await remove();
      assert.deepEqual(await stored(), [second]);
    });

    it('stay while the one that is named now is not stored', async () => {
      const first = await store('1');
      await name(release(1, GOOD, first));
      await name(release(1, GOOD, sealed('2').name));
      await remove();
      assert.deepEqual(await stored(), [first]);
      const second = await store('2');
      await remove();
      assert.deepEqual(await stored(), [second]);
    });

    it('stay while a Hold goes back to them', async () => {
      const [first, second] = [await store('1'), await store('2')];
      server.seed(resources.holds, {
        apiVersion: API_VERSION,
        kind: 'Hold',
        metadata: { namespace: 'shop', name: 'bare' },
      });
      const target = { number: 1, sourceDigest: GOOD, snapshotRef: { name: first } };
      const made = newRollback({ workload: WEB, digest: BAD, target, origin: 'Manual', message: '' });
      const hold = await server.client.create(resources.holds, made);
      await eventually(() => holds().some((one) => one.spec && isRollback(one)));
      await name(release(1, GOOD, first));
      await name(release(1, GOOD, second));
      await remove();
      assert.deepEqual(await stored(), [first, second].toSorted());
      await server.client.patch(resources.holds, hold.metadata, {
        type: 'merge',
        body: { metadata: { finalizers: null } },
      });
      await server.client.delete(resources.holds, hold.metadata);
      await eventually(() => holds().length === 1);
      await remove();
      assert.deepEqual(await stored(), [second]);
    });
  });
});
