import { labels } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { keyOfSync, PRUNE_FINALIZER } from '../../api/gitsync-names.ts';
import {
  collectionOf,
  type Discovery,
  hasFinalizer,
  type KubeClient,
  KubeError,
  type ResourceType,
} from '../../kube/index.ts';

export interface Rediscovery {
  /** To be told of every GitSync that is there when this process begins. */
  see(sync: GitSync): void;
  /** Where its objects may be, if an earlier process applied some and no status tells of them; none otherwise. */
  kindsOf(sync: GitSync): Promise<readonly ResourceType[]>;
}

/**
 * A crash between an apply and its status, or a status that somebody deleted: the objects still carry our label, but of
 * which kind they are, nobody knows. Every kind is asked then, once for each process.
 */
export const createRediscovery = (client: KubeClient, discovery: Discovery): Rediscovery => {
  const lost = new Set<string>();
  let labelled: Promise<ResourceType[]> | undefined;

  const hasLabelled = async (type: ResourceType): Promise<boolean> => {
    const path = `${collectionOf(type, undefined)}?labelSelector=${encodeURIComponent(labels.sync)}&limit=1`;
    try {
      const { items = [] } = (await client.raw('GET', path)) as { items?: unknown[] };
      return items.length > 0;
    } catch (error) {
      if (error instanceof KubeError && error.status > 0) return false; // what may not be read was not applied either
      throw error;
    }
  };
  const ask = async (): Promise<ResourceType[]> => {
    const types = await discovery.all();
    const answers = await Promise.all(types.map(hasLabelled));
    return types.filter((_, index) => answers[index]);
  };

  return {
    see(sync) {
      // Without the finalizer nobody applied anything.
      if (hasFinalizer(sync, PRUNE_FINALIZER) && !sync.status?.inventory && !sync.status?.inventoryKinds)
        lost.add(keyOfSync(sync));
    },
    async kindsOf(sync) {
      if (!lost.has(keyOfSync(sync))) return [];
      labelled ??= ask();
      try {
        return await labelled;
      } catch (error) {
        labelled = undefined;
        throw error;
      }
    },
  };
};
