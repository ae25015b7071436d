import type { GitSync } from '../api/gitsync.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import { hasFinalizer, type KubeClient, removeFinalizer, resources, whatTerminates } from '../kube/index.ts';
import { isOwn } from './ownership.ts';

export const FINALIZER = 'metricops.dev/sync-set';
/** Kubernetes' own: `kubectl delete --cascade=orphan`. */
const ORPHAN = 'orphan';

/**
 * The set is being deleted. With updatePolicy Sync its GitSyncs go, too: Kubernetes collects those of its own namespace, which
 * have an owner reference, and the others are deleted here. With another policy they stay, as they do where the set's end
 * was nobody's order; then they must be released before the set is gone.
 */
export const finish = async (
  set: GitSyncSet,
  live: readonly GitSync[],
  { client, systemNamespace }: { client: KubeClient; systemNamespace: string },
): Promise<void> => {
  if (!hasFinalizer(set, FINALIZER)) return;
  const own = live.filter((sync) => isOwn(set, sync));
  if (!hasFinalizer(set, ORPHAN)) {
    const places = [set.metadata.namespace ?? '', systemNamespace];
    const isOrder = (await whatTerminates(resources.gitSyncSets, places, client)) === undefined;
    if (set.spec.updatePolicy === 'Sync' && isOrder) await deleteElsewhere(set, own, client);
    else await release(set, own, client);
  }
  await removeFinalizer(client, resources.gitSyncSets, set, FINALIZER);
};

const deleteElsewhere = async (set: GitSyncSet, own: readonly GitSync[], client: KubeClient): Promise<void> => {
  for (const { metadata } of own.filter((sync) => sync.metadata.namespace !== set.metadata.namespace)) {
    await client.delete(resources.gitSyncs, metadata, metadata.uid === undefined ? {} : { uid: metadata.uid });
  }
};

const release = async (set: GitSyncSet, own: readonly GitSync[], client: KubeClient): Promise<void> => {
  for (const { metadata } of own) {
    const { resourceVersion, ownerReferences = [] } = metadata;
    const others = ownerReferences.filter((reference) => reference.uid !== set.metadata.uid);
    if (others.length === ownerReferences.length) continue;
    const body = { metadata: { resourceVersion, ownerReferences: others } };
    await client.patch(resources.gitSyncs, metadata, { type: 'merge', body });
  }
};
