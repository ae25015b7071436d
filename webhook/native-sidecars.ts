import type { KubeObject } from '../src/api/meta.ts';
import type { WatchCacheOptions } from '../src/kube/index.ts';
import type { AdmittedPod } from './pod.ts';
import { canRunOn, type Node, tolerates } from './scheduling.ts';

/** Native sidecars are on by default from this on. */
const MINIMUM = { major: 1, minor: 29 };

/** `v1.34.4`, `1.29+`, `v1.31.2-gke.100` → whether it is 1.29 or later; undefined for what can't be read. */
export const knowsNativeSidecars = (version: string): boolean | undefined => {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  return Number(major) > MINIMUM.major || (Number(major) === MINIMUM.major && Number(minor) >= MINIMUM.minor);
};

/** Of a node: its labels, its taints, and the version of its kubelet. */
export const nodeCacheOptions: WatchCacheOptions = {
  trim({ apiVersion, kind, metadata, spec, status }) {
    const { taints } = (spec ?? {}) as Node['spec'] & object;
    const { kubeletVersion, operatingSystem } = (status as Node['status'])?.nodeInfo ?? {};
    const { name, labels, resourceVersion = '' } = metadata;
    const nodeInfo = { kubeletVersion, operatingSystem };
    return {
      apiVersion,
      kind,
      metadata: { name, labels, resourceVersion },
      spec: { taints },
      status: { nodeInfo },
    } as KubeObject;
  },
};

/**
 * The node that keeps this pod from being injected, in words; undefined where there is none. On a kubelet without
 * native sidecars an init container that never ends would keep the pod from ever starting; so an old one counts
 * wherever the pod can go there. One whose version can't be read speaks for itself only: it counts where the pod can
 * go nowhere else. Virtual nodes take no ordinary pod: they count for those that tolerate them.
 */
export const nodeWithoutSidecars = (pod: AdmittedPod, nodes: Iterable<KubeObject>): string | undefined => {
  let unreadable: string | undefined;
  let others = 0;
  for (const node of nodes as Iterable<Node>) {
    if (!isLinux(node) || (isVirtual(node) && !isMeantFor(node, pod)) || !canRunOn(pod, node)) continue;
    const version = node.status?.nodeInfo?.kubeletVersion ?? '';
    const words = `node ${node.metadata.name} has kubelet ${version || 'of an unknown version'}`;
    const knows = isVirtual(node) ? false : knowsNativeSidecars(version);
    if (knows === false) return words;
    if (knows === undefined) unreadable ??= words;
    else others += 1;
  }
  return others === 0 ? unreadable : undefined;
};

const isLinux = (node: Node): boolean => (node.status?.nodeInfo?.operatingSystem ?? 'linux') === 'linux';

const VIRTUAL = 'virtual-kubelet';
const taintOf = (node: Node): { key: string } | undefined =>
  node.spec?.taints?.find(({ key, value }) => key.startsWith('virtual-kubelet.io/') || value === VIRTUAL);

/** https://virtual-kubelet.io: a provider's API behind a node object, not a kubelet. */
const isVirtual = (node: Node): boolean => node.metadata.labels?.type === VIRTUAL || taintOf(node) !== undefined;

/** A pod that names it, by a toleration or by its label. */
const isMeantFor = (node: Node, { spec }: AdmittedPod): boolean => {
  const taint = taintOf(node);
  return spec?.nodeSelector?.type === VIRTUAL || (taint !== undefined && tolerates(spec?.tolerations, taint));
};
