import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePrograms } from './build.ts';
import { type Cluster, clusterNames, openCluster, startCluster } from './index.ts';
import { clusterPrograms } from './versions.ts';

const HELP = `Usage: npm run cluster -- COMMAND [NAME] [--control-plane-only]

A real Kubernetes on this machine: etcd, API server, controller manager, scheduler and, as root, a node with
containerd, kubelet, kube-proxy and CoreDNS in namespaces of its own.

  up [NAME]           start it; prints the line that points kubectl at it
  down [NAME]         end its processes and remove its state
  list                the clusters that stand
  exec NAME -- CMD    run a command inside its namespaces
  import NAME FILE    load a docker-archive into its node
  build               build all of its programs into the cache (METRICOPS_CACHE, ~/.cache/metricops)

NAME is "metricops" by default. KUBEBUILDER_ASSETS is used for the programs that it holds.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'control-plane-only': { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
});
const [command, name = 'metricops', ...rest] = positionals;
const log = (line: string): void => void process.stderr.write(`${line}\n`);

const existing = async (): Promise<Cluster> => {
  const cluster = await openCluster(name);
  if (!cluster) throw new Error(`no cluster ${name}; there are: ${clusterNames().join(', ') || 'none'}`);
  return cluster;
};

const commands: Record<string, () => Promise<unknown>> = {
  async up() {
    const cluster = await startCluster({ name, node: !values['control-plane-only'], log });
    process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`);
  },
  down: async () => (await existing()).down(),
  list: async () =>
    process.stdout.write(
      clusterNames()
        .map((n) => `${n}\n`)
        .join(''),
    ),
  exec: async () => process.stdout.write(await (await existing()).exec(rest)),
  import: async () => (await existing()).importImage(resolve(rest[0] ?? '')),
  build: () => ensurePrograms([...clusterPrograms, 'kustomize', 'helm', 'sops-decrypt', 'sops'], { log }),
};

const action = values.help ? undefined : commands[command ?? ''];
if (!action) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}
try {
  await action();
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
