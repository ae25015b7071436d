import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { createMetrics } from '../../src/telemetry/index.ts';
import { memoryRows, readSizing, sumOf } from './memory.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** docs/sizing.md: what the container may take, from the constants of the code. */
export const sizingPage = (): string => {
  const sizing = readSizing(read('deploy/controller.yaml'), read('Containerfile'));
  const rows = memoryRows(sizing);
  const worst = sumOf(rows, 'worst');
  return `# Sizing

Every replica of the controller has the same limits; only the leader uses most of them. \`deploy/controller.yaml\` has the figures, and a test adds them up.

## Memory

Each part of the process has a bound of its own, so a hostile repository ends one thread or one process of kustomize or Helm, and not the controller. The container's limit is the sum of these bounds. "Typical" is an estimate for a leader with some hundred GitSyncs; the benchmarks measure 249 MiB at the peak of a first sync of 1,000 GitSyncs, and 318 MiB with 5,000 objects.

| part | worst, MiB | typical, MiB | what it is |
|---|---|---|---|
${rows.map((r) => `| ${r.what} | ${r.worst} | ${r.typical} | ${r.why} |`).join('\n')}
| **sum** | **${worst}** | **${sumOf(rows, 'typical')}** | limit: ${sizing.limit} MiB |

What is not in the sum: the page cache of files, which the kernel gives back when memory is short.

The heap of the main thread is the one part that grows with the cluster: with its pods, ReplicaSets, objects of GitSyncs and their renders. When it is full, the process ends, another replica takes the Lease, and meets the same load. \`process_resident_memory_bytes\` and \`nodejs_heap_size_used_bytes\` show it. For a large cluster, raise the heap and the limit by the same amount:

\`\`\`yaml
patches:
  - target: { kind: Deployment, name: metricops }
    patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: { name: metricops }
      spec:
        template:
          spec:
            containers:
              - name: controller
                env: [{ name: NODE_OPTIONS, value: --max-old-space-size=${sizing.old + 512} }]
                resources: { limits: { memory: ${sizing.limit + 512}Mi } }
\`\`\`

Renders that syncs hold while they apply them are counted in the main thread's heap: one of the largest, 16 MiB of manifests, takes some 50 MiB. Those above 1 MB are held by four syncs at a time, two of one namespace (\`src/sync/render/large.ts\`): what else is large waits, and is rendered again when its turn comes.

## Disk

| volume | size | what it holds |
|---|---|---|
| \`data\` | ${sizing.data / 1024} GiB | mirrors of repositories, 3 GiB in all, eight fetches of 100 MB each, and 64 MiB of charts |
| \`tmp\` | ${sizing.tmp} MiB | copies of repositories for two processes of kustomize or Helm, 256 MiB each, and 64 MiB of unpacked charts |

Both are caches. A mirror that is lost is fetched again.

## CPU

The controller asks for 100m and has no limit. A first sync of many GitSyncs uses all that it gets, for most of the time in requests to the API server. \`metricops_main_loop_longest_turn_seconds\` shows the longest time in which the main thread did one thing: above a second for long, the replica needs more CPU, or it met an input that it should have refused.

## Replicas

Two replicas are enough: both take alerts, records and admission reviews; one leads. A third serves a cluster that must keep the webhook and the alert endpoint through a node failure during an upgrade.
`;
};

interface Rule {
  alert: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

/** docs/metrics.md: every metric of the controller and every alert of deploy/monitoring. */
export const metricsPage = (): string => {
  const { registry } = createMetrics({ defaults: true });
  const metrics = registry.getMetricsAsArray() as unknown as {
    name: string;
    help: string;
    type: string;
    labelNames: string[];
  }[];
  const own = metrics.filter(({ name }) => name.startsWith('metricops_'));
  const { groups } = load(read('deploy/monitoring/rules.yaml')) as { groups: { rules: Rule[] }[] };
  const labels = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
  return `# Metrics and alerts

The controller serves its metrics at \`/metrics\` on port 8080, each replica its own. No label names an object, a namespace or a pod: \`kubectl\` and \`metricops status\` say which. Beside these are the default metrics of Node.js (\`process_*\`, \`nodejs_*\`).

| metric | type | labels | what it says |
|---|---|---|---|
${own.map((m) => `| \`${m.name}\` | ${m.type} | ${labels(m.labelNames)} | ${m.help} |`).join('\n')}

## Alerts

\`deploy/monitoring\` has these rules, as a file for Prometheus and as a PrometheusRule.

| alert | severity | meaning | what to do |
|---|---|---|---|
${groups.flatMap(({ rules }) => rules.map((r) => `| [${r.alert}](on-call.md#${r.alert.toLowerCase()}) | ${r.labels.severity} | ${r.annotations.summary} | ${r.annotations.description.trim()} |`)).join('\n')}
`;
};
