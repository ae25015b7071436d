import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { type Cluster, clusterNames, startCluster } from '../../tools/cluster/index.ts';
import { eventually } from '../support/poll.ts';

const CLI = join(import.meta.dirname, '../../tools/cluster/main.ts');

const output = (command: string, ...args: string[]): string[] =>
  execFileSync(command, args, { encoding: 'utf8' }).split('\n').toSorted();

/** Rules and chains, without the packet counters and the date, which move by themselves. */
const rules = (command: string): string[] =>
  output(command)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.replace(/\[\d+:\d+\]/, ''));

const folders = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : []);

const cgroups = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();

/**
 * What runs outside of this process's own network or mount namespace, by pid: all that a cluster with a node starts
 * does, containers and their shims included, and hardly anything else on a machine.
 */
const foreignProcesses = (): Map<string, string> => {
  const namespaces = (pid: string): string =>
    ['net', 'mnt'].map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`)).join(' ');
  const own = namespaces('self');
  const found = new Map<string, string>();
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (namespaces(pid) === own) continue;
      found.set(pid, readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
    } catch {
      // it ended, or it is a zombie
    }
  }
  return found;
};

const host = () => ({
  addresses: output('ip', '-br', 'address'),
  routes: output('ip', 'route', 'show', 'table', 'all'),
  iptables: rules('iptables-save'),
  ip6tables: rules('ip6tables-save'),
  mounts: readFileSync('/proc/self/mounts', 'utf8').split('\n').toSorted(),
  cgroups: cgroups('/sys/fs/cgroup'),
  forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
  folders: ['/run', '/run/netns', '/var/lib', '/var/lib/cni', '/var/log', '/etc/cni', '/etc/cni/net.d'].flatMap(
    folders,
  ),
});

/** Notes how the host is; the returned function asserts that it is so again. */
const watchHost = (): (() => void) => {
  const before = host();
  const processes = foreignProcesses();
  return () => {
    assert.deepEqual(host(), before);
    const left = [...foreignProcesses()].filter(([pid]) => !processes.has(pid));
    assert.deepEqual(left, [], 'processes that are left');
    assert.deepEqual(
      clusterNames().filter((name) => name.startsWith('teardown-')),
      [],
      'state that is left',
    );
  };
};

const kubectl = (cluster: Cluster, ...args: string[]): string =>
  execFileSync(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, ...args], { encoding: 'utf8' });

const podIsRunning = (cluster: Cluster): boolean =>
  kubectl(cluster, 'get', 'pod', 'pause', '-o', 'jsonpath={.status.phase}') === 'Running';

describe('ending a cluster', () => {
  const clusters: Cluster[] = [];
  const start = async (options: { name: string; node: boolean }): Promise<Cluster> => {
    const cluster = await startCluster(options);
    clusters.push(cluster);
    return cluster;
  };
  // Only what a failed test left: a cluster whose state is gone has ended.
  after(() => Promise.all(clusters.filter((c) => existsSync(c.stateDir)).map((c) => c.down())));

  it('with a node and pods leaves the other cluster running, and the host as it was', async () => {
    const assertHostIsAsBefore = watchHost();
    const [first, second] = await Promise.all([
      start({ name: 'teardown-a', node: true }),
      start({ name: 'teardown-b', node: true }),
    ]);
    for (const cluster of [first, second]) {
      kubectl(cluster, 'run', 'pause', '--image=metricops.local/pause:1', '--image-pull-policy=Never');
      await eventually(() => podIsRunning(cluster), { timeoutMs: 60_000, what: `the pod in ${cluster.name}` });
    }
    const pids = [...foreignProcesses()].filter(([, line]) => line.startsWith('/pause')).map(([pid]) => pid);

    execFileSync(process.execPath, [CLI, 'down', first.name]); // as a person does, from a process of its own

    assert.ok(podIsRunning(second));
    const remaining = foreignProcesses();
    assert.ok(
      pids.some((pid) => remaining.has(pid)),
      'the second cluster keeps its containers',
    );
    assert.match(await second.exec(['iptables-save', '-t', 'nat']), /KUBE-SERVICES/);
    await second.down();
    assertHostIsAsBefore();
  });

  it('that can not start says what its log said, and leaves the host as it was', async () => {
    const assertHostIsAsBefore = watchHost();
    const starting = startCluster({ name: 'teardown-c', node: true, apiserverFlags: ['--no-such-flag'] });
    await assert.rejects(starting, /unknown flag: --no-such-flag/);
    assertHostIsAsBefore();
  });

  it('touches no process that got the number of one of its own', async () => {
    const cluster = await start({ name: 'teardown-d', node: false });
    const stranger = spawn('sleep', ['600'], { stdio: 'ignore' });
    try {
      await cluster.stop('kube-scheduler');
      writeFileSync(join(cluster.stateDir, 'run', 'kube-scheduler.pid'), `${stranger.pid} 1`);
      await cluster.down();
      assert.equal(stranger.exitCode ?? stranger.signalCode, null, 'the stranger lives');
    } finally {
      stranger.kill('SIGKILL');
    }
  });
});
