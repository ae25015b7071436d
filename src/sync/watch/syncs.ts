import { annotations } from '../../api/annotations.ts';
import { conditionIs } from '../../api/conditions.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { keyOfSync } from '../../api/gitsync-names.ts';
import type { Charts } from '../../charts/charts.ts';
import type { Guard } from '../../guard.ts';
import type { WatchCache } from '../../kube/index.ts';
import { refusalOfSync, withPlatformDefaults } from '../../policy/platform.ts';
import type { PlatformPolicyWatch } from '../../policy/platform-policy.ts';
import type { Sources } from '../../source/heads.ts';
import type { Rediscovery } from '../inventory/rediscover.ts';
import type { Registry } from '../state/registry.ts';

export interface SyncWatchPorts {
  syncs: WatchCache<GitSync>;
  platform: PlatformPolicyWatch;
  sources: Pick<Sources, 'refresh'>;
  charts: Pick<Charts, 'refresh'>;
  registry: Registry;
  lost: Rediscovery;
  guard: Guard;
  enqueue: (key: string) => void;
}

/**
 * Takes up the GitSyncs that are there, and every change of them or of the platform's policy.
 * @returns ends that
 */
export const watchSyncs = ({ syncs, platform, sources, charts, registry, lost, guard, enqueue }: SyncWatchPorts) => {
  const pollSource = (sync: GitSync): void => {
    const policy = platform.current();
    if (sync.spec.suspend || refusalOfSync(withPlatformDefaults(sync, policy), policy)) enqueue(keyOfSync(sync));
    else {
      sources.refresh(sync, { tell: true });
      charts.refresh(sync);
    }
  };
  const onSync = (sync: GitSync | undefined, previous: GitSync | undefined): void => {
    const changed = sync ?? previous;
    if (!changed) return;
    const key = keyOfSync(changed);
    registry.see(key, sync);
    if (!sync || sync.metadata.deletionTimestamp !== undefined) enqueue(key);
    else if (isRequested(sync, previous) || sync.metadata.generation !== previous?.metadata.generation) {
      pollSource(sync);
    }
    if (isReady(sync) !== isReady(previous)) for (const other of registry.dependentsOf(key)) enqueue(other);
  };
  /** Each by itself: one that can't be understood says so, and stops none of the others. */
  const forEach = (work: (sync: GitSync) => void): void => {
    for (const sync of syncs.list()) guard.run(keyOfSync(sync), () => work(sync));
  };
  forEach((sync) => {
    lost.see(sync);
    onSync(sync, undefined);
  });
  const ends = [
    syncs.onChange((sync, previous) => {
      const changed = sync ?? previous;
      if (changed) guard.run(keyOfSync(changed), () => onSync(sync, previous));
    }),
    platform.onChange(() => forEach(pollSource)),
  ];
  return (): void => {
    for (const end of ends) end();
  };
};

/** A person asked for a reconcile, or confirmed what a plan would delete. */
const isRequested = (sync: GitSync, previous: GitSync | undefined): boolean =>
  [annotations.requestedAt, annotations.pruneConfirmed].some(
    (name) => sync.metadata.annotations?.[name] !== previous?.metadata.annotations?.[name],
  );

const isReady = (sync: GitSync | undefined): boolean => conditionIs(sync?.status?.conditions, 'Ready', 'True');
