import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../src/api/meta.ts';
import { resources } from '../src/kube/index.ts';
import { waitFor } from '../tools/cluster/wait.ts';
import { downOnSignal, type Environment, startEnvironment } from '../tools/demo/environment.ts';
import type { Progress } from '../tools/demo/progress.ts';
import { percentile, round } from './statistics.ts';

const NAMESPACE = 'bench';
const RECORDER = 'metricops-recorder';
const PODS = 5;
const SCRAPES = 200;
const REST_MS = 20_000;

interface Stats {
  memory?: { time?: string; workingSetBytes?: number; rssBytes?: number };
  cpu?: { usageCoreNanoSeconds?: number; time?: string };
}

/** What the recorder costs in a pod, as the kubelet reports it: the first one on a node with cold caches, and later ones. */
export const benchSidecar = async (progress: Progress): Promise<Record<string, number>> => {
  const env = await startEnvironment({ name: 'bench-sidecar', progress });
  downOnSignal(env);
  try {
    await env.client.create(resources.namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: NAMESPACE, labels: { 'metricops.dev/inject': 'enabled' } },
    });
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    const cold = await progress.step('the first pod, caches dropped', () => deploy(env, 'cold', 1));
    const [coldStats] = await progress.step('its memory', () => statsOf(env, cold));
    const later = await progress.step(`${PODS} later pods`, () => deploy(env, 'later', PODS));
    const atRest = await progress.step('their memory and CPU at rest', async () => {
      const before = await statsOf(env, later);
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      return { before, after: await statsOf(env, later) };
    });
    await progress.step(`${SCRAPES} scrapes of each`, () => scrape(later));
    const scraped = await statsOf(env, later);
    const mebibytes = (stats: readonly Stats[], field: 'workingSetBytes' | 'rssBytes'): number =>
      round(
        percentile(
          stats.map((s) => s.memory?.[field] ?? Number.NaN),
          50,
        ) /
          2 ** 20,
      );
    const first = await Promise.all(later.map((pod) => firstRecordMs(env, pod)));
    const restarts = [...cold, ...later].map((pod) => restartsOf(pod)).reduce((a, b) => a + b, 0);
    return {
      'workingSetMiB.cold': mebibytes(coldStats ? [coldStats] : [], 'workingSetBytes'),
      'workingSetMiB.rest': mebibytes(atRest.after, 'workingSetBytes'),
      'workingSetMiB.afterScrapes': mebibytes(scraped, 'workingSetBytes'),
      anonymousMiB: mebibytes(atRest.after, 'rssBytes'),
      'cpuMilli.rest': round(
        percentile(
          atRest.after.map((s, i) => milliCores(atRest.before[i], s)),
          50,
        ),
        2,
      ),
      'firstRecordMs.p50': round(percentile(first, 50)),
      bundleKiB: round(statSync(join(import.meta.dirname, '../dist/sidecar.cjs')).size / 1024),
      restarts,
    };
  } finally {
    await env.down();
  }
};

const deploy = async (env: Environment, name: string, replicas: number): Promise<KubeObject[]> => {
  const labels = { app: name };
  const container = {
    name: 'app',
    image: 'metricops.dev/shop:v1',
    imagePullPolicy: 'IfNotPresent',
    env: [{ name: 'SERVICE', value: name }],
  };
  const annotations = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' };
  await env.client.create(resources.deployments, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: NAMESPACE, name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: { containers: [container] } },
    },
  });
  await waitFor(
    `the record of ${name}`,
    async () => {
      const history = await env.client.get(resources.releaseHistories, {
        namespace: NAMESPACE,
        name: `deployment-${name}`,
      });
      const { releases = [] } = (history?.spec ?? {}) as { releases?: { readyTime?: string }[] };
      return releases.some((r) => r.readyTime !== undefined) ? true : undefined;
    },
    { timeoutMs: 120_000 },
  );
  const pods = await env.client.list(resources.pods, { namespace: NAMESPACE, labelSelector: `app=${name}` });
  return pods.items;
};

const restartsOf = (pod: KubeObject): number =>
  ((pod.status as { initContainerStatuses?: { restartCount: number }[] }).initContainerStatuses ?? []).reduce(
    (n, s) => n + s.restartCount,
    0,
  );

/** The kubelet measures every ten seconds or so: asked until every pod has numbers of after the question. */
const statsOf = async (env: Environment, pods: readonly KubeObject[]): Promise<Stats[]> => {
  const asked = Date.now();
  const isNew = (s: Stats | undefined): boolean =>
    Date.parse(s?.memory?.time ?? '') >= asked && s?.cpu?.usageCoreNanoSeconds !== undefined;
  return waitFor(
    'the kubelet to report',
    async () => {
      const path = `/api/v1/nodes/${env.cluster.name}/proxy/stats/summary`;
      const summary = (await env.client.raw('GET', path)) as {
        pods: { podRef: { name: string }; containers?: (Stats & { name: string })[] }[];
      };
      const stats = pods.map(({ metadata }) =>
        summary.pods.find((p) => p.podRef.name === metadata.name)?.containers?.find((c) => c.name === RECORDER),
      );
      return stats.every(isNew) ? (stats as Stats[]) : undefined;
    },
    { timeoutMs: 60_000, everyMs: 1000 },
  );
};

const milliCores = (before: Stats | undefined, after: Stats): number => {
  const used = (after.cpu?.usageCoreNanoSeconds ?? 0) - (before?.cpu?.usageCoreNanoSeconds ?? 0);
  const elapsed = Date.parse(after.cpu?.time ?? '') - Date.parse(before?.cpu?.time ?? '');
  return used / 1e6 / (elapsed / 1000);
};

const scrape = async (pods: readonly KubeObject[]): Promise<void> => {
  for (const pod of pods) {
    const { podIP } = pod.status as { podIP?: string };
    const port = pod.metadata.annotations?.['prometheus.io/port'];
    for (let i = 0; i < SCRAPES; i += 1) {
      const answer = await fetch(`http://${podIP}:${port}/metrics`);
      if (!answer.ok) throw new Error(`a scrape was answered with ${answer.status}`);
      await answer.text();
    }
  }
};

/** From the container's start, which the kubelet tells in whole seconds, to the line that says it is recorded. */
const firstRecordMs = async (env: Environment, pod: KubeObject): Promise<number> => {
  const log = await env.kubectl(['logs', pod.metadata.name, '-n', NAMESPACE, '-c', RECORDER]);
  const lines = log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { time: string; msg: string });
  const recorded = lines.find((l) => l.msg === 'release recorded');
  const status = (
    pod.status as { initContainerStatuses?: { name: string; state?: { running?: { startedAt: string } } }[] }
  ).initContainerStatuses;
  const started = status?.find((s) => s.name === RECORDER)?.state?.running?.startedAt;
  return Date.parse(recorded?.time ?? '') - Date.parse(started ?? '');
};
