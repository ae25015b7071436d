import { isSwitchedOn } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import { controllerOf, isOwn } from './ownership.ts';
import { type Generated, type GeneratedSync, idOf, type SetPlan, type SetProblem } from './types.ts';

/** So many may go at once however few there are. */
const FEW = 5;

/**
 * What to write and what to delete, so that the GitSyncs become the generated ones. Nothing is deleted that a problem is
 * about. A deletion that looks like a mistake is refused as a whole, and what is new waits with it: otherwise the copies
 * under other names would make the next look at the same mistake a smaller one.
 */
export const planSet = (set: GitSyncSet, { syncs, problems }: Generated, live: readonly GitSync[]): SetPlan => {
  const there = new Map(live.map((sync) => [idOf(sync.metadata), sync]));
  const own = live.filter((sync) => sync.metadata.deletionTimestamp === undefined && isOwn(set, sync));
  const creates: SetPlan['writes'] = [];
  const updates: SetPlan['writes'] = [];
  const taken: SetProblem[] = [];
  for (const sync of syncs) {
    const found = there.get(idOf(sync.metadata));
    if (!found) creates.push({ sync });
    else if (!isOwn(set, found)) taken.push(takenBy(found));
    else if (mayUpdate(set, found) && !isCurrent(sync, found)) updates.push({ sync, live: found });
  }
  const surplus = surplusOf(set, { syncs, problems }, own);
  const refused = refusalOf(set, { surplus: surplus.length, own: own.length, wanted: syncs.length });
  if (refused) return { writes: updates, deletes: [], problems: [refused, ...problems, ...taken] };
  return { writes: [...creates, ...updates], deletes: surplus, problems: [...problems, ...taken] };
};

/** One that is going is made again when it is gone. */
const mayUpdate = ({ spec }: GitSyncSet, { metadata }: GitSync): boolean =>
  spec.updatePolicy !== 'CreateOnly' && metadata.deletionTimestamp === undefined;

const surplusOf = ({ spec }: GitSyncSet, { syncs, problems }: Generated, own: readonly GitSync[]): GitSync[] => {
  if (spec.updatePolicy !== 'Sync' || problems.some((problem) => problem.sync === undefined)) return [];
  const kept = [...syncs.map((sync) => sync.metadata), ...problems.flatMap(({ sync }) => sync ?? [])];
  const wanted = new Set(kept.map(idOf));
  return own.filter((sync) => !wanted.has(idOf(sync.metadata)));
};

const refusalOf = (
  { metadata, spec }: GitSyncSet,
  { surplus, own, wanted }: { surplus: number; own: number; wanted: number },
): SetProblem | undefined => {
  if (surplus === 0) return undefined;
  if (wanted === 0 && surplus === own) {
    const message = `nothing is generated any more; the ${own} GitSyncs stay. To remove them all, delete the GitSyncSet`;
    return { reason: 'NothingGenerated', message };
  }
  const limit = spec.maxDelete ?? Math.max(FEW, Math.floor(own / 2));
  if (surplus <= limit || isSwitchedOn(metadata, annotations.allowMassDelete)) return undefined;
  const message = `${surplus} of ${own} GitSyncs would be deleted, and at most ${limit} may be; annotate the GitSyncSet with ${annotations.allowMassDelete}=true if that is meant`;
  return { reason: 'MassDeletionRefused', message };
};

const takenBy = ({ metadata }: GitSync): SetProblem => {
  const owner = controllerOf(metadata);
  const whose = owner ? `belongs to ${owner.kind} ${owner.name}` : 'was not made by this GitSyncSet';
  const { namespace = '', name } = metadata;
  return {
    reason: 'OwnedByAnother',
    message: `GitSync ${namespace}/${name} ${whose}; it is left as it is`,
    sync: { namespace, name },
  };
};

/**
 * Applied as it is, and nobody changed a field of it since. The hash tells of fields that left the template; what people
 * added beside the template's fields is theirs.
 */
export const isCurrent = ({ metadata, spec }: GeneratedSync, live: GitSync): boolean => {
  const { labels, annotations: notes } = live.metadata;
  const owners = new Set(live.metadata.ownerReferences?.map((reference) => reference.uid));
  return (
    isWithin(metadata.annotations, notes) &&
    isWithin(metadata.labels, labels) &&
    isWithin(spec, live.spec) &&
    (metadata.ownerReferences ?? []).every((reference) => owners.has(reference.uid))
  );
};

/** Every member of the one is in the other; lists are as long, for the API server adds defaults inside of items only. */
const isWithin = (wanted: unknown, found: unknown): boolean => {
  if (Array.isArray(wanted)) {
    return Array.isArray(found) && found.length === wanted.length && wanted.every((w, i) => isWithin(w, found[i]));
  }
  if (typeof wanted !== 'object' || wanted === null) return wanted === found;
  if (typeof found !== 'object' || found === null) return false;
  return Object.entries(wanted).every(([key, w]) => isWithin(w, (found as Record<string, unknown>)[key]));
};
