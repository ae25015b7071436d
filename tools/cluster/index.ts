import { type ExecFileOptions, execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensurePrograms } from './build.ts';
import { startControlPlane, writeIdentities } from './control-plane.ts';
import { ensureDebianPackages } from './debian.ts';
import { type Layout, layoutOf, SLOTS, stateRoot } from './layout.ts';
import {
  createCgroups,
  createNamespaces,
  enter,
  findHolder,
  linkExists,
  processesInside,
  removeCgroups,
  removeLink,
} from './namespaces.ts';
import { ctr, type NodeHost, startNode } from './node.ts';
import { endProcess, openProcessTable, type ProcessId } from './processes.ts';
import { clusterPrograms, controlPlanePrograms } from './versions.ts';
import { waitFor } from './wait.ts';

const run = promisify(execFile);

export interface ClusterOptions {
  /** Lower-case letters, digits and dashes. */
  name: string;
  /** With a node that runs containers (root); without, only the control plane, which needs no root. */
  node: boolean;
  log?: (line: string) => void;
  apiserverFlags?: readonly string[];
}

export interface Cluster {
  name: string;
  /** Path of the administrator's kubeconfig. */
  kubeconfig: string;
  /** https://host:port */
  server: string;
  stateDir: string;
  /** Paths of kubectl and the other programs. */
  kubectl: string;
  /** Address at which pods reach a process that `spawn` started, and the node itself. */
  nodeAddress: string;
  /** Address of this machine, as pods reach it. */
  hostAddress: string;
  /** Runs a command inside the cluster's namespaces (on the host for a control plane only) and gives its output. */
  exec(argv: readonly string[], options?: ExecFileOptions): Promise<string>;
  /** Starts a long-running process there; it ends with the cluster. Its log is STATE/log/NAME.log. */
  spawn(name: string, argv: readonly string[], env?: NodeJS.ProcessEnv): ProcessId;
  stop(name: string): Promise<void>;
  /** Last lines of a process's log. */
  tail(name: string, lines?: number): string;
  /** Loads a docker-archive into the node's image store. */
  importImage(archive: string): Promise<void>;
  /** Ends every process of this cluster and removes its state. */
  down(): Promise<void>;
}

/** Brings up a real Kubernetes and resolves when it can be used. A failure ends what was started, and says what its log said. */
export const startCluster = async (options: ClusterOptions): Promise<Cluster> => {
  const log = options.log ?? (() => {});
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(options.name)) {
    throw new Error(`cluster name "${options.name}": use lower-case letters, digits and dashes, at most 31`);
  }
  if (options.node && process.getuid?.() !== 0) {
    throw new Error('a node with containers needs root; without, use a control plane only (--control-plane-only)');
  }
  if (options.node) await ensureDebianPackages(NODE_PACKAGES, log);
  const binaries = await ensurePrograms(options.node ? clusterPrograms : controlPlanePrograms, { log });
  const layout = await claimSlot(options);
  const cluster = open(layout, binaries.kubectl);
  try {
    const processes = openProcessTable(layout.stateDir);
    await writeIdentities(layout);
    if (layout.node) createCgroups(layout);
    const prefix = layout.node ? createNamespaces(layout, processes) : [];
    log(`starting the control plane at ${cluster.server}`);
    const controlPlane = startControlPlane(layout, binaries, processes, {
      prefix,
      apiserverFlags: options.apiserverFlags ?? [],
    });
    // containerd and the rest retry until the API server is there: both come up at once.
    const host: NodeHost = { layout, processes, prefix, exec: (argv) => cluster.exec(argv) };
    await Promise.all([controlPlane, options.node ? startNode(host, binaries) : undefined]);
    await waitUntilUsable(cluster, layout);
    log(`cluster ${layout.name} is up`);
    return cluster;
  } catch (error) {
    await cluster.down();
    throw error;
  }
};

/** A cluster that another command started; undefined where there is none of that name. */
export const openCluster = async (name: string): Promise<Cluster | undefined> => {
  const file = join(stateRoot(), name, 'layout.json');
  if (!existsSync(file)) return undefined;
  const { kubectl } = await ensurePrograms(['kubectl'], { log: () => {} });
  return open(JSON.parse(readFileSync(file, 'utf8')) as Layout, kubectl);
};

export const clusterNames = (): string[] =>
  existsSync(stateRoot()) ? readdirSync(stateRoot()).filter((n) => !n.startsWith('.')) : [];

const NODE_PACKAGES = ['containerd', 'runc', 'containernetworking-plugins', 'conntrack', 'iptables', 'iproute2'];

const open = (layout: Layout, kubectl: string): Cluster => {
  const processes = openProcessTable(layout.stateDir);
  const prefix = (): string[] => {
    const holder = findHolder(processes);
    if (layout.node && holder === undefined) throw new Error(`cluster ${layout.name} is not running`);
    return holder === undefined ? [] : enter(layout, holder);
  };
  const exec: Cluster['exec'] = async (argv, options = {}) => {
    const [command = '', ...args] = [...prefix(), ...argv];
    const { stdout } = await run(command, args, { maxBuffer: 64 << 20, ...options });
    return stdout.toString();
  };
  return {
    name: layout.name,
    kubeconfig: join(layout.pki, 'admin.kubeconfig'),
    server: `https://${layout.apiHost}:${layout.apiPort}`,
    stateDir: layout.stateDir,
    kubectl,
    nodeAddress: layout.node ? layout.link.node : '127.0.0.1',
    hostAddress: layout.node ? layout.link.host : '127.0.0.1',
    exec,
    spawn: (name, argv, env = process.env) => processes.start(name, argv, { prefix: prefix(), env }),
    stop: (name) => processes.stop(name),
    tail: (name, lines) => processes.tail(name, lines),
    importImage: async (archive) => void (await exec(ctr('images', 'import', archive))),
    async down() {
      // The kubelet first, or it would start again what is ended; the holder last, for it holds the way in.
      await processes.stop('kubelet', 2000);
      const holder = findHolder(processes);
      if (layout.node) {
        const inside = processesInside(layout, holder);
        await Promise.all(inside.map((id) => endProcess(id, 2000)));
      }
      // An API server that lost its clients and has its etcd ends at once; without etcd it takes its whole grace time.
      const inOrder = ['kube-apiserver', 'etcd'];
      const others = processes.names().filter((n) => n !== 'namespaces' && !inOrder.includes(n));
      await Promise.all(others.map((n) => processes.stop(n)));
      for (const name of inOrder) await processes.stop(name);
      if (layout.node) await Promise.all(processesInside(layout, holder).map((id) => endProcess(id, 0)));
      await processes.stop('namespaces', 0);
      if (layout.node) {
        removeLink(layout);
        await removeCgroups(layout);
        rmSync(slotDir(stateRoot(), layout.slot), { recursive: true, force: true });
      }
      rmSync(layout.stateDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

/** A folder for this cluster, made by nobody else at the same time, and a slot that no other cluster has. */
const claimSlot = async ({ name, node }: ClusterOptions): Promise<Layout> => {
  const root = stateRoot();
  mkdirSync(root, { recursive: true });
  const stateDir = join(root, name);
  try {
    mkdirSync(stateDir, { mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Error(`cluster ${name} exists already; end it first: npm run cluster -- down ${name}`);
  }
  for (let slot = 0; slot < SLOTS; slot += 1) {
    if (node && linkExists(slot)) continue; // of a cluster with another cache folder
    try {
      if (node) mkdirSync(slotDir(root, slot));
    } catch {
      if (slotIsTaken(root, slot, name)) continue;
    }
    const layout = layoutOf({ name, node, slot, stateDir, freePorts: node ? [] : await freePorts(5) });
    if (node) writeFileSync(join(slotDir(root, slot), 'cluster'), name);
    writeFileSync(join(stateDir, 'layout.json'), JSON.stringify(layout));
    return layout;
  }
  rmSync(stateDir, { recursive: true });
  throw new Error(`${SLOTS} clusters with a node stand already; end one: npm run cluster -- list`);
};

const slotDir = (root: string, slot: number): string => join(root, `.slot-${slot}`);

/** One that a crash left is free again: its cluster's folder is gone, or it has the name that is being started. */
const slotIsTaken = (root: string, slot: number, name: string): boolean => {
  const file = join(slotDir(root, slot), 'cluster');
  if (!existsSync(file)) return true;
  const holder = readFileSync(file, 'utf8');
  return holder !== name && existsSync(join(root, holder));
};

const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((s) => (s.address() as { port: number }).port);
  await Promise.all(servers.map((s) => new Promise((resolve) => s.close(resolve))));
  return ports;
};

/** Pods need their namespace's ServiceAccount, and with a node, that node. */
const waitUntilUsable = async (cluster: Cluster, layout: Layout): Promise<void> => {
  const kubectl = (...args: string[]): Promise<string> =>
    run(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, ...args]).then((r) => r.stdout);
  await waitFor('the default ServiceAccount', () => kubectl('get', 'serviceaccount', 'default', '-o', 'name'), {
    timeoutMs: 60_000,
    explain: () => cluster.tail('kube-controller-manager'),
  });
  if (!layout.node) return;
  const ready = '{.status.conditions[?(@.type=="Ready")].status}';
  const check = async (): Promise<true | undefined> =>
    (await kubectl('get', 'node', layout.name, '-o', `jsonpath=${ready}`)) === 'True' ? true : undefined;
  await waitFor('the node to be Ready', check, { timeoutMs: 90_000, explain: () => cluster.tail('kubelet') });
};
