import { labels } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { type KubeClient, KubeError, type ResourceType, resources } from '../kube/index.ts';
import { ownerOf } from './store.ts';

/** What stands beside a history: its snapshots, and the copies of configuration that they share. */
const KINDS: readonly ResourceType[] = [resources.controllerRevisions, resources.configMaps, resources.secrets];

/**
 * Snapshots name their history by a label, and belong to it by its uid. After a restore from a backup the history has
 * another uid: they are made its own again, so that they go when it goes. Three list requests for the whole cluster.
 *
 * Rejects with KubeError. An object that can't be changed is left as it is, and counted.
 */
export const adoptSnapshots = async (
  client: KubeClient,
  historyOf: (name: { namespace: string; name: string }) => ReleaseHistory | undefined,
): Promise<{ adopted: number; refused: number }> => {
  const count = { adopted: 0, refused: 0 };
  for (const type of KINDS) {
    const { items } = await client.list(type, { labelSelector: labels.history, metadataOnly: true });
    for (const { metadata } of items) {
      const name = { namespace: metadata.namespace ?? '', name: metadata.labels?.[labels.history] ?? '' };
      const history = historyOf(name);
      if (!history || isOwnedBy(metadata, history)) continue;
      count[await adopt(client, type, metadata, history)] += 1;
    }
  }
  return count;
};

const adopt = async (
  client: KubeClient,
  type: ResourceType,
  { resourceVersion, ...name }: KubeObject['metadata'],
  history: ReleaseHistory,
): Promise<'adopted' | 'refused'> => {
  const body = { metadata: { ownerReferences: [ownerOf(history)], resourceVersion } };
  try {
    await client.patch(type, name, { type: 'merge', body });
    return 'adopted';
  } catch (error) {
    if (error instanceof KubeError && REFUSED.includes(error.status)) return 'refused';
    throw error;
  }
};

/** Not allowed; gone meanwhile; changed meanwhile. */
const REFUSED: readonly number[] = [403, 404, 409];

const isOwnedBy = ({ ownerReferences = [] }: KubeObject['metadata'], { metadata }: ReleaseHistory): boolean =>
  ownerReferences.some(({ uid }) => uid === metadata.uid);
