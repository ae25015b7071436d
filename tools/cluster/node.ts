import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packImage } from './image.ts';
import type { Layout } from './layout.ts';
import type { ProcessTable } from './processes.ts';
import type { nodePrograms } from './versions.ts';
import { waitFor } from './wait.ts';

export type NodeBinaries = Record<(typeof nodePrograms)[number], string>;

export interface NodeHost {
  layout: Layout;
  processes: ProcessTable;
  /** Enters the cluster's namespaces. */
  prefix: readonly string[];
  /** Runs a command inside to its end; rejects when it fails. */
  exec(argv: readonly string[]): Promise<string>;
}

const PAUSE = 'metricops.local/pause:1';
/** Inside the namespaces /run is the cluster's own, so every cluster can use the same short path. */
const SOCKET = '/run/containerd/containerd.sock';

export const ctr = (...args: string[]): string[] => ['ctr', '-a', SOCKET, '-n', 'k8s.io', ...args];

/** Starts containerd, kubelet, kube-proxy and CoreDNS; returns when containerd answers. The node gets Ready a little later. */
export const startNode = async (host: NodeHost, binaries: NodeBinaries): Promise<void> => {
  const { layout, processes, prefix } = host;
  const { stateDir, pki, link } = layout;
  const start = (name: string, argv: string[]): void => void processes.start(name, argv, { prefix });
  const write = (file: string, value: unknown): string => {
    const path = join(stateDir, file);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value, null, 1));
    return path;
  };

  write('cni/10-metricops.conflist', cniConfig(layout));
  const resolv = write('resolv.conf', `nameserver ${link.node}\n`);
  start('containerd', ['containerd', '-c', write('containerd.toml', containerdConfig(layout))]);
  start('kube-proxy', [binaries['kube-proxy'], `--config=${write('kube-proxy.yaml', proxyConfig(layout))}`]);
  start('coredns', [binaries.coredns, '-conf', write('Corefile', corefile(layout))]);
  await waitFor('containerd', () => host.exec(ctr('version')), {
    timeoutMs: 30_000,
    failed: () => (processes.find('containerd') ? undefined : 'it ended'),
    explain: () => processes.tail('containerd'),
  });
  await host.exec(ctr('images', 'import', pauseArchive(stateDir, binaries.pause)));
  start('kubelet', [
    binaries.kubelet,
    `--kubeconfig=${join(pki, 'kubelet.kubeconfig')}`,
    `--config=${write('kubelet.yaml', kubeletConfig(layout, resolv))}`,
    `--hostname-override=${layout.name}`,
    `--node-ip=${link.node}`,
  ]);
};

const pauseArchive = (stateDir: string, binary: string): string => {
  const archive = join(stateDir, 'pause.tar');
  if (existsSync(archive)) return archive;
  const root = join(stateDir, 'pause');
  mkdirSync(root, { recursive: true });
  copyFileSync(binary, join(root, 'pause'));
  chmodSync(join(root, 'pause'), 0o755);
  packImage({ name: PAUSE, root, entrypoint: ['/pause'], archive });
  return archive;
};

const containerdConfig = ({ stateDir }: Layout): string => `version = 2
root = "${stateDir}/containerd"
state = "/run/containerd"
[grpc]
  address = "${SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE}"
  # Without CAP_SYS_RESOURCE nobody's OOM score can be lowered below our own.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${stateDir}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
`;

const cniConfig = ({ podCIDR }: Layout): unknown => ({
  cniVersion: '1.0.0',
  name: 'metricops',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: podCIDR }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});

const kubeletConfig = ({ pki, link, cgroup }: Layout, resolvConf: string): unknown => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: join(pki, 'ca.crt') },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: join(pki, 'kubelet.crt'),
  tlsPrivateKeyFile: join(pki, 'kubelet.key'),
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${cgroup}`,
  failCgroupV1: false,
  failSwapOn: false,
  containerRuntimeEndpoint: `unix://${SOCKET}`,
  resolvConf,
  clusterDNS: [link.node],
  clusterDomain: 'cluster.local',
  imageGCHighThresholdPercent: 100,
  serializeImagePulls: false,
  evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  shutdownGracePeriod: '0s',
});

const proxyConfig = ({ name, pki, podCIDR }: Layout): unknown => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'iptables',
  clusterCIDR: podCIDR,
  hostnameOverride: name,
  clientConnection: { kubeconfig: join(pki, 'proxy.kubeconfig') },
  // The namespace may not write the kernel's conntrack limits: 0 leaves them.
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  iptables: { minSyncPeriod: '100ms' },
});

const corefile = ({ pki, link }: Layout): string => `.:53 {
  bind ${link.node}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${join(pki, 'dns.kubeconfig')}
  }
  cache 5
}
`;
