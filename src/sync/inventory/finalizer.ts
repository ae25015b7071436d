import type { GitSync } from '../../api/gitsync.ts';
import { PRUNE_FINALIZER } from '../../api/gitsync-names.ts';
import { type KubeClient, resources } from '../../kube/index.ts';

export const hasFinalizer = ({ metadata }: GitSync): boolean => metadata.finalizers?.includes(PRUNE_FINALIZER) ?? false;

/** Whatever becomes of the objects, something is to be done before the GitSync goes. */
export const ensureFinalizer = async (sync: GitSync, client: KubeClient): Promise<void> => {
  const { metadata } = sync;
  if (hasFinalizer(sync)) return;
  const finalizers = [...(metadata.finalizers ?? []), PRUNE_FINALIZER];
  const body = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } };
  await client.patch(resources.gitSyncs, metadata, { type: 'merge', body });
};
