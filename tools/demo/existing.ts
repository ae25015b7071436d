import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensurePrograms } from '../cluster/build.ts';
import type { Cluster } from '../cluster/index.ts';
import { openProcessTable } from '../cluster/processes.ts';

const run = promisify(execFile);

export interface ExistingCluster {
  /** Context of the kubeconfig. */
  context: string;
  /** Address of this machine as the cluster's pods reach it: Git, Prometheus and Alertmanager listen there. */
  hostAddress: string;
  /** Shell command that brings an image archive into the cluster; {} stands for its path. */
  load: string;
}

/** A cluster that is not ours: nothing of it is started or ended, only what the demo adds is. */
export const openExisting = async ({ context, hostAddress, load }: ExistingCluster): Promise<Cluster> => {
  const { kubectl } = await ensurePrograms(['kubectl'], { log: () => {} });
  const stateDir = mkdtempSync(join(tmpdir(), 'metricops-demo-'));
  const kubeconfig = join(stateDir, 'kubeconfig');
  const flat = await run(kubectl, ['config', 'view', '--raw', '--flatten', '--minify', '--context', context]);
  writeFileSync(kubeconfig, flat.stdout, { mode: 0o600 });
  const server = await run(kubectl, [
    '--kubeconfig',
    kubeconfig,
    'config',
    'view',
    '-o',
    'jsonpath={.clusters[0].cluster.server}',
  ]);
  await run(kubectl, ['--kubeconfig', kubeconfig, 'get', '--raw', '/readyz']).catch((cause: unknown) => {
    throw new Error(`context ${context} does not answer at ${server.stdout}`, { cause });
  });
  const processes = openProcessTable(stateDir);
  return {
    name: context,
    kubeconfig,
    server: server.stdout,
    stateDir,
    kubectl,
    nodeAddress: hostAddress,
    hostAddress,
    exec: () => Promise.reject(new Error('the nodes of an existing cluster are not entered')),
    spawn: (name, argv, env = process.env) => processes.start(name, argv, { env }),
    stop: (name) => processes.stop(name),
    tail: (name, lines) => processes.tail(name, lines),
    async importImage(archive) {
      await run('sh', ['-c', load.replaceAll('{}', `'${archive}'`)]);
    },
    async down() {
      await Promise.all(processes.names().map((name) => processes.stop(name, 2000)));
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
};
