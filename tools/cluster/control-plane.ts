import { join } from 'node:path';
import { writeCertificates, writeKubeconfig } from './certificates.ts';
import type { Layout } from './layout.ts';
import type { ProcessTable } from './processes.ts';
import type { controlPlanePrograms } from './versions.ts';
import { waitForHttp } from './wait.ts';

export type ControlPlaneBinaries = Record<(typeof controlPlanePrograms)[number], string>;

/** Certificates and a kubeconfig for each component. Returns the administrator's. */
export const writeIdentities = async (layout: Layout): Promise<string> => {
  const { pki, link, node, kubernetesServiceIP } = layout;
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  const addresses = ['127.0.0.1', kubernetesServiceIP, ...(node ? [link.node] : [])];
  await writeCertificates(pki, [
    { name: 'apiserver', commonName: 'kube-apiserver', names: ['localhost', ...service, ...addresses] },
    { name: 'admin', commonName: 'admin', organization: 'system:masters' },
    { name: 'controller-manager', commonName: 'system:kube-controller-manager' },
    { name: 'scheduler', commonName: 'system:kube-scheduler' },
    {
      name: 'kubelet',
      commonName: `system:node:${layout.name}`,
      organization: 'system:nodes',
      names: [layout.name, ...addresses],
    },
    { name: 'proxy', commonName: 'system:kube-proxy' },
    { name: 'dns', commonName: 'metricops-dns', organization: 'system:masters' },
    { name: 'kubelet-client', commonName: 'kube-apiserver-kubelet-client', organization: 'system:masters' },
  ]);
  const server = `https://${layout.apiHost}:${layout.apiPort}`;
  for (const user of ['controller-manager', 'scheduler', 'kubelet', 'proxy', 'dns']) writeKubeconfig(pki, user, server);
  return writeKubeconfig(pki, 'admin', server);
};

/**
 * The API server collects its garbage when its heap is five times what is in use, not twice: on two cores that it shares
 * with a whole node, a collection of its 120 MiB takes up to half a second of both.
 */
const GOGC = '400';

/** Starts etcd, API server, controller manager and scheduler; resolves when the API server is ready. */
export const startControlPlane = async (
  layout: Layout,
  binaries: ControlPlaneBinaries,
  processes: ProcessTable,
  options: { prefix: readonly string[]; apiserverFlags: readonly string[] },
): Promise<void> => {
  const { pki, ports, stateDir } = layout;
  const file = (name: string): string => join(pki, name);
  const etcd = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  const start = (name: string, argv: string[], env = process.env): void =>
    void processes.start(name, argv, { prefix: options.prefix, env });

  start('etcd', [
    binaries.etcd,
    `--data-dir=${join(stateDir, 'etcd')}`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync', // the cluster does not outlive the machine
    '--log-level=warn',
  ]);
  const apiserver = [
    binaries['kube-apiserver'],
    `--etcd-servers=${etcd}`,
    `--secure-port=${layout.apiPort}`,
    `--bind-address=${layout.node ? '0.0.0.0' : '127.0.0.1'}`,
    // An Endpoints address can't be loopback; without a node nobody uses it.
    `--advertise-address=${layout.link.node}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--service-account-key-file=${file('sa.pub')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-cluster-ip-range=${layout.serviceCIDR}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged',
    '--kubelet-preferred-address-types=InternalIP',
    `--kubelet-client-certificate=${file('kubelet-client.crt')}`,
    `--kubelet-client-key=${file('kubelet-client.key')}`,
    '--profiling=false',
    ...options.apiserverFlags,
  ];
  start('kube-apiserver', apiserver, { GOGC, ...process.env });
  await waitForHttp(`https://${layout.apiHost}:${layout.apiPort}/readyz`, {
    ca: file('ca.crt'),
    cert: file('admin.crt'),
    key: file('admin.key'),
    timeoutMs: 90_000,
    failed: () => (processes.find('kube-apiserver') && processes.find('etcd') ? undefined : 'it ended'),
    explain: () => `${processes.tail('kube-apiserver')}\n${processes.tail('etcd', 5)}`,
  });

  const kubeconfig = (user: string): string[] =>
    ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
      (flag) => `--${flag}=${file(`${user}.kubeconfig`)}`,
    );
  start('kube-controller-manager', [
    binaries['kube-controller-manager'],
    `--secure-port=${ports.controllerManager}`,
    '--bind-address=127.0.0.1',
    ...kubeconfig('controller-manager'),
    '--use-service-account-credentials',
    `--service-account-private-key-file=${file('sa.key')}`,
    `--root-ca-file=${file('ca.crt')}`,
    `--cluster-signing-cert-file=${file('ca.crt')}`,
    `--cluster-signing-key-file=${file('ca.key')}`,
    '--allocate-node-cidrs',
    `--cluster-cidr=${layout.podCIDR}`,
    '--leader-elect=false',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    '--horizontal-pod-autoscaler-sync-period=1s', // 15 s by default, which is long for whoever watches a demo or a test
  ]);
  start('kube-scheduler', [
    binaries['kube-scheduler'],
    `--secure-port=${ports.scheduler}`,
    '--bind-address=127.0.0.1',
    ...kubeconfig('scheduler'),
    '--leader-elect=false',
  ]);
};
