import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { GitSync, GitSyncInput, GitSyncSpec } from '../../src/api/gitsync.ts';
import type { Hold, HoldTarget } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { watchWorkloads } from '../../src/caches.ts';
import { createArchiveStore } from '../../src/charts/archive-store.ts';
import { systemClock } from '../../src/clock.ts';
import { createGit } from '../../src/git/index.ts';
import { newRollback } from '../../src/holds/index.ts';
import {
  createDiscovery,
  createEventSink,
  createKubeClient,
  createWatchCache,
  type KubeClient,
  loadConnection,
  type ResourceType,
  resources,
} from '../../src/kube/index.ts';
import { watchPlatformPolicy } from '../../src/policy/platform-policy.ts';
import { createSnapshotStore } from '../../src/snapshot/index.ts';
import { type SyncController, startSync } from '../../src/sync/index.ts';
import { createLog, createMetrics } from '../../src/telemetry/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { type ControlPlane, useControlPlane } from './cluster.ts';
import { eventually } from './poll.ts';

export const DIGEST_KEY = Buffer.from('0123456789abcdef0123456789abcdef');

export interface SyncOptions {
  /** Path of the program that decrypts; none where nothing is encrypted, for its build takes minutes. */
  sops?: () => string;
  /** As METRICOPS_REQUIRE_SERVICE_ACCOUNT. */
  requireServiceAccount?: boolean;
  /** Who the reconciler is: the administrator of the cluster unless said otherwise. */
  client?: (plane: ControlPlane) => Promise<{ client: KubeClient; close?: () => Promise<void> }>;
}

export interface SyncBench {
  /** The reconciler that runs now: another one after `restart`. */
  readonly controller: SyncController;
  /** As who the reconciler is. */
  client: KubeClient;
  git: GitServer;
  metrics: ReturnType<typeof createMetrics>;
  /** What the reconciler has sent to the API server so far, by HTTP method; watches are not counted. */
  sent: ReadonlyMap<string, number>;
  /** All that the reconcilers have logged. */
  logged(): string;
  /** Creates a GitSync of the given repository. */
  sync(namespace: string, name: string, spec: GitSyncInput): Promise<void>;
  /** The GitSync when its Ready condition has this status (and mentions the text). */
  ready(namespace: string, name: string, status?: 'True' | 'False', mentions?: RegExp): Promise<GitSync>;
  /** Ends the reconciler, lets `meanwhile` happen, and starts another one that remembers nothing. */
  restart(meanwhile?: () => Promise<unknown>): Promise<void>;
  stop(): Promise<void>;
}

/** The administrator's client, which counts what is sent. */
const counting = async ({ kubeconfig }: ControlPlane, sent: Map<string, number>) => {
  const client = createKubeClient(await loadConnection({ kubeconfig }), {
    onRequest: (verb) => verb !== 'WATCH' && sent.set(verb, (sent.get(verb) ?? 0) + 1),
  });
  return { client, close: client.close };
};

/** Those that other tests left behind would be obeyed, and tried again. */
const forgetHolds = async ({ client }: ControlPlane): Promise<void> => {
  const { items } = await client.list(resources.holds);
  for (const { metadata } of items) {
    await client.patch(resources.holds, metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
    await client.delete(resources.holds, metadata);
  }
};

/** The reconciler as the controller runs it, against a real API server and a real Git server. */
export const startSyncBench = async (plane: ControlPlane, options: SyncOptions = {}): Promise<SyncBench> => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
  const { kustomize, helm } = await ensurePrograms(['kustomize', 'helm'], { log: () => {} });
  const sops = options.sops?.() ?? 'sops-decrypt';
  const metrics = createMetrics();
  const sent = new Map<string, number>();
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const { client, close } = (await options.client?.(plane)) ?? (await counting(plane, sent));
  const cachePorts = { clock: systemClock, random: Math.random };
  const createCaches = () => ({
    syncs: createWatchCache<GitSync>(client, resources.gitSyncs, {}, cachePorts),
    holds: createWatchCache<Hold>(client, resources.holds, {}, cachePorts),
    platform: watchPlatformPolicy(client, cachePorts, {
      requireServiceAccount: options.requireServiceAccount === true,
    }),
    namespaces: createWatchCache(client, resources.namespaces, { metadataOnly: true }, cachePorts),
    histories: createWatchCache<ReleaseHistory>(client, resources.releaseHistories, {}, cachePorts),
  });
  const createWorkloads = () => watchWorkloads(client, cachePorts);
  const startController = async () => {
    const caches = createCaches();
    const workloads = createWorkloads();
    const controller = await startSync({
      client,
      caches: { ...caches, workloads },
      discovery: createDiscovery(client, systemClock),
      git: createGit(dir),
      render: { kustomize, helm, sops, timeoutMs: 20_000 },
      chartArchives: createArchiveStore(join(dir, 'charts')),
      snapshots: createSnapshotStore(client, DIGEST_KEY, systemClock),
      digestKey: DIGEST_KEY,
      clock: systemClock,
      random: Math.random,
      log: createLog({ level: 'trace', destination }),
      metrics,
      occurred: createEventSink(client, { instance: 'test', clock: systemClock }),
    });
    const stop = async (): Promise<void> => {
      await controller.stop();
      await Promise.all([...Object.values(caches), ...Object.values(workloads)].map((cache) => cache.stop()));
    };
    return { controller, stop };
  };
  await forgetHolds(plane);
  let running = await startController();
  const git = await startGitServer();
  const made: { namespace: string; name: string }[] = [];
  return {
    get controller() {
      return running.controller;
    },
    client,
    git,
    metrics,
    sent,
    logged: () => lines.join(''),
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
        { what: `GitSync ${namespace}/${name} Ready=${status} ${mentions}`, timeoutMs: 60_000 },
      ),
    async restart(meanwhile = async () => {}) {
      await running.stop();
      await meanwhile();
      running = await startController();
    },
    async stop() {
      for (const name of made) await plane.client.delete(resources.gitSyncs, name);
      for (const name of made)
        await eventually(async () => (await plane.client.get(resources.gitSyncs, name)) === undefined).catch(() => {});
      await running.stop();
      await close?.();
      await git.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

/** A GitSync `app` of a repository of its own, in a namespace of its own. */
export interface StartedSync {
  ns: string;
  repository: GitRepository;
  /** What the repository was made with. */
  commit: string;
  /** Commits the files (null: removed) and asks for a sync; returns the commit. */
  push(changes: Record<string, string | null>): string;
  /** The object as the cluster has it. */
  get(type: ResourceType, name: string): Promise<KubeObject | undefined>;
  /** The GitSync when its Ready condition has this status (and mentions the text). */
  ready(status?: 'True' | 'False', mentions?: RegExp): Promise<GitSync>;
  /** A merge patch, as somebody else would send it. */
  edit(type: ResourceType, name: string, body: object): Promise<void>;
}

export interface Syncs {
  plane: () => ControlPlane;
  bench: () => SyncBench;
  start(files: Record<string, string>, spec?: object, options?: { namespace?: string }): Promise<StartedSync>;
}

/** A control plane and the reconciler on it, for the tests of one describe. Call it at the top of the describe. */
export const useSync = (options: SyncOptions = {}): Syncs => {
  const plane = useControlPlane();
  let running: SyncBench | undefined;
  before(async function () {
    this.timeout(600_000);
    running = await startSyncBench(plane(), options);
  });
  after(async function () {
    this.timeout(60_000);
    await running?.stop();
  });
  const bench = (): SyncBench => {
    assert.ok(running, 'the reconciler is there only inside of tests');
    return running;
  };
  return {
    plane,
    bench,
    async start(files, spec = {}, { namespace } = {}) {
      const ns = namespace ?? (await plane().namespace('sync'));
      const repository = bench().git.repository(ns);
      const commit = repository.commit(files);
      await bench().sync(ns, 'app', { source: { git: { url: repository.url } }, ...spec });
      return {
        ns,
        repository,
        commit,
        push(changes) {
          const sha = repository.commit(changes);
          bench().controller.requestSync({ namespace: ns, name: 'app' });
          return sha;
        },
        get: (type, name) => plane().client.get(type, { namespace: ns, name }),
        ready: (status, mentions) => bench().ready(ns, 'app', status, mentions),
        async edit(type, name, body) {
          await plane().client.patch(type, { namespace: ns, name }, { type: 'merge', body });
        },
      };
    },
  };
};

/** The image of a workload's first container. */
export const imageOf = (workload: KubeObject | undefined): string | undefined => {
  const spec = workload?.spec as { template: { spec: { containers: { image: string }[] } } } | undefined;
  return spec?.template.spec.containers[0]?.image;
};

/** A Hold on the workload `web` as it is, back to what it was: as an incident writes it. */
export const holdBack = (
  { client }: ControlPlane,
  namespace: string,
  { good, bad }: { good: KubeObject | undefined; bad: KubeObject | undefined },
  images?: HoldTarget['images'],
): Promise<Hold> => {
  const note = (workload: KubeObject | undefined, name: string): string =>
    workload?.metadata.annotations?.[`metricops.dev/${name}`] ?? '';
  const hold = newRollback({
    workload: { kind: bad?.kind === 'StatefulSet' ? 'StatefulSet' : 'Deployment', namespace, name: 'web' },
    digest: note(bad, 'source-digest'),
    target: {
      number: 1,
      sourceDigest: note(good, 'source-digest'),
      snapshotRef: { name: note(good, 'snapshot') },
    },
    images: images ?? [],
    origin: 'Incident',
    message: '',
  });
  return client.create<Hold>(resources.holds, { ...hold, metadata: { namespace, name: 'web' } });
};

/** A file of manifests. */
export const yaml = (...objects: object[]): string => objects.map((o) => JSON.stringify(o)).join('\n---\n');

export const configMap = (name: string, data: Record<string, string> = {}, annotations?: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...(annotations && { annotations }) } as KubeObject['metadata'],
  data,
});

/** A Deployment of two pods, with the sidecar, that takes its environment from the ConfigMap `config`. */
export const deployment = (name: string, image: string, config = 'settings', extra: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, annotations: { 'metricops.dev/inject': 'true' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'c', image, envFrom: [{ configMapRef: { name: config } }] }] },
    },
    ...extra,
  },
});
