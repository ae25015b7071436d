import type { Condition } from '../api/common.ts';
import type { Hold } from '../api/hold.ts';
import { type Release, type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import type { WatchCache } from '../kube/index.ts';
import { historyName, type SnapshotStore } from '../snapshot/index.ts';
import type { HistoryContent } from './history-writer.ts';

/** Condition of a history with a release that can't be rolled back to. */
const RECORDED = 'Recorded';

/**
 * A sync names a snapshot before its apply and writes it after. The moment in which another release becomes current is
 * the first in which somebody may want to go back, and the last in which the name may be one of nothing: then the
 * history names the one that the release had before, if it ran before, or none. One request for each new release.
 *
 * @param before number of the release that was current
 */
export const withoutLostTarget = async (
  workload: WorkloadKey,
  before: number | undefined,
  after: HistoryContent,
  { snapshots, now }: { snapshots: Pick<SnapshotStore, 'stored'>; now: number },
): Promise<HistoryContent> => {
  const { records } = after;
  if (before === undefined || records.currentRelease === before) return after;
  const left = records.releases?.find((release) => release.number === before);
  if (left?.snapshotRef === undefined) return after;
  const { name } = left.snapshotRef;
  const stored = await snapshots.stored(workload);
  const conditions = after.conditions.filter(({ type }) => type !== RECORDED);
  if (stored.some((one) => one.name === name)) return { records, conditions };
  const earlier = stored.find(({ sourceDigest }) => sourceDigest === left.sourceDigest);
  const { snapshotRef: _, ...rest } = left;
  const known: Release = earlier ? { ...left, snapshotRef: { name: earlier.name } } : rest;
  const releases = (records.releases ?? []).map((release) => (release === left ? known : release));
  const kept = { ...records, releases };
  if (earlier) return { records: kept, conditions };
  const lost: Condition = {
    type: RECORDED,
    status: 'False',
    reason: 'NoRollbackTarget',
    message: `no rollback target: release ${left.number}: its snapshot ${name} was not stored`,
    lastTransitionTime: new Date(now).toISOString(),
  };
  return { records: kept, conditions: [...conditions, lost] };
};

export interface DroppedSnapshots {
  /** Deletes what left the history since this was made. Rejects with KubeError; what is left is tried the next time. */
  remove(key: WorkloadKey, history: ReleaseHistory | undefined): Promise<void>;
  stop(): void;
}

/**
 * The snapshots that histories do not name any more, as the watch of them tells, whichever replica wrote: of evicted
 * releases, and of one that came back under another snapshot. What a Hold goes back to stays, and so does the earlier
 * snapshot of a release until the one that is named now is stored. For the leader, in whose process the snapshots with
 * copies are written: so a copy is not deleted while a new snapshot takes it over.
 */
export const createDroppedSnapshots = (
  { histories, holds }: { histories: WatchCache<ReleaseHistory>; holds: Pick<WatchCache<Hold>, 'list'> },
  snapshots: Pick<SnapshotStore, 'remove' | 'stored'>,
): DroppedSnapshots => {
  /** By history, names with the digest of their release. */
  const dropped = new Map<string, Map<string, string>>();
  const stop = histories.onChange((object, previous) => {
    if (!previous) return;
    const key = `${previous.metadata.namespace}/${previous.metadata.name}`;
    if (!object) return void dropped.delete(key); // its owner is gone: so are they
    const needed = namesOf(object);
    const gone = [...namesOf(previous)].filter(([name]) => !needed.has(name));
    if (gone.length > 0) dropped.set(key, new Map([...(dropped.get(key) ?? []), ...gone]));
  });
  /** Those whose release has another snapshot by now, or is gone. */
  const replaced = async (workload: WorkloadKey, history: ReleaseHistory, names: ReadonlyMap<string, string>) => {
    const named = new Map([...namesOf(history)].map(([name, digest]) => [digest, name]));
    if (![...names.values()].some((digest) => named.has(digest))) return names;
    const stored = new Set((await snapshots.stored(workload)).map(({ name }) => name));
    return new Map(
      [...names].filter(([, digest]) => {
        const now = named.get(digest);
        return now === undefined || stored.has(now);
      }),
    );
  };
  return {
    async remove(workload, history) {
      const key = `${workload.namespace}/${historyName(workload)}`;
      const names = dropped.get(key);
      if (!names || !history) return;
      const needed = namesOf(history);
      for (const name of names.keys()) if (needed.has(name)) names.delete(name);
      // One that was stored before its schema may have no such field.
      const targets = new Set(holds.list(workload.namespace).map(({ spec }) => spec?.target?.snapshotRef?.name));
      const free = new Map([...names].filter(([name]) => !targets.has(name)));
      const gone = free.size === 0 ? free : await replaced(workload, history, free);
      if (gone.size > 0) await snapshots.remove(history, new Set(gone.keys()));
      for (const name of gone.keys()) names.delete(name);
      if (names.size === 0) dropped.delete(key);
    },
    stop,
  };
};

/** With the digests of their releases. */
const namesOf = (history: ReleaseHistory): Map<string, string> =>
  new Map(
    releasesOf(history).flatMap(({ snapshotRef, sourceDigest }) =>
      snapshotRef === undefined ? [] : [[snapshotRef.name, sourceDigest] as const],
    ),
  );
