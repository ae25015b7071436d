import type { GitSync } from '../api/gitsync.ts';
import type { KubeClient } from '../kube/index.ts';

/** Who writes for this GitSync: the ServiceAccount that it names, which is one of its own namespace, or the controller. */
export const writerOf = ({ spec, metadata }: GitSync, client: KubeClient): KubeClient =>
  spec.serviceAccountName === undefined
    ? client
    : asAccount({ namespace: metadata.namespace ?? '', name: spec.serviceAccountName }, client);

/** As this ServiceAccount, with its rights and no others. */
export const asAccount = ({ namespace, name }: { namespace: string; name: string }, client: KubeClient): KubeClient =>
  client.impersonate({ userName: `system:serviceaccount:${namespace}:${name}` });
