import { annotations } from '../../api/annotations.ts';
import type { ConditionInput } from '../../api/conditions.ts';
import type { GitSync, GitSyncStatus } from '../../api/gitsync.ts';
import { describeKey, parseKey } from '../../api/meta.ts';
import type { StatusPatch } from '../../api/status-patch.ts';
import { isPending, type Kept } from '../plan/kept.ts';
import type { Plan } from '../plan/types.ts';
import type { SyncState } from '../state/sync-state.ts';
import { no, yes } from './condition.ts';
import { gone } from './inventory-status.ts';

const KEPT_SHOWN = 5;

export const keptWords = (kept: ReadonlyMap<string, Kept>): string =>
  kept.size === 0 ? '' : `; gone from Git and kept: ${listed([...kept.values()])}`;

const listed = (kept: readonly Kept[]): string => {
  const shown = kept.slice(0, KEPT_SHOWN).map(({ key, why }) => `${describeKey(parseKey(key))} (${why})`);
  const more = kept.length > KEPT_SHOWN ? ` and ${kept.length - KEPT_SHOWN} more` : '';
  return `${shown.join(', ')}${more}`;
};

export const limitWords = ({ kept }: Plan): string => {
  const names = kept.slice(0, KEPT_SHOWN).map(({ key }) => describeKey(parseKey(key)));
  const more = kept.length > KEPT_SHOWN ? ` and ${kept.length - KEPT_SHOWN} more` : '';
  return `it would delete ${names.join(', ')}${more}, ${kept[0]?.why}`;
};

/** What is put off, and how a person ends it where only a person can. */
export const pruneCondition = ({ metadata }: GitSync, { kept }: SyncState, plan: Plan | undefined): ConditionInput => {
  const pending = [...kept.values()].filter(isPending);
  const [first] = pending;
  if (!first) return no('PrunePending', 'ReconciliationSucceeded', 'nothing that left Git waits to be deleted');
  if (plan?.confirm === undefined)
    return yes('PrunePending', first.reason, `left Git and not deleted: ${listed(pending)}`);
  const { namespace, name } = metadata;
  const command = `kubectl annotate gitsync ${name} -n ${namespace} --overwrite ${annotations.pruneConfirmed}=${plan.confirm}`;
  return yes('PrunePending', first.reason, `${limitWords(plan)}; to confirm this deletion: ${command}`);
};

const PENDING_MAX = 50;

export const pruneStatus = ({ kept }: SyncState): StatusPatch<Pick<GitSyncStatus, 'prunePending'>> => {
  const pending = [...kept.values()].filter(isPending).slice(0, PENDING_MAX);
  const entries = pending.map(({ key, reason, why }) => ({ id: key, reason, message: why }));
  return { prunePending: entries.length > 0 ? entries : gone };
};
