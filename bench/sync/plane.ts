import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { createDiscovery, createKubeClient, type KubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import { type Cluster, startCluster } from '../../tools/cluster/index.ts';
import { waitFor } from '../../tools/cluster/wait.ts';

/** A control plane for one measurement, with an account whose requests the API server counts apart. */
export interface Plane {
  cluster: Cluster;
  /** The administrator's: none of its requests are counted. */
  admin: KubeClient;
  /** Folder with the token, ca.crt and namespace of the measured account. */
  account: string;
  /** Requests of the measured account, and of those that it impersonates, so far; watches count, renewals of the Lease do not. */
  requests(): Promise<number>;
  down(): Promise<void>;
}

const NAMESPACE = 'metricops-system';
export const ACCOUNT = 'applier';
const FLOW = 'metricops-bench';
const LEASES = 'metricops-leases';

export const startPlane = async (name: string, namespaces: readonly string[]): Promise<Plane> => {
  const cluster = await startCluster({ name, node: false });
  try {
    const admin = createKubeClient(await loadConnection({ kubeconfig: cluster.kubeconfig }));
    const discovery = createDiscovery(admin, systemClock);
    const apply = async (object: KubeObject): Promise<void> => {
      const type = await discovery.find(object.apiVersion, object.kind);
      if (!type) throw new Error(`no ${object.kind}`);
      await admin.apply(type, object, { fieldManager: 'bench', force: true });
    };
    await installKinds(admin);
    for (const object of accounts(namespaces)) await apply(object);
    const account = join(cluster.stateDir, 'account');
    mkdirSync(account);
    copyFileSync(join(cluster.stateDir, 'pki/ca.crt'), join(account, 'ca.crt'));
    writeFileSync(join(account, 'token'), await tokenOf(admin), { mode: 0o600 });
    writeFileSync(join(account, 'namespace'), NAMESPACE);
    return {
      cluster,
      admin,
      account,
      async requests() {
        const text = String(await admin.raw('GET', '/metrics'));
        const lines = text.split('\n').filter((line) => line.startsWith(COUNTER) && line.includes(`"${FLOW}"`));
        return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
      },
      async down() {
        await admin.close();
        await cluster.down();
      },
    };
  } catch (error) {
    await cluster.down();
    throw error;
  }
};

const COUNTER = 'apiserver_flowcontrol_dispatched_requests_total';

const installKinds = async (admin: KubeClient): Promise<void> => {
  const dir = join(import.meta.dirname, '../../deploy/crds');
  const files = readdirSync(dir).filter((file) => file !== 'kustomization.yaml');
  for (const file of files) {
    const crd = load(readFileSync(join(dir, file), 'utf8')) as KubeObject;
    await admin.apply(resources.crds, crd, { fieldManager: 'bench', force: true });
  }
  await waitFor(
    'the kinds to be served',
    async () => ((await admin.list(resources.gitSyncs).catch(() => undefined)) ? true : undefined),
    { timeoutMs: 30_000 },
  );
};

/** The account of the engine, those that it writes as, and a flow of their own, in which the API server counts them. */
const accounts = (namespaces: readonly string[]): KubeObject[] => {
  const all = [NAMESPACE, ...namespaces];
  const account = (namespace: string, name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace, name },
  });
  return [
    ...all.map((name): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    account(NAMESPACE, 'metricops'),
    ...namespaces.map((namespace) => account(namespace, ACCOUNT)),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: FLOW },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [
        { kind: 'ServiceAccount', namespace: NAMESPACE, name: 'metricops' },
        ...namespaces.map((namespace) => ({ kind: 'ServiceAccount', namespace, name: ACCOUNT })),
      ],
    },
    // Renewals of the Lease are there whether anything is synced or not: they are counted apart.
    flow(LEASES, 99, all, [{ verbs: ['*'], apiGroups: ['coordination.k8s.io'], resources: ['*'], namespaces: ['*'] }]),
    flow(FLOW, 100, all, [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }]),
  ];
};

const flow = (name: string, matchingPrecedence: number, namespaces: string[], resourceRules: object[]): KubeObject => ({
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'FlowSchema',
  metadata: { name },
  spec: {
    matchingPrecedence,
    priorityLevelConfiguration: { name: 'workload-high' },
    rules: [
      {
        subjects: namespaces.map((namespace) => ({ kind: 'ServiceAccount', serviceAccount: { namespace, name: '*' } })),
        resourceRules,
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      },
    ],
  },
});

const tokenOf = async (admin: KubeClient): Promise<string> => {
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/metricops/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 86_400 } };
  const { status } = (await admin.raw('POST', path, body)) as { status: { token: string } };
  return status.token;
};
