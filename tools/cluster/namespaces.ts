import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { isAlive, type ProcessId, type ProcessTable, startTimeOf } from './processes.ts';
import { waitFor } from './wait.ts';

const HOLDER = 'namespaces';

const run = (argv: readonly string[]): void => {
  const [command = '', ...args] = argv;
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

/** argv prefix that runs a command inside the cluster's namespaces, in its group for the node's own programs. */
export const enter = (layout: Layout, holder: ProcessId): string[] => [
  ...joining(systemGroups(layout)),
  ...['nsenter', '-t', String(holder.pid), '-n', '-m', '--'],
];

const joining = (groups: readonly string[]): string[] =>
  groups.length === 0
    ? []
    : ['sh', '-c', `for g in ${groups.join(' ')}; do echo $$ >"$g/cgroup.procs"; done; exec "$@"`, 'sh'];

export const findHolder = (processes: ProcessTable): ProcessId | undefined => processes.find(HOLDER);

/**
 * Network and mount namespaces of one cluster, held open by a process of ours, and a link to them. Inside, the folders
 * that container tools take for granted (/run, /var/lib, /var/log) are the cluster's own, so that nothing is left on
 * the host: when the last process ends, mounts, interfaces, routes and iptables rules go with it.
 */
export const createNamespaces = (layout: Layout, processes: ProcessTable): string[] => {
  const own = join(layout.stateDir, 'fs');
  for (const dir of ['run', 'var-lib', 'var-log']) mkdirSync(join(own, dir), { recursive: true });
  const mounts = [
    'mount --make-rshared /',
    `mount --bind ${own}/run /run`,
    `mount --bind ${own}/var-lib /var/lib`,
    `mount --bind ${own}/var-log /var/log`,
    'exec tail -f /dev/null',
  ].join(' && ');
  const holder = processes.start(HOLDER, [
    'unshare',
    '--net',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    mounts,
  ]);
  waitUntilTail(holder);
  const outside = outsideLink(layout);
  const inside = `mo${layout.slot}n`;
  const { host, node } = layout.link;
  run(['ip', 'link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', String(holder.pid)]);
  run(['ip', 'address', 'add', `${host}/30`, 'dev', outside]);
  run(['ip', 'link', 'set', outside, 'up']);
  for (const cidr of [layout.podCIDR, layout.serviceCIDR])
    run(['ip', 'route', 'add', cidr, 'via', node, 'dev', outside]);
  const prefix = enter(layout, holder);
  for (const argv of [
    ['ip', 'link', 'set', 'lo', 'up'],
    ['ip', 'address', 'add', `${node}/30`, 'dev', inside],
    ['ip', 'link', 'set', inside, 'up'],
    ['ip', 'route', 'add', 'default', 'via', host],
    ['sysctl', '-qw', 'net.ipv4.ip_forward=1'],
  ]) {
    run([...prefix, ...argv]);
  }
  return prefix;
};

const outsideLink = ({ slot }: Pick<Layout, 'slot'>): string => `mo${slot}h`;

export const linkExists = (slot: number): boolean => existsSync(`/sys/class/net/${outsideLink({ slot })}`);

/** The kernel would do this by itself when the namespace ends, but some time later; it may be doing it right now. */
export const removeLink = (layout: Layout): void => {
  if (!linkExists(layout.slot)) return;
  try {
    run(['ip', 'link', 'delete', outsideLink(layout)]);
  } catch (error) {
    if (linkExists(layout.slot)) throw error;
  }
};

/** The holder becomes `tail` after its last mount; until then the namespaces are not whole. */
const waitUntilTail = (holder: ProcessId): void => {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline && isAlive(holder); ) {
    if (readFileSync(`/proc/${holder.pid}/comm`, 'utf8').trim() === 'tail') return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  throw new Error('could not make network and mount namespaces; this needs root and CAP_SYS_ADMIN');
};

/** Every process inside the cluster's mount namespace, or in its control groups: containers and their shims. */
export const processesInside = (layout: Layout, holder: ProcessId | undefined): ProcessId[] => {
  const found = new Map<number, ProcessId>();
  const add = (pid: number): void => void found.set(pid, { pid, startTime: startTimeOf(pid) });
  const namespaceOf = (pid: number): string | undefined => {
    try {
      return readlinkSync(`/proc/${pid}/ns/mnt`);
    } catch {
      return undefined; // it ended
    }
  };
  const own = holder === undefined ? undefined : namespaceOf(holder.pid);
  for (const entry of readdirSync('/proc').filter((e) => /^[0-9]+$/.test(e))) {
    const pid = Number(entry);
    if (pid !== holder?.pid && own !== undefined && namespaceOf(pid) === own) add(pid);
  }
  for (const group of cgroupsOf(layout)) {
    for (const text of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) add(Number(text));
  }
  return [...found.values()].filter(isAlive);
};

const hierarchies = (): string[] => {
  const root = '/sys/fs/cgroup';
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  return readdirSync(root, { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => join(root, e.name));
};

/** The cluster's group in every hierarchy; the kubelet wants them made. */
export const createCgroups = (layout: Layout): void => {
  for (const hierarchy of hierarchies()) {
    const group = join(hierarchy, layout.cgroup);
    mkdirSync(group, { recursive: true });
    // A new cpuset group is empty, and no process can join it until it has both.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (existsSync(join(group, file))) writeFileSync(join(group, file), readFileSync(join(hierarchy, file), 'utf8'));
    }
    if (!sharesCpu(hierarchy)) continue;
    mkdirSync(join(group, SYSTEM));
    for (const [file, weight] of CLUSTER_WEIGHT) {
      if (existsSync(join(group, file))) writeFileSync(join(group, file), weight);
    }
  }
};

const SYSTEM = 'system';

/** A whole cluster weighs as much as ten processes beside it, by the names of versions 1 and 2. */
const CLUSTER_WEIGHT = [
  ['cpu.shares', '10240'],
  ['cpu.weight', '1000'],
] as const;

/** Of version 1, one hierarchy divides the CPU; of version 2, there is but one. */
const sharesCpu = (hierarchy: string): boolean => {
  const controllers = join(hierarchy, 'cgroup.controllers');
  if (existsSync(controllers)) return readFileSync(controllers, 'utf8').split(/\s/).includes('cpu');
  return existsSync(join(hierarchy, 'cpu.shares'));
};

/**
 * The group that shares the CPU with the pods' in equal parts, as system.slice does on a node with systemd: without it,
 * each program of the node would weigh as much as all pods together.
 */
const systemGroups = (layout: Layout): string[] =>
  hierarchies()
    .filter(sharesCpu)
    .map((hierarchy) => join(hierarchy, layout.cgroup, SYSTEM));

/** Deepest first. */
const cgroupsOf = (layout: Layout): string[] => {
  const below = (dir: string): string[] => [
    ...readdirSync(dir, { withFileTypes: true })
      .filter((e) => e.isDirectory())
      .flatMap((e) => below(join(dir, e.name))),
    dir,
  ];
  return hierarchies()
    .map((h) => join(h, layout.cgroup))
    .filter((g) => existsSync(g))
    .flatMap(below);
};

/** The kernel lets a group go only when it has buried the last process that was in it. */
export const removeCgroups = (layout: Layout): Promise<true> =>
  waitFor(
    `control groups of ${layout.name}`,
    async () => {
      for (const group of cgroupsOf(layout)) rmdirSync(group);
      return true as const;
    },
    { timeoutMs: 10_000, everyMs: 20, explain: () => cgroupsOf(layout).join('\n') },
  );
