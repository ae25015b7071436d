import { resources } from '../src/kube/resources.ts';
import type { KubeClient } from '../src/kube/types.ts';

/** Native sidecars are on by default from this on. */
const MINIMUM = { major: 1, minor: 29 };

/** `v1.34.4`, `1.29+`, `v1.31.2-gke.100` → whether it is 1.29 or later; false for what can't be read. */
export const knowsNativeSidecars = (version: string): boolean => {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return false;
  return Number(major) > MINIMUM.major || (Number(major) === MINIMUM.major && Number(minor) >= MINIMUM.minor);
};

interface Node {
  status?: { nodeInfo?: { kubeletVersion?: string; operatingSystem?: string } };
}

/**
 * Whether an init container that never ends is a sidecar everywhere in this cluster. On an older kubelet, or through
 * an older API server, it would keep the pod from ever starting.
 */
export const nativeSidecarsEverywhere = async (client: KubeClient): Promise<boolean> => {
  const [version, nodes] = await Promise.all([client.raw('GET', '/version'), client.list(resources.nodes)]);
  const server = (version as { gitVersion?: string }).gitVersion ?? '';
  const kubelets = (nodes.items as Node[])
    .filter((node) => (node.status?.nodeInfo?.operatingSystem ?? 'linux') === 'linux')
    .map((node) => node.status?.nodeInfo?.kubeletVersion ?? '');
  return [server, ...kubelets].every(knowsNativeSidecars);
};
