import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { type Cluster, startCluster } from '../../tools/cluster/index.ts';
import { eventually } from '../support/poll.ts';

const output = (command: string, ...args: string[]): string[] =>
  execFileSync(command, args, { encoding: 'utf8' }).split('\n').toSorted();

const cgroups = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();

/** Command lines of what a cluster runs; kernel threads and other people's programs come and go. */
const PROGRAMS = /containerd|kubelet|kube-|etcd|coredns|unshare|tail -f \/dev\/null|\/pause/;
const programs = (): string[] =>
  readdirSync('/proc')
    .filter((entry) => /^[0-9]+$/.test(entry))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return PROGRAMS.test(line) ? [`${pid} ${line}`] : [];
      } catch {
        return []; // it ended
      }
    })
    .toSorted();

const host = () => ({
  interfaces: output('ip', '-br', 'link').map((line) => line.split(/\s+/)[0]),
  routes: output('ip', 'route'),
  iptables: output('iptables-save').filter((line) => !line.startsWith('#')),
  mounts: readFileSync('/proc/self/mounts', 'utf8').split('\n').toSorted(),
  cgroups: cgroups('/sys/fs/cgroup'),
  programs: programs(),
});

describe('a cluster with a node', () => {
  const clusters: Cluster[] = [];
  after(() => Promise.all(clusters.map((cluster) => cluster.down())));

  it('stands beside another one, runs a pod in each, and leaves the host as it was', async () => {
    const before = host();
    const names = ['teardown-a', 'teardown-b'];
    clusters.push(...(await Promise.all(names.map((name) => startCluster({ name, node: true })))));
    for (const cluster of clusters) {
      const kubectl = (...args: string[]): string =>
        execFileSync(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, ...args], { encoding: 'utf8' });
      kubectl('run', 'pause', '--image=metricops.local/pause:1', '--image-pull-policy=Never');
      await eventually(() => kubectl('get', 'pod', 'pause', '-o', 'jsonpath={.status.phase}') === 'Running', {
        timeoutMs: 60_000,
        what: `the pod in ${cluster.name}`,
      });
    }
    await Promise.all(clusters.splice(0).map((cluster) => cluster.down()));
    assert.deepEqual(host(), before);
  });
});
