import { switchOf } from '../../api/annotation-values.ts';
import { annotations, labels } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { keyOfSync, ownerLabelOf } from '../../api/gitsync-names.ts';
import { type KubeObject, keyOf, keyString, type ObjectKey, parseKey } from '../../api/meta.ts';
import type { Discovery, KubeClient, ResourceType } from '../../kube/index.ts';
import { writerOf } from '../../policy/writer.ts';
import { type InTurnPorts, inTurn } from '../objects/in-turn.ts';
import { appliedOwnerOf, type OwnedObjects } from '../objects/owned-objects.ts';
import { type ApplyProblem, pruneFailed } from '../objects/problem.ts';
import { readsOf } from '../objects/reads.ts';
import { batchesOf, waveOf } from '../plan/apply-order.ts';
import type { Kept } from '../plan/kept.ts';
import type { SyncState } from '../state/sync-state.ts';
import { unconfirmed } from './confirmation.ts';
import type { Handover } from './handover.ts';

export interface PrunePorts extends InTurnPorts {
  client: KubeClient;
  discovery: Discovery;
  owned: OwnedObjects;
  handover: Handover;
  /** Aborted when this process may no longer delete anything. */
  signal: AbortSignal;
}

/** An object of ours that is there. */
export interface Found {
  key: string;
  parsed: ObjectKey;
  type: ResourceType;
  object: KubeObject;
}

export interface Pruned {
  /** Of what could not be deleted. */
  problems: ApplyProblem[];
  /** What was not to be deleted. */
  kept: Kept[];
}

/**
 * Deletes what left Git, in the reverse of the order of application. What is not ours (any more) is left alone, and what
 * another GitSync takes over, what says `metricops.dev/prune: disabled` and what a person has to confirm stays.
 * @param commit the one that left these out: the others of its source may have them; undefined when the GitSync goes
 */
export const pruneAll = async (
  sync: GitSync,
  state: Pick<SyncState, 'applied'>,
  { keys, commit }: { keys: readonly string[]; commit: string | undefined },
  ports: PrunePorts,
): Promise<Pruned> => {
  const { found, problems } = await findAllOurs(sync, state, keys, ports);
  const awaited = commit !== undefined && found.length > 0 ? ports.handover.awaited(sync, commit, keys) : undefined;
  const judged = await Promise.all(found.map(async (one) => ({ one, kept: await whyKept(sync, one, awaited, ports) })));
  const kept = judged.flatMap((j) => j.kept ?? []);
  const waves = Map.groupBy(
    judged.filter((j) => !j.kept).map(({ one }) => one),
    ({ object }) => waveOf(object),
  );
  for (const wave of [...waves.keys()].toSorted((a, b) => b - a)) {
    for (const batch of batchesOf(waves.get(wave) ?? []).reverse()) {
      const outcomes = await Promise.all(batch.map((one) => deleteOne(sync, one, ports)));
      for (const outcome of outcomes.filter((o) => o !== undefined)) {
        if ('why' in outcome) kept.push(outcome);
        else problems.push(outcome);
      }
    }
  }
  return { problems, kept };
};

const whyKept = async (
  sync: GitSync,
  { key, type, object }: Found,
  awaited: ReturnType<Handover['awaited']>,
  { client, handover }: PrunePorts,
): Promise<Kept | undefined> => {
  if (switchOf(object.metadata, annotations.prune) === false)
    return { key, reason: 'PruneDisabled', why: `${annotations.prune}: disabled` };
  const next = handover.wantedBy(sync, key);
  if (next) return takenOverBy(key, next);
  if (awaited) {
    const { names, untilMs } = awaited;
    return { key, reason: 'HandoverPending', why: `until it is known whether ${some(names)} wants it`, untilMs };
  }
  if (object.metadata.deletionTimestamp !== undefined) return undefined;
  const why = await unconfirmed(type, object, client);
  return why === undefined ? undefined : { key, reason: 'ConfirmationRequired', why };
};

const takenOverBy = (key: string, next: GitSync): Kept => ({
  key,
  reason: 'HandoverPending',
  why: `GitSync ${keyOfSync(next)} takes it over`,
});

const some = (names: readonly string[]): string =>
  names.length === 1 ? `GitSync ${names[0]}` : `one of ${names.length} other GitSyncs`;

/** Those of the keys that are there and ours; a problem for each of which that can't be told. */
export const findAllOurs = async (
  sync: GitSync,
  { applied }: Pick<SyncState, 'applied'>,
  keys: readonly string[],
  ports: Pick<PrunePorts, 'client' | 'discovery' | 'owned'>,
): Promise<{ found: Found[]; problems: ApplyProblem[] }> => {
  const looked = await Promise.all(
    keys.map((key) => findOurs(sync, key, applied.has(key), ports).catch(pruneFailed(key))),
  );
  return {
    problems: looked.filter((f) => f !== undefined && 'reason' in f),
    found: looked.filter((f) => f !== undefined && 'type' in f),
  };
};

const findOurs = async (
  sync: GitSync,
  key: string,
  isApplied: boolean,
  ports: Pick<PrunePorts, 'client' | 'discovery' | 'owned'>,
): Promise<Found | undefined> => {
  const parsed = parseKey(key);
  const type = await ports.discovery.findKind(parsed.group, parsed.kind);
  if (!type) return undefined; // the kind is gone, and the object with it
  // What was applied a moment ago, the watch may not show yet.
  const reads = await readsOf(sync, type, ports);
  const live =
    (await reads.get(parsed)) ?? (isApplied && reads.watched ? await ports.client.get(type, parsed) : undefined);
  if (!live || appliedOwnerOf(live) !== ownerLabelOf(sync)) return undefined;
  return { key, parsed, type, object: live };
};

/**
 * Whether this change ends the wait of an object that left Git: a person's word on it, another owner, or its end. What
 * is not ours any more leaves the inventory.
 */
export const noteRelease = (
  { kept, inventory }: Pick<SyncState, 'kept' | 'inventory'>,
  object: KubeObject | undefined,
  previous: KubeObject,
): boolean => {
  const key = keyString(keyOf(previous));
  if (!kept.has(key)) return false;
  if (object?.metadata.labels?.[labels.sync] === previous.metadata.labels?.[labels.sync]) {
    return [annotations.prune, annotations.pruneConfirmed].some(
      (name) => object?.metadata.annotations?.[name] !== previous.metadata.annotations?.[name],
    );
  }
  kept.delete(key);
  inventory.delete(key);
  return true;
};

const deleteOne = async (
  sync: GitSync,
  { key, parsed, type, object }: Found,
  ports: PrunePorts,
): Promise<ApplyProblem | Kept | undefined> => {
  const { client, handover, signal } = ports;
  const { uid } = object.metadata;
  const writer = writerOf(sync, client);
  const work = async (): Promise<Kept | undefined> => {
    // Time has passed: another GitSync may have planned it, or another process may lead.
    const next = handover.wantedBy(sync, key);
    if (next) return takenOverBy(key, next);
    signal.throwIfAborted();
    await writer.delete(type, parsed, uid === undefined ? {} : { uid });
    return undefined;
  };
  try {
    return await inTurn(sync, key, ports, work);
  } catch (error) {
    return pruneFailed(key)(error);
  }
};
