import type { GitSync } from '../../api/gitsync.ts';
import { type KubeClient, resources } from '../../kube/index.ts';

export const FINALIZER = 'metricops.dev/prune';

export const hasFinalizer = ({ metadata }: GitSync): boolean => metadata.finalizers?.includes(FINALIZER) ?? false;

/** Whatever becomes of the objects, something is to be done before the GitSync goes. */
export const ensureFinalizer = async (sync: GitSync, client: KubeClient): Promise<void> => {
  const { metadata } = sync;
  if (hasFinalizer(sync)) return;
  const finalizers = [...(metadata.finalizers ?? []), FINALIZER];
  const body = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } };
  await client.patch(resources.gitSyncs, metadata, { type: 'merge', body });
};
