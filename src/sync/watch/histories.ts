import type { ReleaseHistory } from '../../api/release-history.ts';
import type { WatchCache } from '../../kube/index.ts';
import type { Registry } from '../state/registry.ts';

interface HistoryWatchPorts {
  histories: Pick<WatchCache<ReleaseHistory>, 'onChange'> | undefined;
  registry: Registry;
  enqueue: (key: string) => void;
}

/** What is kept for a release may go when another one is good: the GitSyncs that wait for that hear of each history. */
export const watchHistories = ({ histories, registry, enqueue }: HistoryWatchPorts): (() => void) =>
  histories?.onChange(() => {
    for (const [key, { kept }] of registry.states()) {
      if ([...kept.values()].some(({ reason }) => reason === 'NeededByRelease')) enqueue(key);
    }
  }) ?? (() => {});
