import type { GitSync } from '../api/gitsync.ts';
import type { Release } from '../api/release-history.ts';
import type { Question } from '../judge/index.ts';

/** Nobody knows whether these did their work. */
const UNKNOWN: ReadonlySet<string> = new Set(['Deleted', 'Renamed']);

/**
 * The first PostSync hook that failed, of the commit that brought the release. Only the last revision of the GitSync has
 * its hooks in the status: once there is another, nothing is known of them.
 */
export const failedCheckOf = (
  suspect: Pick<Release, 'commit' | 'gitSyncRef'> | undefined,
  syncs: { get(key: { namespace: string; name: string }): GitSync | undefined },
): Question['check'] => {
  const { commit, gitSyncRef } = suspect ?? {};
  if (commit === undefined || !gitSyncRef) return undefined;
  const { hookRun, hooks = [] } = syncs.get(gitSyncRef)?.status ?? {};
  if (!hookRun?.revision.endsWith(`@${commit}`)) return undefined;
  for (const { kind, namespace, name, phase, state, reason = 'Failed', finishTime } of hooks) {
    if (phase !== 'PostSync' || state !== 'Failed' || UNKNOWN.has(reason) || finishTime === undefined) continue;
    return { name: `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`, reason, finishTime };
  }
  return undefined;
};
