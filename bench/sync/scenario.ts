import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { conditionIs } from '../../src/api/conditions.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import {
  createDiscovery,
  createKubeClient,
  createWatchCache,
  type KubeClient,
  type ResourceType,
  resources,
  type WatchCache,
} from '../../src/kube/index.ts';
import type { Progress } from '../../tools/demo/progress.ts';
import { type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { type Engine, startEngine } from './engine.ts';
import { ACCOUNT, type Plane, startPlane } from './plane.ts';

export interface Scenario {
  plane: Plane;
  git: GitServer;
  progress: Progress;
  /** Creates the GitSyncs, then starts the controller on them. Resolves when all are Ready. */
  firstSync(syncs: readonly GitSync[]): Promise<{ engine: Engine; seconds: number; requests: number }>;
  /** Another process in the place of this one, once `meanwhile` has happened. */
  restart(engine: Engine, meanwhile: () => Promise<void>): Promise<Engine>;
  /** Milliseconds until the watched kind shows it; the question must be asked before the change is made. */
  seen<T extends KubeObject>(cache: WatchCache<T>, check: (object: T | undefined) => boolean): Promise<number>;
  watch(type: ResourceType): Promise<WatchCache>;
}

export interface ScenarioSetting {
  /** Where the bundles are. */
  dist: string;
  progress: Progress;
}

const CREATORS = 20;

/** One measurement on a control plane and a Git server of its own: what one leaves behind disturbs no other. */
export const withScenario = async <R>(
  { name, namespaces, dist, progress }: ScenarioSetting & { name: string; namespaces: readonly string[] },
  work: (scenario: Scenario) => Promise<R>,
): Promise<R> => {
  const plane = await startPlane(`bench-${name}-${process.pid}`, namespaces);
  const git = await startGitServer();
  const watches: WatchCache[] = [];
  const engines: Engine[] = [];
  const ports = { clock: systemClock, random: Math.random };
  const watch = async <T extends KubeObject>(type: ResourceType): Promise<WatchCache<T>> => {
    const cache = createWatchCache<T>(plane.admin, type, {}, ports);
    watches.push(cache as WatchCache);
    await cache.ready();
    return cache;
  };
  const seen: Scenario['seen'] = (cache, check) => {
    const start = performance.now();
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => reject(new Error('not within 120 s')), 120_000);
      const off = cache.onChange((object) => {
        if (!check(object)) return;
        clearTimeout(timeout);
        off();
        resolve(performance.now() - start);
      });
    });
  };
  const start = async (): Promise<Engine> => {
    const stateDir = join(plane.cluster.stateDir, 'engines');
    mkdirSync(stateDir, { recursive: true });
    const engine = await startEngine({ dist, server: plane.cluster.server, account: plane.account, stateDir });
    engines.push(engine);
    return engine;
  };
  try {
    return await work({
      plane,
      git,
      progress,
      watch,
      seen,
      async firstSync(syncs) {
        await inParallel(syncs, (sync) => plane.admin.create(resources.gitSyncs, sync));
        const cache = await watch<GitSync>(resources.gitSyncs);
        const before = await plane.requests();
        const ready = allReady(cache, syncs.length, progress);
        const engine = await start();
        const seconds = ((await ready) - engine.since) / 1000;
        await eventsSent(engine);
        return { engine, seconds, requests: (await plane.requests()) - before };
      },
      async restart(engine, meanwhile) {
        await engine.stop();
        engines.splice(engines.indexOf(engine), 1);
        await meanwhile();
        return start();
      },
    });
  } finally {
    for (const engine of engines) await engine.stop();
    await Promise.all(watches.map((cache) => cache.stop()));
    await git.close();
    await plane.down();
  }
};

/** Events come at a pace; the requests that they cost count. */
const eventsSent = async (engine: Engine): Promise<void> => {
  const posts = () => engine.metric('metricops_kube_requests_total', 'verb="POST"');
  for (let before = -1, now = await posts(); now > before; now = await posts()) {
    before = now;
    await sleep(2_000);
  }
};

/** Epoch milliseconds at which the last one became Ready. */
const allReady = (cache: WatchCache<GitSync>, count: number, progress: Progress): Promise<number> =>
  new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error(`${done.size} of ${count} are Ready after 15 minutes`)), 900_000);
    const done = new Set<string>();
    let told = Date.now();
    cache.onChange((sync) => {
      if (sync && conditionIs(sync.status?.conditions, 'Ready', 'True')) done.add(sync.metadata.uid ?? '');
      if (Date.now() - told > 10_000) {
        told = Date.now();
        progress.say(`  ${done.size} of ${count} Ready`);
      }
      if (done.size < count) return;
      clearTimeout(timeout);
      resolve(Date.now());
    });
  });

/**
 * What any engine has to do at least: the same server-side applies, as the same account, over 20 connections.
 * @returns seconds
 */
export const bareLoop = async (plane: Plane, objects: readonly KubeObject[]): Promise<number> => {
  const token = readFileSync(join(plane.account, 'token'), 'utf8');
  const ca = readFileSync(join(plane.account, 'ca.crt'), 'utf8');
  const connection = { server: plane.cluster.server, ca, namespace: '', token: async () => token };
  const client = createKubeClient(connection, { connections: CREATORS });
  const discovery = createDiscovery(client, systemClock);
  const types = new Map<string, ResourceType>();
  for (const { apiVersion, kind } of objects) {
    const type = types.get(kind) ?? (await discovery.find(apiVersion, kind));
    if (type) types.set(kind, type);
  }
  const writers = new Map<string, KubeClient>();
  const writerOf = (namespace: string): KubeClient => {
    const known = writers.get(namespace);
    if (known) return known;
    const writer = client.impersonate({ userName: `system:serviceaccount:${namespace}:${ACCOUNT}` });
    writers.set(namespace, writer);
    return writer;
  };
  const start = performance.now();
  await inParallel(objects, (object) => {
    const type = types.get(object.kind);
    if (!type) throw new Error(`no ${object.kind}`);
    return writerOf(object.metadata.namespace ?? '').apply(type, object, { fieldManager: 'bare-loop', force: true });
  });
  const seconds = (performance.now() - start) / 1000;
  await client.close();
  return seconds;
};

export const inParallel = async <T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> => {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: CREATORS }, worker));
};
