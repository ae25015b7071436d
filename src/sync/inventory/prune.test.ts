import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../../test/support/api-server.ts';
import { gitSync } from '../../../test/support/objects.ts';
import { labels } from '../../api/annotations.ts';
import { managerOf, ownerLabelOf } from '../../api/gitsync-names.ts';
import { keyOf, keyString } from '../../api/meta.ts';
import { unrestrictedPolicy } from '../../api/platform-policy.ts';
import { systemClock } from '../../clock.ts';
import { createFairSemaphore } from '../../fair-semaphore.ts';
import { createDiscovery, resources } from '../../kube/index.ts';
import { createKeyedLock } from '../../lock.ts';
import { silentLog } from '../../telemetry/index.ts';
import { createOwnedObjects } from '../objects/owned-objects.ts';
import { createHandover } from './handover.ts';
import { pruneAll } from './prune.ts';
import { createRediscovery } from './rediscover.ts';
import { releaseObjects } from './removal.ts';

const sync = gitSync('app', undefined);

/** A ConfigMap that the GitSync applied, and a namespace whose only turn is taken. */
const setUp = async () => {
  const server = createApiServer({ namespaces: ['shop'] });
  const { client } = server;
  const metadata = { namespace: 'shop', name: 'a', labels: { [labels.sync]: ownerLabelOf(sync) } };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { k: '1' } };
  await client.apply(resources.configMaps, object, { fieldManager: managerOf(sync) });
  const discovery = createDiscovery(client, systemClock);
  const ports = {
    client,
    discovery,
    owned: createOwnedObjects(
      client,
      { clock: systemClock, random: () => 0.5 },
      () => {},
      () => undefined,
    ),
    lost: createRediscovery(client, discovery),
    turns: createFairSemaphore({ slots: 1, perGroup: 1 }),
    lock: createKeyedLock(),
    handover: createHandover({
      clock: systemClock,
      syncs: () => [],
      syncOf: () => undefined,
      sources: { head: () => undefined, holds: () => false },
      policy: () => unrestrictedPolicy,
      onChange: () => {},
    }),
    signal: new AbortController().signal,
    occurred: () => {},
    log: silentLog(),
    systemNamespace: 'metricops-system',
  };
  let leave = (): void => {};
  const taken = ports.turns(
    'shop',
    () =>
      new Promise<void>((resolve) => {
        leave = resolve;
      }),
  );
  const live = () => server.get(resources.configMaps, 'shop', 'a');
  return { ports, key: keyString(keyOf(object)), object, live, leave: () => leave(), taken };
};

describe('an object that leaves a GitSync', () => {
  const ways: Record<string, (world: Awaited<ReturnType<typeof setUp>>) => Promise<unknown>> = {
    'is to be deleted': ({ ports, key }) =>
      pruneAll(sync, { applied: new Map() }, { keys: [key], commit: undefined }, ports),
    'is to be released': ({ ports, key, object }) =>
      releaseObjects(sync, [{ key, parsed: keyOf(object), type: resources.configMaps, object }], ports),
  };
  for (const [what, leave] of Object.entries(ways))
    it(`keeps no rollback of it waiting while it ${what} and only queues for its turn`, async () => {
      const world = await setUp();
      const { ports, key, live, taken } = world;
      const left = leave(world);
      // The write is in the line now: it reads from the watch alone, which answers at once.
      await ports.owned.of(resources.configMaps);
      await new Promise(setImmediate);
      let rolledBack = false;
      const rollback = ports.lock(key, async () => {
        rolledBack = true;
      });
      await new Promise(setImmediate);
      assert.ok(rolledBack, 'the rollback waits for a write that waits for its turn');
      assert.ok(live()?.metadata.labels?.[labels.sync]);
      world.leave();
      await Promise.all([rollback, taken, left]);
      assert.equal(live()?.metadata.labels?.[labels.sync], undefined);
      await ports.owned.stop();
    });
});
