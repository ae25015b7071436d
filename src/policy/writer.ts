import type { GitSync } from '../api/gitsync.ts';
import type { KubeClient } from '../kube/index.ts';

/** Who writes for this GitSync: the ServiceAccount that it names, which is one of its own namespace, or the controller. */
export const writerOf = ({ spec, metadata }: GitSync, client: KubeClient): KubeClient =>
  spec.serviceAccountName === undefined
    ? client
    : client.impersonate({ userName: `system:serviceaccount:${metadata.namespace}:${spec.serviceAccountName}` });
