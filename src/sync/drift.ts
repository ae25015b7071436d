import { annotations, labels } from '../api/annotations.ts';
import { type KubeObject, keyString } from '../api/meta.ts';
import type { ResourceType } from '../kube/index.ts';
import type { OwnedObjects } from './owned.ts';
import { type SyncState, versionSeen } from './state.ts';

export interface DriftPorts {
  owned: OwnedObjects;
  lock: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  /** The GitSync of an owner label. */
  ownerOf: (label: string) => { key: string; state: SyncState } | undefined;
  onDrift: (sync: string) => void;
  onError: (error: unknown, sync: string) => void;
}

type Changed = (type: ResourceType, object: KubeObject | undefined, previous: KubeObject | undefined) => void;

/** Tells, for every change of an owned object, whether this process made it; if not, the object has drifted. */
export const createDriftWatch = ({ owned, lock, ownerOf, onDrift, onError }: DriftPorts): Changed => {
  return (type, object, previous) => {
    const { metadata } = object ?? previous ?? {};
    // Taken off, the label still says whose it was.
    const label = metadata?.labels?.[labels.sync] ?? previous?.metadata.labels?.[labels.sync];
    const owner = label === undefined ? undefined : ownerOf(label);
    if (!metadata || !owner) return;
    const { group, kind } = type;
    const id = keyString({ group, kind, namespace: metadata.namespace ?? '', name: metadata.name });
    const optedIn = object !== undefined && optIn(object) !== optIn(previous ?? object);
    const isOurs = (live: KubeObject | undefined): boolean =>
      live !== undefined && versionSeen(live.metadata) === owner.state.applied.get(id)?.version && !optedIn;
    if (!owner.state.applied.has(id) || isOurs(object)) return;
    // Our own apply may still be under way: once its answer is noted, the versions are equal, or it was somebody else.
    const check = async (): Promise<void> => {
      if (isOurs((await owned.of(type)).get(metadata))) return;
      owner.state.drifted.add(id);
      onDrift(owner.key);
    };
    lock(id, check).catch((error) => onError(error, owner.key));
  };
};

/** A workload that was opted in needs its snapshot, though nothing else of it changed. */
const optIn = (object: KubeObject): string | undefined => object.metadata.annotations?.[annotations.inject];
