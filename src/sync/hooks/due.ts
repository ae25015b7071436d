import { isAlwaysApplied } from '../../api/apply-rule.ts';
import type { GitSync } from '../../api/gitsync.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Hashes } from '../plan/hashes.ts';
import type { Plan } from '../plan/types.ts';
import type { Planned, Readings, SyncState } from '../state/sync-state.ts';
import type { Hook } from './hook.ts';
import { contentOf, type Due, versionIn } from './run.ts';

/** What is applied, with its hooks. */
export interface Hooked {
  commit: string;
  revision: string;
  objects: readonly KubeObject[];
  hooks: readonly Hook[];
  plan: Plan;
}

/** What this process knows of what was applied. */
type Known = Readings & Pick<SyncState, 'applied' | 'written'> & { planned?: Pick<Planned, 'commit' | 'version'> };

/** What is known of a revision before its hooks: what it brings, and what of it is still to be done. */
export const dueOf = (
  sync: GitSync,
  state: Known,
  { commit, revision, objects, hooks, plan }: Hooked,
  hashes: Pick<Hashes, 'of'>,
): Due => {
  const isToDo = objects.length === 0 || hasWork(sync, state, plan);
  const wasApplied = sync.status?.lastAppliedRevision?.endsWith(`@${commit}`) === true;
  return {
    revision,
    version: versionIn(sync, state, commit),
    ...contentOf(hooks, objects, hashes.of),
    hasWork: isToDo,
    isHeld: plan.held.length > 0,
    isApplied: wasApplied && (!isToDo || isSameBeside(sync, state, commit)),
  };
};

/** Whether spec, chart and values are those that were applied. An earlier version did not say with which they were. */
const isSameBeside = (sync: GitSync, state: Known, commit: string): boolean => {
  const applied = state.planned ?? { commit, version: sync.status?.appliedVersion };
  return applied.version === undefined || applied.version === versionIn(sync, state, applied.commit);
};

/** What left Git and stays is in each plan: it is work only in the first one, when it was applied until then. */
const hasWork = (sync: GitSync, { applied, written }: Known, plan: Plan): boolean => {
  if (plan.apply.some(({ object, hold }) => !hold && isAlwaysApplied(object))) return true;
  const { inventory } = written?.status ?? sync.status ?? {};
  const sent = new Set(inventory?.entries.flatMap((entry) => (entry.sent === undefined ? [] : [entry.id])));
  return plan.prune.some((key) => applied.has(key) || sent.has(key));
};
