import type { GitSyncStatus } from '../../api/gitsync.ts';
import { parseKey } from '../../api/meta.ts';
import type { StatusPatch } from '../../api/status-patch.ts';
import { kindName } from '../drift/unwatched.ts';
import type { SyncState } from '../state/sync-state.ts';

/** Takes a field off. */
export const gone = null;

/** Above this the names stay where they are anyway, in the label of each object: etcd takes 1.5 MB, and each status write all of it. */
const INVENTORY_MAX = 1_000;

export const inventoryStatus = ({
  inventory,
  unwatched,
}: SyncState): StatusPatch<Pick<GitSyncStatus, 'inventory' | 'inventoryKinds' | 'objectCount'>> => {
  const objectCount = inventory.size;
  if (objectCount <= INVENTORY_MAX) {
    return { inventory: entriesOf([...inventory]), inventoryKinds: gone, objectCount };
  }
  const kinds = Map.groupBy([...inventory.keys()].map(parseKey), ({ group, kind }) => `${group}/${kind}`);
  const inventoryKinds = [...kinds.values()].map((keys) => ({
    group: keys[0]?.group ?? '',
    kind: keys[0]?.kind ?? '',
    objectCount: keys.length,
  }));
  // Of kinds that can't be listed nothing but these names would tell a later process what is ours.
  const named = [...inventory].filter(([id]) => unwatched.has(kindName(parseKey(id))));
  return { inventory: named.length > 0 ? entriesOf(named) : gone, inventoryKinds, objectCount };
};

const entriesOf = (inventory: readonly [id: string, v: string][]) => ({
  entries: inventory.map(([id, v]) => ({ id, v })),
});
