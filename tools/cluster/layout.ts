import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheDir } from './build.ts';

/** Addresses and paths of one cluster. Every number follows from its slot, so that clusters stand side by side. */
export interface Layout {
  name: string;
  /** Whether there is a node with containers, in namespaces of its own. */
  node: boolean;
  slot: number;
  stateDir: string;
  pki: string;
  /** Where the API server is reached, from this machine and from pods. */
  apiHost: string;
  apiPort: number;
  /** etcd client, etcd peer, controller manager, scheduler. */
  ports: { etcd: number; etcdPeer: number; controllerManager: number; scheduler: number };
  /** This machine's address on the link to the cluster, and the node's. */
  link: { host: string; node: string };
  podCIDR: string;
  serviceCIDR: string;
  kubernetesServiceIP: string;
  /** Below every hierarchy of the control groups. */
  cgroup: string;
}

export const SLOTS = 32;

export const stateRoot = (): string => join(cacheDir() || homedir(), 'clusters');

export const layoutOf = (options: {
  name: string;
  node: boolean;
  slot: number;
  stateDir: string;
  freePorts: readonly number[];
}): Layout => {
  const { name, node, slot, stateDir, freePorts } = options;
  const link = { host: `10.${200 + slot}.0.1`, node: `10.${200 + slot}.0.2` };
  // With a namespace of its own the usual ports are free; without, whatever the machine gives.
  const [api = 0, etcd = 0, etcdPeer = 0, controllerManager = 0, scheduler = 0] = node
    ? [6443, 2379, 2380, 10257, 10259]
    : freePorts;
  return {
    name,
    node,
    slot,
    stateDir,
    pki: join(stateDir, 'pki'),
    apiHost: node ? link.node : '127.0.0.1',
    apiPort: api,
    ports: { etcd, etcdPeer, controllerManager, scheduler },
    link,
    podCIDR: `10.${100 + slot}.0.0/16`,
    serviceCIDR: `10.${160 + slot}.0.0/16`,
    kubernetesServiceIP: `10.${160 + slot}.0.1`,
    cgroup: `metricops-${name}`,
  };
};
