import { labels } from '../../api/annotations.ts';
import { keyOf, keyString } from '../../api/meta.ts';
import { isWorkloadKind, type WorkloadKind } from '../../api/workload.ts';
import type { Clock } from '../../clock.ts';
import type { KubeClient, ResourceType, WatchCache, WatchCachePorts } from '../../kube/index.ts';
import type { KeyedLock } from '../../lock.ts';
import type { Log } from '../../telemetry/index.ts';
import { type Autoscaled, createAutoscaled } from '../apply/autoscaled.ts';
import { createDriftWatch } from '../drift/watch.ts';
import { noteRelease } from '../inventory/prune.ts';
import { createOwnedObjects, type OnObject, type OwnedObjects } from '../objects/owned-objects.ts';
import type { Registry } from '../state/registry.ts';
import type { SyncState } from '../state/sync-state.ts';

export interface ObjectWatchPorts {
  client: KubeClient;
  cachePorts: WatchCachePorts;
  clock: Clock;
  log: Log;
  lock: KeyedLock;
  registry: Registry;
  /** Workloads of the whole cluster, where another room watches them. */
  workloads: Record<WorkloadKind, WatchCache> | undefined;
  enqueue: (key: string) => void;
  /** The object with this keyString is gone. */
  onFreed: (key: string) => void;
}

const awaitsSuccessor = ({ kept }: SyncState): boolean =>
  [...kept.values()].some(({ reason }) => reason === 'SuccessorNotReady');

/** The objects that GitSyncs own: who changed them, whose health is waited for, and who scales them. */
export const watchObjects = (ports: ObjectWatchPorts): { owned: OwnedObjects; scaled: Autoscaled } => {
  const { client, cachePorts, clock, lock, log, registry, enqueue } = ports;

  const onObject: OnObject = (type, object, previous) => {
    onChange(type, object, previous);
    const owner = registry.ownerOf((object ?? previous)?.metadata.labels?.[labels.sync] ?? '');
    // Its health may be what is waited for.
    if (owner && (owner.state.waitingSince || awaitsSuccessor(owner.state))) enqueue(owner.key);
    if (previous && !object) ports.onFreed(keyString(keyOf(previous)));
    const before = previous && registry.ownerOf(previous.metadata.labels?.[labels.sync] ?? '');
    if (!before || !noteRelease(before.state, object, previous)) return;
    delete before.state.planned;
    enqueue(before.key);
  };
  const shared = ({ group, kind }: ResourceType): WatchCache | undefined =>
    group === 'apps' && isWorkloadKind(kind) ? ports.workloads?.[kind] : undefined;
  const owned = createOwnedObjects(client, cachePorts, onObject, shared);
  const onChange = createDriftWatch({
    clock,
    lock,
    owned,
    ownerOf: registry.ownerOf,
    onDrift: enqueue,
    onError: (err, sync) => log.warn({ err, sync }, 'drift check failed'),
  });
  // An autoscaler that appears: the next apply of its target lets go of the replicas.
  const scaled = createAutoscaled(client, cachePorts, (target) => {
    const id = keyString(keyOf(target));
    for (const [key, state] of registry.states()) {
      if (!state.applied.has(id)) continue;
      state.drifted.add(id);
      enqueue(key);
    }
  });
  return { owned, scaled };
};
