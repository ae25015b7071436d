import type { Hold, RollbackHold } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Occurrence } from '../../src/api/occurrence.ts';
import { watchWorkloads } from '../../src/caches.ts';
import { createHoldController, type HoldController, newRollback } from '../../src/holds/index.ts';
import { createWatchCache, resources } from '../../src/kube/index.ts';
import { createKeyedLock } from '../../src/lock.ts';
import {
  createSnapshotStore,
  ensureHistory,
  LIVE_MANAGER,
  runningRelease,
  type Snapshot,
} from '../../src/snapshot/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { type ApiServer, createApiServer } from './api-server.ts';
import { fakeClock } from './clock.ts';
import { eventually } from './poll.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const web = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;

export const deploymentOf = (image: string, more: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'web', ...more },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
  },
});

export const imageIn = (workload: KubeObject | undefined): string | undefined =>
  (workload?.spec as { template: { spec: { containers: { image: string }[] } } } | undefined)?.template.spec
    .containers[0]?.image;

export type HoldBench = Awaited<ReturnType<typeof startHoldBench>>;

/**
 * The queue of the Holds over an API server in memory, with a clock that the test moves. Deployment web of namespace
 * shop was released as shop:v1, which is recorded, then as shop:v2, by a CI that no GitSync knows.
 */
export const startHoldBench = async (
  ports: Partial<Parameters<typeof createHoldController>[0]> = {},
  snapshot: Partial<Snapshot> = {},
) => {
  const time = fakeClock();
  const clock = { ...time.clock, now: () => Date.parse('2026-01-01T12:00:00Z') + time.clock.now() };
  const server: ApiServer = createApiServer({ namespaces: ['shop'], now: clock.now });
  const { client } = server;
  const { group, kind, plural, version } = resources.holds;
  const definition = {
    group,
    scope: 'Namespaced',
    names: { kind, plural },
    versions: [{ name: version, served: true }],
  };
  server.seed(resources.crds, { metadata: { name: `${plural}.${group}` }, spec: definition });
  const snapshots = createSnapshotStore(client, KEY, clock);
  const deploy = (image: string, fieldManager = 'ci'): Promise<KubeObject> =>
    client.apply(resources.deployments, deploymentOf(image), { fieldManager, force: true });

  const good = runningRelease(await deploy('shop:v1')).digest;
  const { spec } = deploymentOf('shop:v1') as KubeObject & { spec: { template: object } };
  const sealed = snapshots.seal(web, {
    workload: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: deploymentOf('').metadata,
      spec: { template: spec.template },
    },
    config: [],
    fieldManager: LIVE_MANAGER,
    sourceDigest: good,
    ...snapshot,
  });
  await snapshots.write(await ensureHistory(client, web), sealed);
  const bad = runningRelease(await deploy('shop:v2')).digest;
  const target = { number: 1, sourceDigest: snapshot.sourceDigest ?? good, snapshotRef: { name: sealed.name } };
  const rollback = (more: Partial<Parameters<typeof newRollback>[0]> = {}): RollbackHold =>
    newRollback({ workload: web, digest: bad, target, origin: 'Manual', message: '', ...more });

  const cachePorts = { clock, random: () => 0.5 };
  const holds = createWatchCache<Hold>(client, resources.holds, {}, cachePorts);
  const workloads = watchWorkloads(client, cachePorts);
  const occurrences: Occurrence[] = [];
  const metrics = createMetrics();
  const stopped = new AbortController();
  /** Of a leader; each has a queue and a memory of its own. */
  const lead = (own: typeof ports = {}): HoldController =>
    createHoldController({
      client,
      snapshots,
      clock,
      random: () => 0.5,
      log: silentLog(),
      metrics,
      occurred: (occurrence) => occurrences.push(occurrence),
      lock: createKeyedLock(),
      signal: stopped.signal,
      holds,
      workloads,
      accountOf: () => undefined,
      onRestored: () => {},
      onChange: () => {},
      ...ports,
      ...own,
    });
  const controller = lead();
  await Promise.all([holds, ...Object.values(workloads)].map((cache) => cache.ready()));
  const live = (): KubeObject | undefined => server.get(resources.deployments, 'shop', 'web');
  const only = (): Hold | undefined => server.list(resources.holds)[0] as Hold | undefined;
  /** The only Hold, when it is as wanted. */
  const until = (isWanted: (hold: Hold) => boolean, what: string): Promise<Hold> =>
    eventually(
      () => {
        const hold = only();
        if (hold && isWanted(hold)) return hold;
        throw new Error(JSON.stringify(hold?.status));
      },
      { what, timeoutMs: 5_000, everyMs: 5 },
    );
  return {
    server,
    client,
    clock,
    advance: time.advance,
    controller,
    lead,
    metrics,
    occurrences,
    snapshots,
    deploy,
    good,
    bad,
    rollback,
    create: (hold: Hold = rollback()): Promise<Hold> => client.create<Hold>(resources.holds, hold),
    live,
    image: () => imageIn(live()),
    hold: only,
    until,
    phase: (phase: NonNullable<Hold['status']>['phase']) =>
      until(({ status }) => status?.phase === phase, `phase ${phase}`),
    /** Resolves when the watch has shown the Hold. */
    shown: () => eventually(() => holds.list().length > 0, { what: 'the watch', everyMs: 5 }),
    async stop() {
      stopped.abort(new Error('no longer the leader'));
      await controller.stop();
      await Promise.all([holds, ...Object.values(workloads)].map((cache) => cache.stop()));
    },
  };
};
