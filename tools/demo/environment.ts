import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { dump } from 'js-yaml';
import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import { createKubeClient, type KubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import { addPrograms, buildAll } from '../build.ts';
import { ensurePrograms } from '../cluster/build.ts';
import { ensureDebianPackages } from '../cluster/debian.ts';
import { type Cluster, startCluster } from '../cluster/index.ts';
import { clusterPrograms } from '../cluster/versions.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildImages, type Image } from '../images.ts';
import { type GitServer, startGitServer } from '../lib/git-server.ts';
import { type Access, proxiedAccess, routedAccess } from './access.ts';
import { type ExistingCluster, openExisting } from './existing.ts';
import { type Monitoring, startMonitoring } from './monitoring.ts';
import type { Progress } from './progress.ts';

const exec = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
/** Where the demo's shop is. */
export const DEMO_NAMESPACE = 'shop';

/** A cluster with metricops, Prometheus, Alertmanager and a Git server: all real, all of this machine. */
export interface Environment {
  cluster: Cluster;
  client: KubeClient;
  git: GitServer;
  monitoring: Monitoring;
  access: Access;
  /** HTTP endpoint of the installed controller. */
  metricopsUrl: string;
  tokens: { alertmanager: string; push: string };
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Tells metricops of a push, as a forge would. */
  pushed(sync: { namespace: string; name: string }): Promise<void>;
  down(): Promise<void>;
}

export const SHOP_IMAGES: readonly Image[] = [
  { target: 'shop', name: 'metricops.dev/shop:v1', env: { VERSION: 'v1' } },
  { target: 'shop', name: 'metricops.dev/shop:v2', env: { VERSION: 'v2', FAIL_RATIO: '0.2' } },
  { target: 'shop', name: 'metricops.dev/shop:v3', env: { VERSION: 'v3' } },
];
const OWN_IMAGES: readonly Image[] = [
  { target: 'metricops', name: 'metricops.dev/metricops:dev' },
  { target: 'sidecar', name: 'metricops.dev/sidecar:dev' },
];

/** What is missing on this machine, each with the command that gets it; empty when the demo can run. */
export const missingHere = async (): Promise<string[]> => {
  const missing: string[] = [];
  if (process.platform !== 'linux') missing.push('Linux: the local cluster uses namespaces and control groups');
  if (process.getuid?.() !== 0) missing.push('root: run it as root, or with sudo');
  const go = await exec('go', ['version'])
    .catch(() => exec('/usr/local/go/bin/go', ['version']))
    .catch(() => undefined);
  if (!go)
    missing.push('Go 1.25 or later: https://go.dev/doc/install, or apt-get install golang-go where it is new enough');
  return missing;
};

export const startEnvironment = async (options: {
  name: string;
  progress: Progress;
  /** Instead of a cluster of our own. */
  existing?: ExistingCluster;
}): Promise<Environment> => {
  const { progress, name, existing } = options;
  const log = (line: string): void => progress.say(`  ${line}`);
  const packages = existing ? HOST_PACKAGES : [...NODE_PACKAGES, ...HOST_PACKAGES];
  const installing = progress.step('Debian packages', () => ensureDebianPackages(packages, log));
  // The first time ever this is what takes long: it begins with the packages.
  const compiling = existing ? Promise.resolve() : ensurePrograms(clusterPrograms, { log });
  compiling.catch(() => {}); // startCluster finds out
  await installing;
  const starting = existing
    ? progress.step(`context ${existing.context}`, () => openExisting(existing))
    : progress.step('a Kubernetes with a node', () => startCluster({ name, node: true, log }));
  const building = progress.step('images from the Containerfile', () => buildOwnImages(log));
  building.catch(() => {}); // awaited below, after the cluster that has to end with it
  const cluster = await starting;
  let git: GitServer | undefined;
  const down = async (): Promise<void> => {
    await git?.close();
    await cluster.down();
  };
  try {
    await progress.step('loading the images into the cluster', async () => {
      for (const archive of (await building).values()) await cluster.importImage(archive);
    });
    git = await startGitServer({ host: cluster.hostAddress });
    return await assemble(cluster, git, progress, { down, foreign: existing !== undefined });
  } catch (error) {
    await down();
    throw error;
  }
};

/** Ctrl-C ends what was started, too. */
export const downOnSignal = (env: Pick<Environment, 'down'>): void => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void env.down().finally(() => process.exit(130)));
};

const buildOwnImages = async (log: (line: string) => void): Promise<Map<string, string>> => {
  const dist = join(ROOT, 'dist');
  await buildAll(dist);
  // Nothing here is a Helm chart or encrypted: the other programs take minutes to build.
  await addPrograms(dist, log, ['kustomize']);
  return buildImages([...OWN_IMAGES, ...SHOP_IMAGES], { context: ROOT, outDir: join(dist, 'images'), log });
};

const NODE_PACKAGES = ['containerd', 'runc', 'containernetworking-plugins', 'conntrack', 'iptables', 'iproute2'];
const HOST_PACKAGES = ['buildah', 'openssh-client', 'git', 'prometheus', 'prometheus-alertmanager'];

const assemble = async (
  cluster: Cluster,
  git: GitServer,
  progress: Progress,
  { down, foreign }: { down: () => Promise<void>; foreign: boolean },
): Promise<Environment> => {
  const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
    const child = exec(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, ...args], { maxBuffer: 64 << 20 });
    child.child.stdin?.end(input ?? '');
    return (await child).stdout;
  };
  const client = createKubeClient(await loadConnection({ kubeconfig: cluster.kubeconfig }));
  const access = foreign ? await proxiedAccess(cluster) : routedAccess(client);
  const tokens = { alertmanager: randomBytes(24).toString('hex'), push: randomBytes(24).toString('hex') };
  const address = cluster.nodeAddress;

  await progress.step('installing metricops with its kustomization.yaml', async () => {
    const overlay = join(cluster.stateDir, 'overlay');
    mkdirSync(overlay, { recursive: true });
    writeFileSync(
      join(overlay, 'kustomization.yaml'),
      dump(overlayOf(relative(overlay, ROOT), `http://${address}:9090`)),
    );
    await kubectl(['apply', '--server-side', '-k', join(ROOT, 'deploy/first')]);
    for (const name of ['alertmanager', 'push'] as const) {
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { namespace: SYSTEM_NAMESPACE, name: `metricops-${name}` },
      };
      await client.apply(
        resources.secrets,
        { ...secret, stringData: { token: tokens[name] } },
        { fieldManager: 'demo', force: true },
      );
    }
    await kubectl(['apply', '--server-side', '-k', overlay]);
    await kubectl(['rollout', 'status', 'deployment/metricops', '-n', SYSTEM_NAMESPACE, '--timeout=60s']).catch(
      async (error) => {
        const pods = await kubectl(['get', 'pods', '-n', SYSTEM_NAMESPACE, '-o', 'wide']);
        const logs = await kubectl(['logs', 'deployment/metricops', '-n', SYSTEM_NAMESPACE, '--tail=20']).catch(String);
        throw new Error(`metricops did not become ready:\n${pods}\n${logs}`, { cause: error });
      },
    );
  });
  const metricopsUrl = await access.metricops();
  const monitoring = await progress.step('Prometheus and Alertmanager', async () => {
    const host = {
      dir: cluster.stateDir,
      address,
      client,
      access,
      spawn: (n: string, argv: string[]) => cluster.spawn(n, argv),
    };
    const started = await startMonitoring(host, {
      ports: { prometheus: 9090, alertmanager: 9093 },
      webhook: { url: `${metricopsUrl}/api/v1/alerts`, token: tokens.alertmanager },
      scrapeSeconds: 1,
    });
    for (const url of [`${started.prometheusUrl}/-/ready`, `${started.alertmanagerUrl}/-/ready`]) {
      await waitFor(url, async () => ((await fetch(url)).ok ? true : undefined), {
        timeoutMs: 30_000,
        explain: () => `${cluster.tail('prometheus')}\n${cluster.tail('alertmanager')}`,
      });
    }
    return started;
  });
  return {
    cluster,
    client,
    git,
    monitoring,
    access,
    metricopsUrl,
    tokens,
    kubectl,
    async pushed({ namespace, name }) {
      const answer = await fetch(`${metricopsUrl}/api/v1/push/${namespace}/${name}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${tokens.push}` },
      });
      if (!answer.ok) throw new Error(`the push hook answered ${answer.status}: ${await answer.text()}`);
    },
    async down() {
      await monitoring.stop();
      // Of a cluster of our own nothing is left anyway.
      if (foreign) await uninstall(kubectl);
      await client.close();
      await down();
    },
  };
};

/** The GitSyncs and their kind first, while somebody is there to take their finalizers off. */
const uninstall = async (kubectl: Environment['kubectl']): Promise<void> => {
  await kubectl(['delete', 'namespace', DEMO_NAMESPACE, '--ignore-not-found', '--timeout=120s']);
  for (const folder of ['deploy/crds', '.', 'deploy/first'])
    await kubectl(['delete', '-k', join(ROOT, folder), '--ignore-not-found', '--timeout=120s']);
};

/** What a user would write: the repository as a base, and the one setting that every installation has. */
const overlayOf = (base: string, prometheusUrl: string): unknown => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  resources: [base],
  patches: [
    {
      target: { kind: 'ConfigMap', name: 'metricops-config' },
      patch: dump([{ op: 'replace', path: '/data/METRICOPS_PROMETHEUS_URL', value: prometheusUrl }]),
    },
  ],
});
