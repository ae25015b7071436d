import type { GitSync } from '../api/gitsync.ts';
import { type KubeObject, keyOf, keyString, parseKey, versionOf } from '../api/meta.ts';
import { type Discovery, type KubeClient, resources } from '../kube/index.ts';
import { ownerLabelOf } from './names.ts';
import type { OwnedObjects } from './owned.ts';
import type { Plan } from './plan.ts';
import { pruneAll } from './prune.ts';
import type { SyncState } from './state.ts';

export interface InventoryPorts {
  client: KubeClient;
  discovery: Discovery;
  owned: OwnedObjects;
}

/** After a restart, or a crash between apply and status: what the status names, and what carries our label, is ours. */
export const rebuildInventory = async (
  sync: GitSync,
  state: SyncState,
  rendered: readonly KubeObject[],
  { discovery, owned }: InventoryPorts,
): Promise<void> => {
  for (const { id, v } of sync.status?.inventory ?? []) state.inventory.set(id, v);
  const owner = ownerLabelOf(sync);
  const keys: { group: string; kind: string }[] = [
    ...[...state.inventory.keys()].map(parseKey),
    ...(sync.status?.inventoryKinds ?? []),
    ...rendered.map(keyOf),
  ];
  const kinds = new Map(keys.map((k) => [`${k.group}/${k.kind}`, k]));
  for (const { group, kind } of kinds.values()) {
    const type = await discovery.findKind(group, kind);
    if (!type) continue;
    for (const { metadata } of (await owned.of(type)).ownedBy(owner)) {
      const id = keyString({ group, kind, namespace: metadata.namespace ?? '', name: metadata.name });
      state.inventory.set(id, type.version);
    }
  }
};

/** The inventory after a plan was carried out: what is desired, what is kept as it is, and what stays undeleted. */
export const rememberInventory = (state: SyncState, made: Plan, staying: readonly string[]): void => {
  if (made.emptyRefused) return;
  const versions = new Map(state.inventory);
  state.inventory.clear();
  for (const { key, object } of made.desired) state.inventory.set(key, versionOf(object.apiVersion));
  for (const key of [...made.keep.map((k) => k.key), ...staying]) {
    state.inventory.set(key, versions.get(key) ?? 'v1');
  }
  for (const key of made.prune) {
    state.applied.delete(key);
    state.reported.delete(key);
    state.corrections.delete(key);
  }
};

const FINALIZER = 'metricops.dev/prune';

export const ensureFinalizer = async ({ metadata, spec }: GitSync, client: KubeClient): Promise<void> => {
  if (metadata.finalizers?.includes(FINALIZER) || spec.deletionPolicy === 'Orphan') return;
  const finalizers = [...(metadata.finalizers ?? []), FINALIZER];
  const body = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } };
  await client.patch(resources.gitSyncs, metadata, { type: 'merge', body });
};

/** The GitSync is being deleted: what becomes of its objects says spec.deletionPolicy. Rejects while something stays. */
export const finish = async (sync: GitSync, state: SyncState, ports: InventoryPorts): Promise<void> => {
  const { deletionPolicy, prune } = sync.spec;
  if (deletionPolicy === 'Delete' || (deletionPolicy === 'MirrorPrune' && prune)) {
    await rebuildInventory(sync, state, [], ports);
    const [problem] = await pruneAll(sync, [...state.inventory.keys()], ports);
    if (problem) throw new Error(problem.message);
  }
  const finalizers = (sync.metadata.finalizers ?? []).filter((f) => f !== FINALIZER);
  await ports.client.patch(resources.gitSyncs, sync.metadata, { type: 'merge', body: { metadata: { finalizers } } });
};
