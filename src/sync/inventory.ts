import { labels } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import { type KubeObject, keyOf, keyString, parseKey, versionOf } from '../api/meta.ts';
import { type Discovery, type KubeClient, resources } from '../kube/index.ts';
import type { ApplyProblem } from './apply.ts';
import { type OwnedObjects, ownerLabel } from './owned.ts';
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
  const owner = ownerLabel({ namespace: sync.metadata.namespace ?? '', name: sync.metadata.name });
  const keys = [...state.inventory.keys()].map(parseKey).concat(rendered.map(keyOf));
  const kinds = new Map(keys.map((k) => [`${k.group}/${k.kind}`, k]));
  for (const { group, kind } of kinds.values()) {
    const type = await discovery.findKind(group, kind);
    if (!type) continue;
    for (const { metadata } of (await owned.of(type)).list()) {
      if (metadata.labels?.[labels.sync] !== owner) continue;
      const id = keyString({ group, kind, namespace: metadata.namespace ?? '', name: metadata.name });
      state.inventory.set(id, type.version);
    }
  }
};

/** The inventory after a plan was carried out: what is desired, what is kept as it is, and what could not be deleted. */
export const rememberInventory = (state: SyncState, made: Plan, notPruned: readonly ApplyProblem[]): void => {
  if (made.emptyRefused) return;
  const versions = new Map(state.inventory);
  state.inventory.clear();
  for (const { key, object } of made.desired) state.inventory.set(key, versionOf(object.apiVersion));
  for (const key of [...made.keep.map((k) => k.key), ...notPruned.map((p) => p.key)]) {
    state.inventory.set(key, versions.get(key) ?? 'v1');
  }
  for (const key of made.prune) state.applied.delete(key);
};

const FINALIZER = 'metricops.dev/prune';

export const ensureFinalizer = async ({ metadata }: GitSync, client: KubeClient): Promise<void> => {
  if (metadata.finalizers?.includes(FINALIZER)) return;
  const finalizers = [...(metadata.finalizers ?? []), FINALIZER];
  const body = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } };
  await client.patch(resources.gitSyncs, metadata, { type: 'merge', body });
};

/** The GitSync is being deleted: what it owns goes with it, unless spec.prune is false. Rejects while something stays. */
export const finish = async (sync: GitSync, state: SyncState, ports: InventoryPorts): Promise<void> => {
  if (sync.spec.prune) {
    await rebuildInventory(sync, state, [], ports);
    const [problem] = await pruneAll(sync, [...state.inventory.keys()], ports);
    if (problem) throw new Error(problem.message);
  }
  const finalizers = (sync.metadata.finalizers ?? []).filter((f) => f !== FINALIZER);
  await ports.client.patch(resources.gitSyncs, sync.metadata, { type: 'merge', body: { metadata: { finalizers } } });
};
