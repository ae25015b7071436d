import { annotations, labels } from '../../api/annotations.ts';
import { type KubeObject, keyString } from '../../api/meta.ts';
import type { Clock } from '../../clock.ts';
import { KubeError, type ResourceType } from '../../kube/index.ts';
import { markOf } from '../../ssa/marks.ts';
import type { OwnedObjects } from '../objects/owned-objects.ts';
import { isNewer, isOlder, type SyncState } from '../state/sync-state.ts';
import { isBackedOff } from './backoff.ts';

export interface DriftPorts {
  clock: Clock;
  owned: OwnedObjects;
  lock: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  /** The GitSync of an owner label. */
  ownerOf: (label: string) => { key: string; state: SyncState } | undefined;
  onDrift: (sync: string) => void;
  onError: (error: unknown, sync: string) => void;
}

type Changed = (type: ResourceType, object: KubeObject | undefined, previous: KubeObject | undefined) => void;

/**
 * Tells, for every change of an owned object, whether it changed what we applied: only then has the object drifted. A
 * status, or what another manager writes to fields of its own, is none of ours and costs nothing.
 */
export const createDriftWatch = ({ clock, owned, lock, ownerOf, onDrift, onError }: DriftPorts): Changed => {
  const look = (label: string, ...[type, object, previous]: Parameters<Changed>): void => {
    const { metadata } = object ?? previous ?? {};
    const owner = ownerOf(label);
    if (!metadata || !owner) return;
    const { group, kind } = type;
    const id = keyString({ group, kind, namespace: metadata.namespace ?? '', name: metadata.name });
    const asked = [optIn, pause].some((ask) => object && previous && ask(object) !== ask(previous));
    const isOurs = (live: KubeObject | undefined): boolean => {
      const applied = owner.state.applied.get(id);
      if (!live || !applied || asked) return false;
      // What the watch shows is of before our apply: it will show that, too.
      if (isOlder(live.metadata, applied, clock.now())) return true;
      // What differs and is only reported is another's already: its next value moves nothing of ours.
      if (owner.state.reported.has(id) && isNewer(live.metadata, applied)) return false;
      return live.metadata.labels?.[labels.sync] === label && markOf(live, label) === applied.mark;
    };
    if (!owner.state.applied.has(id) || isOurs(object)) return;
    // Our own apply may still be under way: once its answer is noted, the versions are equal, or it was somebody else.
    const seenNow = () => owned.of(type).then((kind) => isOurs(kind.get(metadata)), falseIfAway);
    const check = async (): Promise<void> => {
      // It may have been pruned meanwhile, by us.
      if (!owner.state.applied.has(id) || (await seenNow())) return;
      const isKnown = owner.state.drifted.has(id);
      owner.state.drifted.add(id);
      // Left alone for now, it is corrected when that time ends.
      if (isKnown && isBackedOff(owner.state, id, clock.now())) return;
      onDrift(owner.key);
    };
    lock(id, check).catch((error) => onError(error, owner.key));
  };

  return (type, object, previous) => {
    // Taken off, or made another one's, the label before still says whose it was.
    const seen = [object, previous].map((o) => o?.metadata.labels?.[labels.sync]);
    for (const label of new Set(seen)) if (label !== undefined) look(label, type, object, previous);
  };
};

/** A kind that can't be looked at: the sync finds out. */
const falseIfAway = (error: unknown): false => {
  if (error instanceof KubeError) return false;
  throw error;
};

/** A workload that was opted in needs its snapshot, though nothing else of it changed. */
const optIn = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[annotations.inject];

/** When a pause ends, what was committed meanwhile is still to be applied. */
const pause = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[annotations.pause];
