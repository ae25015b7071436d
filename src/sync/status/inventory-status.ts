import type { GitSyncStatus } from '../../api/gitsync.ts';
import { parseKey } from '../../api/meta.ts';
import type { StatusPatch } from '../../api/status-patch.ts';
import { kindName } from '../drift/unwatched.ts';
import type { SyncState } from '../state/sync-state.ts';
import { groupDigests, type Trace } from '../state/trace.ts';

/** Takes a field off. */
export const gone = null;

/** Above this the names stay where they are anyway, in the label of each object: etcd takes 1.5 MB, and each status write all of it. */
const INVENTORY_MAX = 1_000;

type InventoryStatus = Pick<GitSyncStatus, 'inventory' | 'inventoryKinds' | 'inventoryDigests' | 'objectCount'>;

export const inventoryStatus = (state: SyncState): StatusPatch<InventoryStatus> => {
  const { inventory, unwatched } = state;
  const traces = tracesOf(state);
  const entriesOf = (of: readonly [id: string, v: string][]) => ({
    entries: of.map(([id, v]) => ({ id, v, ...traces.get(id) })),
  });
  const objectCount = inventory.size;
  if (objectCount <= INVENTORY_MAX) {
    return { inventory: entriesOf([...inventory]), inventoryKinds: gone, inventoryDigests: gone, objectCount };
  }
  const kinds = Map.groupBy([...inventory.keys()].map(parseKey), ({ group, kind }) => `${group}/${kind}`);
  const inventoryKinds = [...kinds.values()].map((keys) => ({
    group: keys[0]?.group ?? '',
    kind: keys[0]?.kind ?? '',
    objectCount: keys.length,
  }));
  // Of kinds that can't be listed nothing but these names would tell a later process what is ours.
  const named = [...inventory].filter(([id]) => unwatched.has(kindName(parseKey(id))));
  return {
    inventory: named.length > 0 ? entriesOf(named) : gone,
    inventoryKinds,
    inventoryDigests: groupDigests(traces),
    objectCount,
  };
};

/**
 * Of what the next process has to apply or to compare again there is none: a release that is still to be recorded, a
 * difference that is only reported, a kind that is not watched.
 */
const tracesOf = ({ inventory, applied, unrecorded, reported, unwatched }: SyncState): Map<string, Trace> =>
  new Map(
    [...applied]
      .filter(([id]) => inventory.has(id) && !unrecorded.has(id) && !reported.has(id))
      .filter(([id, { trace }]) => trace.noted !== '' && !unwatched.has(kindName(parseKey(id))))
      .map(([id, { trace }]) => [id, trace]),
  );
