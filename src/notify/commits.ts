import type { GitSync } from '../api/gitsync.ts';
import { type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import { addressOf } from '../api/source.ts';
import type { WorkloadKey } from '../api/workload.ts';
import type { WatchCache } from '../kube/index.ts';
import { historyName } from '../snapshot/index.ts';
import type { CommitNote } from './notice.ts';

/** What to say beside the commits of these releases of a workload; nothing of releases that no GitSync applied. */
export type CommitsOf = (
  workload: WorkloadKey,
  releases: readonly number[],
  state: CommitNote['state'],
  description: string,
) => CommitNote[];

export const commitsFrom =
  (caches: {
    histories: Pick<WatchCache<ReleaseHistory>, 'get'>;
    syncs: Pick<WatchCache<GitSync>, 'get'>;
  }): CommitsOf =>
  (workload, releases, state, description) => {
    const { namespace, kind, name } = workload;
    const history = caches.histories.get({ namespace, name: historyName(workload) });
    return releasesOf(history)
      .filter(({ number }) => releases.includes(number))
      .flatMap(({ commit, gitSyncRef }) => {
        const sync = gitSyncRef && caches.syncs.get(gitSyncRef);
        const repository = addressOf(sync?.spec.source);
        if (commit === undefined || !gitSyncRef || repository === '') return [];
        return [
          {
            sha: commit,
            repository,
            syncNamespace: gitSyncRef.namespace,
            workload: { kind, name },
            state,
            description,
          },
        ];
      });
  };
