import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { createWatchCache, type KubeClient, resources } from '../../src/kube/index.ts';
import { buildAll, CONTROLLER_BUNDLES } from '../../tools/build.ts';
import { waitFor } from '../../tools/cluster/wait.ts';
import type { Progress } from '../../tools/demo/progress.ts';
import { startGitServer } from '../../tools/lib/git-server.ts';
import { percentile, round } from '../statistics.ts';
import { type Engine, startEngine } from '../sync/engine.ts';
import { type Plane, startPlane } from '../sync/plane.ts';
import type { Figures } from '../sync/report.ts';
import { createAttackers, type Target } from './attackers.ts';
import { attacks } from './attacks/index.ts';
import { startHollowNode } from './hollow.ts';
import { MISSED_MS, ORDINARY_NAMESPACES, type Ordinary, startOrdinary } from './ordinary.ts';
import { startStandIn } from './prometheus.ts';
import { attackedNamespace, createAttackedNamespaces, removeObjectsOf, wrongWritesOf } from './territory.ts';

const MIB = 2 ** 20;
const ALERTMANAGER_TOKEN = 'bench-alertmanager-token';
const REPLICAS = 2;

export const ATTACKS = Object.keys(attacks);

export interface HostileOptions {
  /** Some of ATTACKS; all of them, and then all at once, by default. */
  only: readonly string[];
  /** Of each measurement, at least. */
  seconds: number;
  /** In each measurement, at least. */
  rollbacks: number;
}

interface Measured {
  pushes: number[];
  rollbacks: number[];
  /** Seconds of CPU of the longest turn of a main thread; what it says of may have been up to two minutes before. */
  turn: number;
}

/**
 * What attackers cost everybody else: pushes and rollbacks of ordinary users on one control plane, alone, beside each
 * attacker, and beside all of them. The controller runs as two replicas under the limits of deploy/. Needs root.
 */
export const benchHostile = async (progress: Progress, options: HostileOptions): Promise<Figures> => {
  const names = options.only.length > 0 ? options.only : ATTACKS;
  const unknown = names.find((name) => !ATTACKS.includes(name));
  if (unknown !== undefined) throw new Error(`no attacker "${unknown}"; there are ${ATTACKS.join(', ')}`);
  const dist = mkdtempSync(join(tmpdir(), 'metricops-bench-'));
  const ending: (() => unknown)[] = [() => rmSync(dist, { recursive: true })];
  const end = <T>(value: T, how: (value: T) => unknown): T => {
    ending.push(() => how(value));
    return value;
  };
  try {
    await progress.step('the bundles', () => buildAll(dist, { only: CONTROLLER_BUNDLES }));
    const plane = end(
      await progress.step('a control plane', () => startPlane(`bench-hostile-${process.pid}`, ORDINARY_NAMESPACES)),
      (p) => p.down(),
    );
    const git = end(await startGitServer(), (server) => server.close());
    const standIn = end(await startStandIn(), (server) => server.close());
    const ports = { clock: systemClock, random: Math.random };
    const watch = async (type: Parameters<typeof createWatchCache>[1]) => {
      const cache = end(createWatchCache(plane.admin, type, {}, ports), (c) => c.stop());
      await cache.ready();
      return cache;
    };
    const [configMaps, deployments, pods] = [
      await watch(resources.configMaps),
      await watch(resources.deployments),
      await watch(resources.pods),
    ];
    end(
      startHollowNode(plane.admin, pods, (error) => progress.say(`  hollow node: ${error}`)),
      (stop) => stop(),
    );
    await createAttackedNamespaces(plane.admin, ATTACKS);
    const limit = memoryLimit();
    const replicas = end(await startReplicas({ plane, dist, standInUrl: standIn.url, limit }), (r) => r.stop());
    const attackers = end(createAttackers(), (a) => a.stop());
    const ordinary = await progress.step('100 ordinary GitSyncs of 20 repositories, four guarded workloads', () =>
      startOrdinary({
        ...{ admin: plane.admin, git, standIn, configMaps, deployments },
        push: (url) => replicas.any().push(url),
        alert: (alert) => postAlert(replicas.any(), alert),
      }),
    );
    const target = (name: string): Target => ({
      kubeconfig: plane.cluster.kubeconfig,
      ports: replicas.all().map((engine) => engine.ports),
      alertmanagerToken: ALERTMANAGER_TOKEN,
      namespace: attackedNamespace(name),
    });
    const began = await leaseTransitions(plane.admin);
    const measure = (title: string): Promise<Measured> =>
      progress.step(title, async () => ({ ...(await measuring(ordinary, options)), turn: replicas.longestTurn() }));
    const alone = await measure('alone');
    say(progress, alone);
    const each: Measured[] = [];
    const during = async (title: string, attacking: readonly string[]): Promise<Measured> => {
      const attacks = [];
      for (const name of attacking) attacks.push(await attackers.start(name, target(name)));
      const measured = await measure(title);
      for (const attack of attacks) {
        await attack.stop();
        progress.say(`  ${attack.said().at(-1) ?? ''}`);
      }
      for (const name of attacking) await removeObjectsOf(plane.admin, name);
      say(progress, measured);
      return measured;
    };
    for (const name of names) each.push(await during(`beside ${name}`, [name]));
    const all = names.length > 1 ? await during('beside all of them', names) : undefined;
    const again = await measure('alone again');
    say(progress, again);
    const base: Measured = {
      pushes: [...alone.pushes, ...again.pushes],
      rollbacks: [...alone.rollbacks, ...again.rollbacks],
      turn: Math.max(alone.turn, again.turn),
    };
    const lost = await ordinary.lost();
    const wrong = await wrongWritesOf(plane.admin);
    for (const what of [...lost.map((key) => `lost: ${key}`), ...wrong]) progress.say(`  ${what}`);
    const ratio = (measured: Measured | undefined, of: 'pushes' | 'rollbacks'): number =>
      measured ? percentile(measured[of], 95) / percentile(base[of], 95) : Number.NaN;
    return {
      attackers: names.length,
      'alone.pushToAppliedMs.p95': round(percentile(base.pushes, 95)),
      'alone.rollbackMs.p95': round(percentile(base.rollbacks, 95)),
      ...Object.fromEntries(
        names.flatMap((name, i) => [
          [`${name}.pushToAppliedRatio.p95`, round(ratio(each[i], 'pushes'), 2)],
          [`${name}.rollbackRatio.p95`, round(ratio(each[i], 'rollbacks'), 2)],
        ]),
      ),
      'each.pushToAppliedRatio.p95max': round(Math.max(...each.map((m) => ratio(m, 'pushes'))), 2),
      'each.rollbackRatio.p95max': round(Math.max(...each.map((m) => ratio(m, 'rollbacks'))), 2),
      ...(all
        ? {
            'all.pushToAppliedRatio.p95': round(ratio(all, 'pushes'), 2),
            'all.rollbackRatio.p95': round(ratio(all, 'rollbacks'), 2),
          }
        : {}),
      missed: [base, ...each, ...(all ? [all] : [])]
        .flatMap((m) => [...m.pushes, ...m.rollbacks])
        .filter((ms) => ms >= MISSED_MS).length,
      'memoryMiB.max': round(replicas.peak() / MIB),
      'memoryMiB.limit': round(limit / MIB),
      leaderLost: (await leaseTransitions(plane.admin)) - began,
      restarts: replicas.restarts(),
      objectsLost: lost.length,
      wrongWrites: wrong.length,
      'mainThreadBlockMs.max': round(Math.max(base.turn, ...each.map((m) => m.turn), all?.turn ?? 0) * 1000),
    };
  } finally {
    for (const how of ending.reverse()) await how();
  }
};

const say = (progress: Progress, { pushes, rollbacks, turn }: Measured): void => {
  const figures = [pushes, rollbacks].map((v) => `p50 ${round(percentile(v, 50))}, p95 ${round(percentile(v, 95))} ms`);
  progress.say(
    `  ${pushes.length} pushes: ${figures[0]}; ${rollbacks.length} rollbacks: ${figures[1]}; turn ${round(turn * 1000)} ms`,
  );
};

/** Both for as long as the one that takes longer. */
const measuring = async (
  ordinary: Ordinary,
  { seconds, rollbacks }: HostileOptions,
): Promise<Omit<Measured, 'turn'>> => {
  const over = new AbortController();
  const pushes = ordinary.pushes(over.signal);
  const [rolledBack] = await Promise.all([
    ordinary.rollbacks(rollbacks),
    new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
  ]);
  over.abort();
  return { pushes: await pushes, rollbacks: rolledBack };
};

/** Of the container, as it ships. */
const memoryLimit = (): number => {
  const objects = loadAll(
    readFileSync(join(import.meta.dirname, '../../deploy/controller.yaml'), 'utf8'),
  ) as KubeObject[];
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  const spec = deployment?.spec as
    | { template: { spec: { containers: { resources: { limits: { memory: string } } }[] } } }
    | undefined;
  const text = spec?.template.spec.containers[0]?.resources.limits.memory ?? '';
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`memory limit ${text}`);
  return Number(number) * (unit === 'Gi' ? 2 ** 30 : MIB);
};

interface Replicas {
  all(): Engine[];
  any(): Engine;
  peak(): number;
  restarts(): number;
  /** Seconds of CPU, since it was asked last. */
  longestTurn(): number;
  stop(): Promise<void>;
}

/** As a Deployment keeps them: one that ends is started again. */
const startReplicas = async ({
  plane,
  dist,
  standInUrl,
  limit,
}: {
  plane: Plane;
  dist: string;
  standInUrl: string;
  limit: number;
}): Promise<Replicas> => {
  const stateDir = join(plane.cluster.stateDir, 'engines');
  mkdirSync(stateDir, { recursive: true });
  const tokenFile = join(stateDir, 'alertmanager-token');
  writeFileSync(tokenFile, ALERTMANAGER_TOKEN);
  const start = (standby: boolean): Promise<Engine> =>
    startEngine({
      ...{ dist, server: plane.cluster.server, account: plane.account, stateDir, standby, memoryLimitBytes: limit },
      env: { METRICOPS_PROMETHEUS_URL: standInUrl, METRICOPS_ALERTMANAGER_TOKEN_FILE: tokenFile },
    });
  const engines = [await start(false)];
  while (engines.length < REPLICAS) engines.push(await start(true));
  let [peak, restarts, longest, turn] = [0, 0, 0, 0];
  const look = async (): Promise<void> => {
    for (const [i, engine] of engines.entries()) {
      peak = Math.max(peak, engine.cgroup.peak());
      if (engine.ended() !== undefined) {
        restarts += 1;
        process.stderr.write(`a replica ended (${engine.ended()}):\n${engine.log()}\n`);
        engines[i] = await start(true);
      }
      const seconds = await engine.metric('metricops_main_loop_longest_turn_seconds').catch(() => 0);
      longest = Math.max(longest, seconds);
    }
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch((error) => void process.stderr.write(`replicas: ${error}\n`));
  }, 5_000);
  return {
    all: () => engines,
    any() {
      turn += 1;
      return engines[turn % engines.length] as Engine;
    },
    peak: () => peak,
    restarts: () => restarts,
    longestTurn() {
      const seconds = longest;
      longest = 0;
      return seconds;
    },
    async stop() {
      clearInterval(timer);
      await looking;
      await Promise.all(engines.map((engine) => engine.stop()));
    },
  };
};

const postAlert = async (engine: Engine, alert: object): Promise<void> => {
  // As Alertmanager: what is answered with 5xx, or not at all, is sent again.
  await waitFor(
    'the alert to be taken',
    async () => {
      const answer = await fetch(`http://127.0.0.1:${engine.ports.http}/api/v1/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${ALERTMANAGER_TOKEN}` },
        body: JSON.stringify({ version: '4', alerts: [alert] }),
      }).catch(() => undefined);
      return answer?.ok ? true : undefined;
    },
    { timeoutMs: MISSED_MS, everyMs: 500 },
  );
};

const leaseTransitions = async (admin: KubeClient): Promise<number> => {
  const lease = await admin.get(resources.leases, { namespace: 'metricops-system', name: 'metricops' });
  return (lease?.spec as { leaseTransitions?: number } | undefined)?.leaseTransitions ?? 0;
};
