/** What the local cluster is made of. Each program is built by the Go toolchain from the module in `go/<module>`, whose go.sum pins it. */
export interface Program {
  /** Folder below `go/`. */
  module: 'kubernetes' | 'etcd' | 'kustomize' | 'helm' | 'pause' | 'sops';
  /** Main package; one that begins with a dot stands in that folder. */
  main: string;
  version: string;
  /** Linker variables that make `--version` tell the truth. */
  stamp: Record<string, string>;
}

const KUBERNETES = '1.34.4';

const SOPS = '3.13.3';

const kubernetes = (command: string): Program => ({
  module: 'kubernetes',
  main: `k8s.io/kubernetes/cmd/${command}`,
  version: KUBERNETES,
  stamp: Object.fromEntries(
    ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => [
      [`${path}.gitVersion`, `v${KUBERNETES}`],
      [`${path}.gitMajor`, '1'],
      [`${path}.gitMinor`, '34'],
    ]),
  ),
});

export const programs = {
  etcd: { module: 'etcd', main: 'go.etcd.io/etcd/server/v3', version: '3.6.7', stamp: {} },
  'kube-apiserver': kubernetes('kube-apiserver'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  'kube-scheduler': kubernetes('kube-scheduler'),
  kubectl: kubernetes('kubectl'),
  kubelet: kubernetes('kubelet'),
  'kube-proxy': kubernetes('kube-proxy'),
  // In the module of Kubernetes: what both are made of is compiled once.
  coredns: { module: 'kubernetes', main: './coredns', version: '1.12.2', stamp: {} },
  pause: { module: 'pause', main: '.', version: '1', stamp: {} },
  kustomize: {
    module: 'kustomize',
    main: 'sigs.k8s.io/kustomize/kustomize/v5',
    version: '5.8.1',
    stamp: { 'sigs.k8s.io/kustomize/api/provenance.version': 'v5.8.1' },
  },
  helm: {
    module: 'helm',
    main: 'helm.sh/helm/v3/cmd/helm',
    version: '3.19.5',
    stamp: {
      'helm.sh/helm/v3/internal/version.version': 'v3.19.5',
      // What charts see where nobody names a version of Kubernetes: that of its client; 1.20 otherwise.
      'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor': '1',
      'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor': '34',
      'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': '1',
      'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': '34',
    },
  },
  // Its library, with a main of our own: see docs/decisions/0080-secrets-in-git.md.
  'sops-decrypt': { module: 'sops', main: './decrypt', version: SOPS, stamp: {} },
  // The command line of people, for tests: they encrypt with it.
  sops: {
    module: 'sops',
    main: 'github.com/getsops/sops/v3/cmd/sops',
    version: SOPS,
    stamp: { 'github.com/getsops/sops/v3/version.Version': SOPS },
  },
} as const satisfies Record<string, Program>;

export type ProgramName = keyof typeof programs;

export const controlPlanePrograms = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
] as const satisfies readonly ProgramName[];

export const nodePrograms = ['kubelet', 'kube-proxy', 'coredns', 'pause'] as const satisfies readonly ProgramName[];

/** Everything that a cluster with a node runs. */
export const clusterPrograms = [...controlPlanePrograms, ...nodePrograms] as const;
