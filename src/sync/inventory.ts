import type { GitSync } from '../api/gitsync.ts';
import { type KubeObject, keyOf, keyString, parseKey, versionOf } from '../api/meta.ts';
import { type Discovery, isKindGone, type KubeClient, KubeError, resources, type Turns } from '../kube/index.ts';
import type { LostInventories } from './lost.ts';
import { ownerLabelOf } from './names.ts';
import type { OwnedObjects } from './owned.ts';
import type { Plan } from './plan.ts';
import type { ApplyProblem } from './problem.ts';
import { pruneAll } from './prune.ts';
import { isUnreadable } from './reads.ts';
import { messageOf } from './rights.ts';
import type { SyncState } from './state.ts';

export interface InventoryPorts {
  client: KubeClient;
  discovery: Discovery;
  owned: OwnedObjects;
  turns: Turns;
  lost: LostInventories;
}

/**
 * After a restart, or a crash between apply and status: what the status names, and what carries our label, is ours.
 * @returns kinds of which nothing could be learned; they are asked again with the next plan
 */
export const rebuildInventory = async (
  sync: GitSync,
  state: SyncState,
  rendered: readonly KubeObject[],
  { discovery, owned, lost }: InventoryPorts,
): Promise<ApplyProblem[]> => {
  for (const { id, v } of sync.status?.inventory ?? []) state.inventory.set(id, v);
  const owner = ownerLabelOf(sync);
  const keys: { group: string; kind: string }[] = [
    ...[...state.inventory.keys()].map(parseKey),
    ...(sync.status?.inventoryKinds ?? []),
    ...rendered.map(keyOf),
    ...(await lost.kindsOf(sync)),
  ];
  const kinds = new Map(keys.map((k) => [`${k.group}/${k.kind}`, k]));
  const problems: ApplyProblem[] = [];
  for (const { group, kind } of kinds.values()) {
    try {
      const type = await discovery.findKind(group, kind);
      if (!type) continue;
      for (const { metadata } of (await owned.of(type)).ownedBy(owner)) {
        const id = keyString({ group, kind, namespace: metadata.namespace ?? '', name: metadata.name });
        state.inventory.set(id, type.version);
      }
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (isUnreadable(sync, error)) continue; // the status names them, whatever their number
      const message = `which ${kind} of ${group} are ours is not known: ${messageOf(error)}`;
      if (!isKindGone(error)) problems.push({ key: '', reason: 'PruneFailed', message, permanent: false });
    }
  }
  state.unread = problems.length > 0;
  return problems;
};

/** The inventory after a plan was carried out: what is desired, what is kept as it is, and what stays undeleted. */
export const rememberInventory = (state: SyncState, made: Plan, staying: readonly string[]): void => {
  if (made.emptyRefused) return;
  const versions = new Map(state.inventory);
  state.inventory.clear();
  for (const { key, object } of made.desired) state.inventory.set(key, versionOf(object.apiVersion));
  for (const key of [...made.keep.map((k) => k.key), ...made.left, ...staying]) {
    state.inventory.set(key, versions.get(key) ?? 'v1');
  }
  for (const key of [...made.prune, ...made.left]) {
    state.applied.delete(key);
    state.drifted.delete(key); // our own deletion looks like somebody else's until here
    state.reported.delete(key);
    state.corrections.delete(key);
  }
};

const FINALIZER = 'metricops.dev/prune';

export const hasFinalizer = ({ metadata }: GitSync): boolean => metadata.finalizers?.includes(FINALIZER) ?? false;

export const ensureFinalizer = async (sync: GitSync, client: KubeClient): Promise<void> => {
  const { metadata, spec } = sync;
  if (hasFinalizer(sync) || spec.deletionPolicy === 'Orphan') return;
  const finalizers = [...(metadata.finalizers ?? []), FINALIZER];
  const body = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } };
  await client.patch(resources.gitSyncs, metadata, { type: 'merge', body });
};

/** Something of a GitSync that is being deleted can't be deleted. */
export class PruneError extends Error {
  override name = 'PruneError';
}

/** The GitSync is being deleted: what becomes of its objects says spec.deletionPolicy. Rejects while something stays. */
export const finish = async (sync: GitSync, state: SyncState, ports: InventoryPorts): Promise<void> => {
  const { deletionPolicy, prune } = sync.spec;
  if (deletionPolicy === 'Delete' || (deletionPolicy === 'MirrorPrune' && prune)) {
    const unread = await rebuildInventory(sync, state, [], ports);
    const { problems } = await pruneAll(sync, state, [...state.inventory.keys()], ports);
    const [problem] = [...problems, ...unread];
    if (problem) throw new PruneError(problem.message);
  }
  const finalizers = (sync.metadata.finalizers ?? []).filter((f) => f !== FINALIZER);
  await ports.client.patch(resources.gitSyncs, sync.metadata, { type: 'merge', body: { metadata: { finalizers } } });
};
