import { labels } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import type { KubeObject } from '../../api/meta.ts';
import { isForbidden, type KubeClient, type Name, type ResourceType } from '../../kube/index.ts';
import { writerOf } from '../../policy/writer.ts';
import { trimManagedFields } from '../../ssa/marks.ts';
import type { OwnedObjects } from './owned-objects.ts';

/** How a GitSync reads the objects of one kind that it applies. */
export interface Reads {
  /** Every change of them is heard of. If not, they are asked for one by one, and at each interval. */
  watched: boolean;
  /** Who may read them. */
  client: KubeClient;
  /** An object that carries our label; of managedFields it has who applied it for us. */
  get(name: Name): Promise<KubeObject | undefined>;
}

export interface ReadPorts {
  client: KubeClient;
  owned: OwnedObjects;
}

/**
 * What the controller may list is watched. What only the ServiceAccount of the GitSync may read is read as that
 * account, without a watch: whatever it may write, it can have applied. Rejects with KubeError.
 */
export const readsOf = async (sync: GitSync, type: ResourceType, { client, owned }: ReadPorts): Promise<Reads> => {
  try {
    const kind = await owned.of(type);
    return { watched: true, client, get: async (name) => kind.get(name) };
  } catch (error) {
    if (!isUnreadable(sync, error)) throw error;
    const account = writerOf(sync, client);
    const get = async (name: Name): Promise<KubeObject | undefined> => {
      const live = await account.get(type, name);
      return live?.metadata.labels?.[labels.sync] === undefined ? undefined : trimManagedFields(live);
    };
    return { watched: false, client: account, get };
  }
};

/** The controller may not list the kind, but the GitSync has an account of its own that may know more. */
export const isUnreadable = ({ spec }: GitSync, error: unknown): boolean =>
  spec.serviceAccountName !== undefined && isForbidden(error);
