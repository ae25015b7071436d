import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { type KubeClient, resources } from '../../src/kube/index.ts';
import { buildAll, CONTROLLER_BUNDLES } from '../../tools/build.ts';
import { waitFor } from '../../tools/cluster/wait.ts';
import type { Progress } from '../../tools/demo/progress.ts';
import { policyOf } from '../policy.ts';
import { percentile, round } from '../statistics.ts';
import { type Engine, startEngine } from '../sync/engine.ts';
import { type Plane, startPlane } from '../sync/plane.ts';
import type { Figures } from '../sync/report.ts';
import { inParallel } from '../sync/scenario.ts';
import { type Delivery, INTAKE_NAMESPACES, known, nameOf, namespaceOf, newsOf, storm, WORKLOADS } from './plan.ts';
import type { Told } from './sender.ts';
import { type Posted, tallyOf } from './tally.ts';

const MIB = 2 ** 20;
const TOKEN = 'bench-alertmanager-token';
const KILLED_AFTER_MS = 25_000;
const KNOWN_SECONDS = 30;

export interface IntakeOptions {
  /** In the minute in which the controller is killed; 2,800 at least, in groups of 700. */
  alerts: number;
  /** Deliveries a second about known incidents. */
  perSecond: number;
}

/**
 * Alerts of two Alertmanagers for a minute, in which the controller is killed and started again; then deliveries about
 * incidents that are there. Who sends them is a process of its own. Needs root, for the control group.
 */
export const benchIntake = async (progress: Progress, { alerts, perSecond }: IntakeOptions): Promise<Figures> => {
  const dist = mkdtempSync(join(tmpdir(), 'metricops-bench-'));
  const ending: (() => unknown)[] = [() => rmSync(dist, { recursive: true })];
  const end = <T>(value: T, how: (value: T) => unknown): T => {
    ending.push(() => how(value));
    return value;
  };
  try {
    await progress.step('the bundles', () => buildAll(dist, { only: CONTROLLER_BUNDLES }));
    const plane = end(
      await progress.step('a control plane', () => startPlane(`bench-intake-${process.pid}`, INTAKE_NAMESPACES)),
      (p) => p.down(),
    );
    const start = starter(plane, dist);
    const sender = end(startSender(), (s) => s.stop());
    let engine = await start(false);
    ending.push(() => engine.stop());
    await progress.step(`${WORKLOADS} guarded workloads`, () => createWorkloads(plane.admin));
    sender.tell({ port: engine.ports.http, token: TOKEN });
    const before = await writesOf(plane.admin);
    const peaks: number[] = [];
    const storming = storm(alerts);
    const [stormed] = await progress.step(`${storming.length} deliveries in a minute, and a SIGKILL`, () =>
      Promise.all([
        sender.send(storming),
        sleep(KILLED_AFTER_MS).then(async () => {
          peaks.push(engine.cgroup.peak());
          await engine.kill();
          engine = await start(true);
          sender.tell({ port: engine.ports.http, token: TOKEN });
        }),
      ]),
    );
    await progress.step('the new process leads', () => untilLeading(plane.admin, engine));
    const steady = known(perSecond, KNOWN_SECONDS);
    const answered = await progress.step(`${perSecond} deliveries a second about known incidents`, () =>
      sender.send(steady),
    );
    peaks.push(engine.cgroup.peak());
    const writes = (await writesOf(plane.admin)) - before;
    const all = [...storming, ...steady];
    const posted = [...stormed, ...answered];
    const { items } = await plane.admin.list<Incident>(resources.incidents);
    const [stormMs, knownMs] = [stormed, answered].map((some) => some.flatMap(({ ms }) => ms ?? []));
    return {
      p50Ms: round(percentile(knownMs ?? [], 50)),
      p99Ms: round(percentile(knownMs ?? [], 99)),
      'storm.p50Ms': round(percentile(stormMs ?? [], 50)),
      'storm.p99Ms': round(percentile(stormMs ?? [], 99)),
      ...tallyOf(all, posted, items),
      incidents: items.length,
      writesPerIncidentDelivery: round(writes / newsOf(all), 3),
      memoryMiB: round(Math.max(...peaks) / MIB),
    };
  } finally {
    for (const how of ending.reverse()) await how();
  }
};

const starter = (plane: Plane, dist: string): ((standby: boolean) => Promise<Engine>) => {
  const stateDir = join(plane.cluster.stateDir, 'engines');
  mkdirSync(stateDir, { recursive: true });
  const tokenFile = join(stateDir, 'alertmanager-token');
  writeFileSync(tokenFile, TOKEN);
  return (standby) =>
    startEngine({
      ...{ dist, server: plane.cluster.server, account: plane.account, stateDir, standby },
      env: { METRICOPS_ALERTMANAGER_TOKEN_FILE: tokenFile },
    });
};

interface Sender {
  tell(told: Told): void;
  /** Resolves when each of them was answered, or given up. */
  send(deliveries: readonly Delivery[]): Promise<Posted[]>;
  stop(): void;
}

const startSender = (): Sender => {
  const child = fork(join(import.meta.dirname, 'sender.ts'));
  return {
    tell: (told) => void child.send(told),
    send: (deliveries) =>
      new Promise((resolve, reject) => {
        const onExit = (code: number | null): void => reject(new Error(`the sender ended with ${code}`));
        child.once('exit', onExit);
        child.once('message', (posted: Posted[]) => {
          child.off('exit', onExit);
          resolve(posted);
        });
        child.send({ deliveries });
      }),
    stop: () => void child.kill(),
  };
};

/** Deployments without pods, each with a policy; resolves when a release of each is recorded. */
const createWorkloads = async (admin: KubeClient): Promise<void> => {
  const all = Array.from({ length: WORKLOADS }, (_, i) => ({ namespace: namespaceOf(i), name: nameOf(i) }));
  await inParallel(all, async (metadata) => {
    await admin.create(resources.deployments, deployment(metadata));
    await admin.create(resources.rollbackPolicies, policyOf({ ...metadata, podLabel: '' }));
  });
  await waitFor(
    'a release of each to be recorded',
    async () => {
      const { items } = await admin.list<ReleaseHistory>(resources.releaseHistories);
      return items.filter(({ spec }) => spec?.currentRelease !== undefined).length === WORKLOADS ? true : undefined;
    },
    { timeoutMs: 120_000, everyMs: 500 },
  );
};

const deployment = (metadata: { namespace: string; name: string }): KubeObject => {
  const labels = { app: metadata.name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...metadata, annotations: { 'metricops.dev/inject': 'true' } },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'shop.example.com/web:1' }] } },
    },
  };
};

/** It takes alerts before: this is about a quiet machine. */
const untilLeading = (admin: KubeClient, engine: Engine): Promise<true> =>
  waitFor(
    'the Lease',
    async () => {
      const held = await engine.metric('metricops_leader').catch(() => 0);
      const { items } = await admin.list<Incident>(resources.incidents);
      return held === 1 && items.every(({ status }) => status?.phase !== undefined) ? true : undefined;
    },
    { timeoutMs: 120_000, everyMs: 500 },
  );

/** Of Incidents, as the API server counts them, refused ones too; what is judged is written to their status. */
const writesOf = async (admin: KubeClient): Promise<number> => {
  const text = String(await admin.raw('GET', '/metrics'));
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('apiserver_request_total{') && line.includes('resource="incidents"'))
    .filter((line) => line.includes('subresource=""') && /verb="(POST|PUT|PATCH)"/.test(line));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
};
