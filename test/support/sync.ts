import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { GitSync, GitSyncSpec } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { PlatformPolicy } from '../../src/api/platform-policy.ts';
import { systemClock } from '../../src/clock.ts';
import { createGit } from '../../src/git/index.ts';
import { createEventRecorder, createWatchCache, resources } from '../../src/kube/index.ts';
import { createSnapshotStore } from '../../src/snapshot/index.ts';
import { type SyncController, startSync } from '../../src/sync/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import type { ControlPlane } from './cluster.ts';
import { eventually } from './poll.ts';

export const DIGEST_KEY = Buffer.from('0123456789abcdef0123456789abcdef');

export interface SyncBench {
  controller: SyncController;
  git: GitServer;
  metrics: ReturnType<typeof createMetrics>;
  /** Creates a GitSync of the given repository. */
  sync(namespace: string, name: string, spec: Partial<GitSyncSpec> & { url: string }): Promise<void>;
  /** The GitSync when its Ready condition has this status (and mentions the text). */
  ready(namespace: string, name: string, status?: 'True' | 'False', mentions?: RegExp): Promise<GitSync>;
  stop(): Promise<void>;
}

/** The reconciler as the controller runs it, against a real API server and a real Git server. */
export const startSyncBench = async (plane: ControlPlane): Promise<SyncBench> => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
  const { kustomize } = await ensurePrograms(['kustomize'], { log: () => {} });
  const metrics = createMetrics();
  const cachePorts = { clock: systemClock, random: Math.random };
  const caches = {
    syncs: createWatchCache<GitSync>(plane.client, resources.gitSyncs, {}, cachePorts),
    holds: createWatchCache<Hold>(plane.client, resources.holds, {}, cachePorts),
    platform: createWatchCache<PlatformPolicy>(plane.client, resources.platformPolicies, {}, cachePorts),
    namespaces: createWatchCache(plane.client, resources.namespaces, { metadataOnly: true }, cachePorts),
  };
  const controller = await startSync({
    client: plane.client,
    caches,
    discovery: plane.discovery,
    git: createGit(dir),
    render: { kustomize, timeoutMs: 20_000 },
    snapshots: createSnapshotStore(plane.client, DIGEST_KEY),
    digestKey: DIGEST_KEY,
    clock: systemClock,
    random: Math.random,
    log: silentLog(),
    metrics,
    events: createEventRecorder(plane.client, { instance: 'test', clock: systemClock }),
  });
  const git = await startGitServer();
  const made: { namespace: string; name: string }[] = [];
  return {
    controller,
    git,
    metrics,
    async sync(namespace, name, spec) {
      made.push({ namespace, name });
      const full = { interval: '1h', prune: true, ...spec } as GitSyncSpec;
      await plane.client.create<GitSync>(resources.gitSyncs, {
        apiVersion: API_VERSION,
        kind: 'GitSync',
        metadata: { namespace, name },
        spec: full,
      });
    },
    ready: (namespace, name, status = 'True', mentions = /./) =>
      eventually(
        async () => {
          const sync = await plane.client.get<GitSync>(resources.gitSyncs, { namespace, name });
          const condition = sync?.status?.conditions?.find((c) => c.type === 'Ready');
          if (condition?.status === status && mentions.test(`${condition.reason} ${condition.message}`)) return sync;
          throw new Error(JSON.stringify(condition));
        },
        { what: `GitSync ${namespace}/${name} Ready=${status} ${mentions}`, timeoutMs: 20_000 },
      ),
    async stop() {
      for (const name of made) await plane.client.delete(resources.gitSyncs, name);
      for (const name of made)
        await eventually(async () => (await plane.client.get(resources.gitSyncs, name)) === undefined).catch(() => {});
      await controller.stop();
      await Promise.all(Object.values(caches).map((cache) => cache.stop()));
      await git.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
