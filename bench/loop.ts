import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { API_VERSION } from '../src/api/annotations.ts';
import { type GitSync, gitSyncSpec } from '../src/api/gitsync.ts';
import type { Hold } from '../src/api/hold.ts';
import type { Incident } from '../src/api/incident.ts';
import type { KubeObject } from '../src/api/meta.ts';
import type { ReleaseHistory } from '../src/api/release-history.ts';
import { systemClock } from '../src/clock.ts';
import { createWatchCache, resources, type WatchCache } from '../src/kube/index.ts';
import { waitFor } from '../tools/cluster/wait.ts';
import { downOnSignal, type Environment, startEnvironment } from '../tools/demo/environment.ts';
import type { Progress } from '../tools/demo/progress.ts';
import type { GitRepository } from '../tools/lib/git-server.ts';
import { policyOf, unlimited } from './policy.ts';
import { type Rollback, slowest } from './stages.ts';
import { percentile, round } from './statistics.ts';
import { idlePercent, type Ticks, ticksOf } from './stolen.ts';
import { everybody, parties, runsOf, waitsOf, waitWords } from './waits.ts';

const exec = promisify(execFile);
const WORKLOADS = 10;
const ROUNDS = 3;
/** To each workload. */
const REQUESTS_PER_SECOND = 5;
const NAMESPACE = 'bench';
const GOOD = 'metricops.dev/shop:v1';
const BAD = 'metricops.dev/shop:v2';

/**
 * Rollbacks by alert, each with a release that really fails under traffic that Prometheus really saw, interleaved with
 * `kubectl rollout undo` of twins that differ in nothing but who rolls them back. One watch times both, each when the
 * pods of the one before it are gone.
 */
export const benchLoop = async (progress: Progress): Promise<Record<string, number>> => {
  const env = await startEnvironment({ name: 'bench-loop', progress });
  downOnSignal(env);
  const ports = { clock: systemClock, random: Math.random };
  const deployments = createWatchCache(env.client, resources.deployments, { namespace: NAMESPACE }, ports);
  const holds = createWatchCache<Hold>(env.client, resources.holds, { namespace: NAMESPACE }, ports);
  const incidents = createWatchCache<Incident>(env.client, resources.incidents, { namespace: NAMESPACE }, ports);
  try {
    const names = Array.from({ length: WORKLOADS }, (_, i) => `web-${i}`);
    const repository = await progress.step(`${WORKLOADS} workloads and their twins`, () => deploy(env, names));
    const stopLoad = await startLoad(env, names);
    await progress.step('requests that show how each is when it is well', () => wellMeasured(env, names));
    const rollbacks: Rollback[] = [];
    const undos: number[] = [];
    for (let n = 1; n <= ROUNDS; n += 1) {
      await progress.step(`round ${n} of ${ROUNDS}: bad releases everywhere`, () =>
        releaseBad(env, repository, names, n),
      );
      await progress.step(`round ${n} of ${ROUNDS}: rollbacks and undos in turn`, async () => {
        for (const name of names) {
          await nodeAtRest(env);
          rollbacks.push(await timeRollback(env, name, { deployments, holds, incidents }));
          await nodeAtRest(env);
          undos.push(await timeUndo(env, `twin-${name}`, deployments));
        }
      });
      const applied = [50, 95].map((p) =>
        round(
          percentile(
            rollbacks.map((t) => t.applied),
            p,
          ),
        ),
      );
      progress.say(`${rollbacks.length} rollbacks applied within ${applied[0]} ms (p50), ${applied[1]} ms (p95)`);
    }
    await stopLoad();
    progress.say(['the slowest, and where they spent their time', ...slowest(rollbacks)].join('\n    '));
    const ready = percentile(
      rollbacks.map((t) => t.ready),
      50,
    );
    const undo = percentile(undos, 50);
    return {
      rollbacks: rollbacks.length,
      workloads: names.length,
      'alertToHoldMs.p50': round(
        percentile(
          rollbacks.map((t) => t.hold),
          50,
        ),
      ),
      'alertToHoldMs.p95': round(
        percentile(
          rollbacks.map((t) => t.hold),
          95,
        ),
      ),
      'alertToAppliedMs.p50': round(
        percentile(
          rollbacks.map((t) => t.applied),
          50,
        ),
      ),
      'alertToAppliedMs.p95': round(
        percentile(
          rollbacks.map((t) => t.applied),
          95,
        ),
      ),
      'alertToReadyMs.p50': round(ready),
      'kubectlUndoToReadyMs.p50': round(undo),
      readyRatio: round(ready / undo, 3),
    };
  } finally {
    await Promise.all([deployments.stop(), holds.stop(), incidents.stop()]);
    await env.down();
  }
};

const labelsOf = (name: string) => ({ 'app.kubernetes.io/name': name });

/** The same for both sides; `round` makes every bad release a new one. */
const deployment = (name: string, image: string, round: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: NAMESPACE, annotations: { 'metricops.dev/inject': 'true' } },
  spec: {
    replicas: 1,
    strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    selector: { matchLabels: labelsOf(name) },
    template: {
      metadata: {
        labels: labelsOf(name),
        annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' },
      },
      spec: {
        containers: [
          {
            name: 'web',
            image,
            imagePullPolicy: 'IfNotPresent',
            env: [
              { name: 'SERVICE', value: name },
              ...(image === BAD ? [{ name: 'ROUND', value: String(round) }] : []),
            ],
            ports: [{ containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 },
            resources: { requests: { cpu: '5m', memory: '32Mi' } },
          },
        ],
      },
    },
  },
});

const service = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: NAMESPACE },
  spec: { selector: labelsOf(name), ports: [{ port: 80, targetPort: 8080 }] },
});

const manifest = (names: readonly string[], image: string, round: number): string =>
  names
    .flatMap((name) => [deployment(name, image, round), service(name)])
    .map((o) => JSON.stringify(o))
    .join('\n---\n');

const deploy = async (env: Environment, names: readonly string[]): Promise<GitRepository> => {
  await env.client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const repository = env.git.repository('bench');
  repository.commit({ 'all.yaml': manifest(names, GOOD, 0) });
  const spec = gitSyncSpec.parse({ source: { git: { url: repository.url } }, interval: '10m' });
  await env.client.create<GitSync>(resources.gitSyncs, {
    apiVersion: API_VERSION,
    kind: 'GitSync',
    metadata: { namespace: NAMESPACE, name: 'bench' },
    spec,
  });
  await env.client.create(resources.platformPolicies, unlimited);
  for (const name of names)
    await env.client.create(resources.rollbackPolicies, policyOf({ namespace: NAMESPACE, name, podLabel: 'pod' }));
  const twins = names.map((name) => `twin-${name}`);
  await env.kubectl(['apply', '-f', '-'], manifest(twins, GOOD, 0));
  await recordedReady(env, [...names, ...twins], GOOD);
  return repository;
};

/** Half a minute of them: a burn that is as old as the metrics has no onset. */
const wellMeasured = async (env: Environment, names: readonly string[]): Promise<void> => {
  for (const name of names) {
    const query = `sum(http_requests_total{service="${name}"})`;
    const enough = 30 * REQUESTS_PER_SECOND;
    await waitFor(
      `${enough} requests to ${name}`,
      async () => ((await env.monitoring.query(query)) > enough ? true : undefined),
      { timeoutMs: 120_000 },
    );
  }
};

const releaseBad = async (
  env: Environment,
  repository: GitRepository,
  names: readonly string[],
  round: number,
): Promise<void> => {
  repository.commit({ 'all.yaml': manifest(names, BAD, round) });
  await env.pushed({ namespace: NAMESPACE, name: 'bench' });
  const twins = names.map((name) => `twin-${name}`);
  await env.kubectl(['apply', '-f', '-'], manifest(twins, BAD, round));
  await recordedReady(env, [...names, ...twins], BAD);
  // Enough requests since it was ready to judge it, in Prometheus.
  for (const name of names) {
    const query = `sum(increase(http_requests_total{service="${name}",code=~"5.."}[5s]))`;
    await waitFor(
      `failed requests to ${name}`,
      async () => ((await env.monitoring.query(query)) > 3 ? true : undefined),
      {
        timeoutMs: 60_000,
      },
    );
  }
};

/** Every workload rolled out, and its current release recorded as ready with this image. */
const recordedReady = async (env: Environment, names: readonly string[], image: string): Promise<void> => {
  for (const name of names) {
    const key = { namespace: NAMESPACE, name: `deployment-${name}` };
    await waitFor(
      `${name} with ${image}`,
      async () => {
        const records = (await env.client.get<ReleaseHistory>(resources.releaseHistories, key))?.spec;
        const current = records?.releases?.find((r) => r.number === records.currentRelease);
        return current?.readyTime !== undefined && current.images.some((i) => i.image === image) ? true : undefined;
      },
      { timeoutMs: 180_000 },
    );
  }
};

const startLoad = async (env: Environment, names: readonly string[]): Promise<() => Promise<unknown>> => {
  const urls: string[] = [];
  for (const name of names) {
    const found = await env.client.get(resources.services, { namespace: NAMESPACE, name });
    urls.push(`http://${(found?.spec as { clusterIP?: string } | undefined)?.clusterIP}/`);
  }
  // A process of its own: the watch that times the rollbacks waits for no request.
  const load = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('../examples/shop/app/load.ts', import.meta.url)),
      ...urls.flatMap((url) => ['--url', url]),
      ...['--rate', String(WORKLOADS * REQUESTS_PER_SECOND), '--seconds', '1800'],
    ],
    { stdio: 'ignore' },
  );
  const ended = once(load, 'exit');
  process.once('exit', () => load.kill()); // also where the bench fails
  return () => {
    load.kill();
    return ended;
  };
};

const imageOf = (object: KubeObject | undefined): string | undefined =>
  (object?.spec as { template: { spec: { containers: { image: string }[] } } } | undefined)?.template.spec.containers[0]
    ?.image;

const isReady = (object: KubeObject | undefined): boolean => {
  const status = (object?.status ?? {}) as {
    observedGeneration?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    replicas?: number;
  };
  return (
    status.observedGeneration === object?.metadata.generation &&
    status.updatedReplicas === 1 &&
    status.availableReplicas === 1 &&
    status.replicas === 1
  );
};

/** Milliseconds from `start` until the watch shows the condition. */
const seen = <T extends KubeObject>(
  cache: WatchCache<T>,
  start: number,
  check: (object: T) => boolean,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error('not within 60 s')), 60_000);
    const look = (object: T | undefined): void => {
      if (!object || !check(object)) return;
      clearTimeout(timeout);
      off();
      resolve(performance.now() - start);
    };
    const off = cache.onChange(look);
    for (const object of cache.list()) look(object);
  });

/**
 * What the rollout before this one left is gone, and the node has cleaned up after it: else each is timed while the node
 * still ends the other's pods.
 */
const nodeAtRest = async (env: Environment): Promise<void> => {
  await waitFor(
    'the pods that were replaced to be gone',
    async () => {
      const { items } = await env.client.list(resources.pods, { namespace: NAMESPACE });
      return items.some(({ metadata }) => metadata.deletionTimestamp) ? undefined : true;
    },
    { timeoutMs: 120_000 },
  );
  let from = ticks();
  await waitFor(
    'idle cores',
    async () => {
      const to = ticks();
      const idle = idlePercent(from, to);
      from = to;
      return idle >= IDLE_PERCENT ? true : undefined;
    },
    { timeoutMs: 120_000, everyMs: 1_000, explain: () => 'other programs keep the machine busy' },
  );
};

const ticks = (): Ticks => ticksOf(readFileSync('/proc/stat', 'utf8'));

/** Of the cores, in the second before; they are 80 to 90 when nothing is rolled out. */
const IDLE_PERCENT = 60;

const timeRollback = async (
  env: Environment,
  name: string,
  {
    deployments,
    holds,
    incidents,
  }: { deployments: WatchCache; holds: WatchCache<Hold>; incidents: WatchCache<Incident> },
): Promise<Rollback> => {
  const before = new Set([...holds.list(), ...incidents.list()].map(({ metadata }) => metadata.uid));
  const busy = await prometheusMs(env);
  const taking = parties();
  const waited = waitsOf(taking);
  const all = everybody();
  const ran = runsOf(all);
  const start = performance.now();
  const is = (object: KubeObject): boolean => object.metadata.name === name && imageOf(object) === GOOD;
  const isNew = ({ metadata, spec }: Hold | Incident): boolean =>
    spec.workloadRef.name === name && !before.has(metadata.uid);
  const isDecided = ({ status }: Incident): boolean => status?.phase === 'RollingBack' || status?.phase === 'Verifying';
  const undecided = new Set<string>();
  const stopListening = incidents.onChange((incident) => {
    const message = incident && isNew(incident) && !isDecided(incident) ? incident.status?.message : undefined;
    if (message !== undefined) undecided.add(message);
  });
  const times = Promise.all([
    seen(incidents, start, (incident) => isNew(incident) && isDecided(incident)),
    seen(holds, start, isNew),
    seen(deployments, start, is).then(async (ms) => {
      const waits = waitWords(waited, waitsOf(taking));
      const runs = waitWords(ran, runsOf(all), 6);
      return { ms, waits, runs, prometheus: (await prometheusMs(env)) - busy };
    }),
    seen(deployments, start, (object) => is(object) && isReady(object)),
  ]);
  const [[decided, hold, applied, ready], stored] = await Promise.all([times, alert(env, name, start)]).catch(
    (error) => {
      const open = incidents.list().filter(isNew);
      throw new Error(`${name} was not rolled back: ${JSON.stringify(open.map(({ status }) => status))}`, {
        cause: error,
      });
    },
  );
  stopListening();
  // It is closed before the next round begins.
  await waitFor(
    `the incident of ${name} to end`,
    async () => {
      const { items } = await env.client.list<Incident>(resources.incidents, { namespace: NAMESPACE });
      return items.filter((i) => i.spec.workloadRef.name === name).every((i) => i.status?.closedTime !== undefined)
        ? true
        : undefined;
    },
    { timeoutMs: 120_000 },
  );
  return {
    name,
    stored,
    decided,
    hold,
    applied: applied.ms,
    ready,
    prometheus: applied.prometheus,
    waits: applied.waits,
    runs: applied.runs,
    undecided: [...undecided],
  };
};

/** Milliseconds that Prometheus has spent on queries and rules so far. */
const prometheusMs = async (env: Environment): Promise<number> => {
  const text = await (await fetch(`${env.monitoring.prometheusUrl}/metrics`)).text();
  const lines = text
    .split('\n')
    .filter((line) =>
      /^prometheus_http_request_duration_seconds_sum\{handler="\/api\/v1\/(query|query_range|rules)"/.test(line),
    );
  return 1000 * lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
};

/** Posts the alert; milliseconds since `start` until it was answered, and so stored. */
const alert = async (env: Environment, name: string, start: number): Promise<number> => {
  const labels = { alertname: 'ErrorBudgetBurn', severity: 'page', namespace: NAMESPACE, metricops_policy: name };
  const startsAt = new Date().toISOString();
  const firing = { status: 'firing', labels, startsAt, fingerprint: `${name}-${startsAt}` };
  const answer = await fetch(`${env.metricopsUrl}/api/v1/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${env.tokens.alertmanager}` },
    body: JSON.stringify({ version: '4', alerts: [firing] }),
  });
  if (!answer.ok) throw new Error(`the alert was answered with ${answer.status}: ${await answer.text()}`);
  return performance.now() - start;
};

const timeUndo = async (env: Environment, name: string, deployments: WatchCache): Promise<number> => {
  const start = performance.now();
  const ready = seen(
    deployments,
    start,
    (object) => object.metadata.name === name && imageOf(object) === GOOD && isReady(object),
  );
  await exec(env.cluster.kubectl, [
    '--kubeconfig',
    env.cluster.kubeconfig,
    'rollout',
    'undo',
    `deployment/${name}`,
    '-n',
    NAMESPACE,
  ]);
  return ready;
};
