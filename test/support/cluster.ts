import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import {
  createDiscovery,
  createKubeClient,
  type Discovery,
  type KubeClient,
  loadConnection,
  resources,
} from '../../src/kube/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { type Cluster, startCluster } from '../../tools/cluster/index.ts';
import { eventually } from './poll.ts';

export interface ControlPlane {
  kubeconfig: string;
  client: KubeClient;
  discovery: Discovery;
  kubectl(args: readonly string[], input?: string): string;
  /** A fresh namespace; deleted when the run ends, unless METRICOPS_TEST_KEEP is set. */
  namespace(prefix?: string, labels?: Record<string, string>): Promise<string>;
}

/**
 * A real control plane with our kinds, for one run of Mocha: the one that METRICOPS_TEST_KUBECONFIG names, or one of
 * its own. Call it at the top of a describe; the returned function gives it inside of tests.
 */
export const useControlPlane = (): (() => ControlPlane) => {
  let plane: ControlPlane | undefined;
  before(async function () {
    this.timeout(1_200_000); // the first time ever, it builds Kubernetes
    plane = await shared();
  });
  return () => {
    if (!plane) throw new Error('the control plane is there only inside of tests');
    return plane;
  };
};

/** One for all test files of the process; ended by the root hook below. */
const run: { plane?: Promise<ControlPlane>; cluster?: Cluster; namespaces: string[]; end?: () => Promise<void> } = {
  namespaces: [],
};

const shared = (): Promise<ControlPlane> => {
  run.plane ??= start();
  return run.plane;
};

const start = async (): Promise<ControlPlane> => {
  const given = process.env.METRICOPS_TEST_KUBECONFIG;
  if (given === undefined) {
    const log = (line: string): void => void process.stderr.write(`    ${line}\n`);
    run.cluster = await startCluster({ name: `test-${randomUUID().slice(0, 8)}`, node: false, log });
    process.once('exit', () => void run.cluster?.down());
  }
  const kubeconfig = given ?? run.cluster?.kubeconfig ?? '';
  const { kubectl } = await ensurePrograms(['kubectl'], { log: () => {} });
  const client = createKubeClient(await loadConnection({ kubeconfig }));
  run.end = async () => {
    // What a shared cluster would be left with; one of our own goes as a whole.
    const left = given === undefined || process.env.METRICOPS_TEST_KEEP ? [] : run.namespaces;
    await Promise.all(left.map((name) => client.delete(resources.namespaces, { name })));
    await client.close();
  };
  await applyCustomResourceDefinitions(client);
  return {
    kubeconfig,
    client,
    discovery: createDiscovery(client, systemClock),
    kubectl: (args, input) =>
      execFileSync(kubectl, ['--kubeconfig', kubeconfig, ...args], {
        encoding: 'utf8',
        stdio: 'pipe',
        ...(input === undefined ? {} : { input }),
      }),
    async namespace(prefix = 'test', labels = {}) {
      const name = `${prefix}-${randomUUID().slice(0, 8)}`;
      await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
      run.namespaces.push(name);
      const account = { namespace: name, name: 'default' };
      await eventually(() => client.get(resources.serviceAccounts, account), { what: 'the default ServiceAccount' });
      return name;
    },
  };
};

const applyCustomResourceDefinitions = async (client: KubeClient): Promise<void> => {
  const dir = join(import.meta.dirname, '../../deploy/crds');
  const files = readdirSync(dir).filter((f) => f.endsWith('.yaml') && f !== 'kustomization.yaml');
  const crds = files.map((f) => load(readFileSync(join(dir, f), 'utf8')) as KubeObject);
  for (const crd of crds) await client.apply(resources.crds, crd, { fieldManager: 'test', force: true });
  for (const crd of crds) {
    await eventually(async () => isEstablished(await client.get(resources.crds, crd.metadata)), {
      what: crd.metadata.name,
    });
  }
};

const isEstablished = (crd: KubeObject | undefined): boolean =>
  ((crd?.status as { conditions?: { type: string; status: string }[] })?.conditions ?? []).some(
    (c) => c.type === 'Established' && c.status === 'True',
  );

after(async function () {
  this.timeout(60_000);
  await run.end?.();
  await run.cluster?.down();
});
