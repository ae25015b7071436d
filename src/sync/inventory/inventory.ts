import type { GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import { type KubeObject, keyOf, keyString, parseKey, versionOf } from '../../api/meta.ts';
import { type Discovery, isNoMatch, KubeError } from '../../kube/index.ts';
import { lastAppliedBy, type OwnedObjects } from '../objects/owned-objects.ts';
import type { ApplyProblem } from '../objects/problem.ts';
import { isUnreadable } from '../objects/reads.ts';
import { messageOf } from '../objects/rights.ts';
import type { Plan } from '../plan/types.ts';
import type { SyncState } from '../state/sync-state.ts';
import type { Rediscovery } from './rediscover.ts';

export interface InventoryPorts {
  discovery: Discovery;
  owned: OwnedObjects;
  lost: Rediscovery;
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
  for (const { id, v } of sync.status?.inventory?.entries ?? []) state.inventory.set(id, v);
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
      const ours = type ? (await owned.of(type)).ownedBy(owner) : [];
      for (const object of ours.filter((o) => !isOfPredecessor(sync, lastAppliedBy(o, owner)))) {
        state.inventory.set(keyString(keyOf(object)), versionOf(object.apiVersion));
      }
    } catch (error) {
      const problem = unlearned(sync, `${kind} of ${group}`, error);
      if (problem) problems.push(problem);
    }
  }
  state.unread = problems.length > 0;
  return problems;
};

const unlearned = (sync: GitSync, kind: string, error: unknown): ApplyProblem | undefined => {
  if (!(error instanceof KubeError)) throw error;
  // Of a kind that only its account may read, the status names the objects, whatever their number.
  if (isUnreadable(sync, error) || isNoMatch(error)) return undefined;
  const message = `cannot list managed ${kind}: ${messageOf(error)}`;
  return { key: '', reason: 'PruneFailed', message, permanent: false };
};

/**
 * Applied before this GitSync was made: what another one of the same name left behind is not this one's to delete. (What
 * Git has, it applies, and what its status names is its own.)
 */
const isOfPredecessor = ({ metadata }: GitSync, appliedAt: string | undefined): boolean =>
  metadata.creationTimestamp !== undefined && (appliedAt ?? '') < metadata.creationTimestamp;

/** The inventory after a plan was carried out: what is desired, what is kept as it is, and what stays undeleted. */
export const rememberInventory = (state: SyncState, made: Plan, staying: readonly string[]): void => {
  if (made.emptyRefused) return;
  const versions = new Map(state.inventory);
  state.inventory.clear();
  for (const { key, object } of made.desired) state.inventory.set(key, versionOf(object.apiVersion));
  for (const key of [...made.keep.map((k) => k.key), ...staying]) {
    state.inventory.set(key, versions.get(key) ?? 'v1');
  }
  for (const key of [...made.prune, ...made.kept.map((k) => k.key)]) {
    state.applied.delete(key);
    state.drifted.delete(key); // our own deletion looks like somebody else's until here
    state.reported.delete(key);
    state.corrections.delete(key);
  }
};
