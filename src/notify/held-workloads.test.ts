import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type HoldBench, startHoldBench } from '../../test/support/holds.ts';
import { eventually } from '../../test/support/poll.ts';
import { annotations } from '../api/annotations.ts';
import type { Hold } from '../api/hold.ts';
import { watchWorkloads } from '../caches.ts';
import type { Clock } from '../clock.ts';
import { ROLLBACK_FIRST_MS } from '../holds/index.ts';
import { createWatchCache, KubeError, resources } from '../kube/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { startHeldWorkloads } from './held-workloads.ts';

const HELD_BY = annotations.heldBy;
const INCIDENT = annotations.incident;

describe('the annotations of a held workload', () => {
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  /** The queue of the Holds, and the annotations beside it. */
  const start = async (
    before: (bench: HoldBench) => Promise<unknown> = async () => {},
    sleep: Clock['sleep'] = async () => {},
  ) => {
    const bench = await startHoldBench();
    stops.push(bench.stop);
    bench.controller.start();
    await before(bench);
    const { client, clock } = bench;
    const ports = { clock, random: () => 0.5 };
    const holds = createWatchCache<Hold>(client, resources.holds, {}, ports);
    const workloads = watchWorkloads(client, ports);
    const all = [holds, ...Object.values(workloads)];
    await Promise.all(all.map((cache) => cache.ready()));
    const own = { ...ports, clock: { ...clock, sleep } };
    const room = startHeldWorkloads({ ...own, client, caches: { holds, workloads }, log: silentLog() });
    stops.push(() => Promise.all(all.map((cache) => cache.stop())), room.stop);
    return bench;
  };
  const notesOf = ({ live }: HoldBench) => {
    const notes = live()?.metadata.annotations ?? {};
    return [notes[HELD_BY], notes[INCIDENT]];
  };
  const become = (bench: HoldBench, ...wanted: (string | undefined)[]) =>
    eventually(
      () => {
        assert.deepEqual(notesOf(bench), wanted);
        return true;
      },
      { what: 'the annotations', timeoutMs: 5_000, everyMs: 5 },
    );
  const annotate = ({ client }: HoldBench, notes: Record<string, string | null>) =>
    client.patch(
      resources.deployments,
      { namespace: 'shop', name: 'web' },
      { type: 'merge', body: { metadata: { annotations: notes } } },
      { fieldManager: 'kubectl-annotate' },
    );

  it('name the Hold and its incident while the target runs, and go when the Hold is lifted', async () => {
    const bench = await start();
    const { metadata } = await bench.create(bench.rollback({ incident: 'web-2-abc' }));
    await become(bench, metadata.name, 'web-2-abc');
    const before = JSON.stringify(bench.live()?.spec);
    await bench.client.delete(resources.holds, metadata);
    await become(bench, undefined, undefined);
    assert.equal(JSON.stringify(bench.live()?.spec), before, 'no pod restarts for it');
  });

  it('come when the rollback has been applied: it waits for none of their requests', async () => {
    const waits: { ms: number; end: () => void }[] = [];
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => void waits.push({ ms, end: resolve }));
    const bench = await start(undefined, sleep);
    const { metadata } = await bench.create();
    await bench.phase('Held');
    assert.deepEqual(notesOf(bench), [undefined, undefined]);
    assert.deepEqual(
      waits.map(({ ms }) => ms),
      [ROLLBACK_FIRST_MS],
    );
    waits[0]?.end();
    await become(bench, metadata.name, undefined);
  });

  it('name no incident where a person holds the release', async () => {
    const bench = await start();
    const { metadata } = await bench.create();
    await become(bench, metadata.name, undefined);
  });

  it('are there after a restart, and go when another release runs', async () => {
    const bench = await start(async (before) => {
      await before.create();
      await before.phase('Held');
    });
    await become(bench, bench.hold()?.metadata.name, undefined);
    await bench.deploy('shop:v3');
    await bench.phase('Dormant');
    await become(bench, undefined, undefined);
  });

  it('are corrected where somebody copied, changed or removed them', async () => {
    const bench = await start();
    // As `kubectl rollout undo` brings them along from a ReplicaSet.
    await annotate(bench, { [HELD_BY]: 'long-gone', [INCIDENT]: 'long-gone' });
    await become(bench, undefined, undefined);
    const { metadata } = await bench.create(bench.rollback({ incident: 'web-2-abc' }));
    await become(bench, metadata.name, 'web-2-abc');
    await annotate(bench, { [HELD_BY]: null, [INCIDENT]: 'another' });
    await become(bench, metadata.name, 'web-2-abc');
  });

  it('are not there before the target runs', async () => {
    const bench = await start();
    bench.server.fault = ({ verb, type, body }) => {
      const isRollback = JSON.stringify(body ?? '').includes('shop:v1');
      if (verb === 'patch' && type.kind === 'Deployment' && isRollback)
        throw new KubeError('admission webhook denied', { status: 403, reason: 'Forbidden' });
      return undefined;
    };
    await bench.create();
    await bench.phase('Failed');
    await annotate(bench, { other: 'x' }); // an event that they would be written at
    await eventually(() => bench.live()?.metadata.annotations?.other === 'x');
    assert.deepEqual(notesOf(bench), [undefined, undefined]);
  });

  it('cost a request where they change, and none otherwise', async () => {
    const bench = await start();
    const { metadata } = await bench.create();
    await become(bench, metadata.name, undefined);
    bench.server.requests.length = 0;
    for (const other of ['1', '2', '3']) await annotate(bench, { other });
    await bench.client.delete(resources.holds, metadata);
    await become(bench, undefined, undefined);
    const own = bench.server.requests.filter(({ fieldManager }) => fieldManager === 'metricops-held');
    assert.equal(own.length, 1);
  });
});
