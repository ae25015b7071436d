import type { GitSync } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { NotifiedKind } from '../api/notification.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { workloadOf } from '../holds/index.ts';
import type { WatchCache } from '../kube/index.ts';
import { historyName } from '../snapshot/index.ts';
import { commitsFrom } from './commits.ts';
import type { Notice } from './notice.ts';
import { noticesOfGitSync } from './of-git-sync.ts';
import { noticesOfHold } from './of-hold.ts';
import { noticesOfIncident } from './of-incident.ts';

/** What notices are read from: watched copies over the whole cluster. */
export interface NoticeCaches {
  incidents: WatchCache<Incident>;
  holds: WatchCache<Hold>;
  syncs: WatchCache<GitSync>;
  histories: WatchCache<ReleaseHistory>;
}

/**
 * What happened after that time to objects of these kinds.
 *
 * @param namespace undefined: in the whole cluster
 */
export const noticesSince = (
  since: number,
  { kinds, namespace }: { kinds: ReadonlySet<NotifiedKind>; namespace: string | undefined },
  caches: NoticeCaches,
): Notice[] => {
  const commitsOf = commitsFrom(caches);
  const historyOf = (hold: Hold): ReleaseHistory | undefined => {
    const workload = workloadOf(hold);
    return caches.histories.get({ namespace: workload.namespace, name: historyName(workload) });
  };
  const all = <T>(kind: NotifiedKind, cache: { list(namespace?: string): readonly T[] }): readonly T[] =>
    kinds.has(kind) ? cache.list(namespace) : [];
  return [
    ...all('Incident', caches.incidents).flatMap((incident) => noticesOfIncident(incident, since, commitsOf)),
    ...all('Hold', caches.holds).flatMap((hold) => noticesOfHold(hold, since, { history: historyOf(hold), commitsOf })),
    ...all('GitSync', caches.syncs).flatMap((sync) => noticesOfGitSync(sync, since)),
  ];
};
