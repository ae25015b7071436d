import type { Condition } from '../api/common.ts';
import { type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { type KubeClient, resources, type WatchCache } from '../kube/index.ts';
import { historyName, type SnapshotStore } from '../snapshot/index.ts';
import type { HistoryContent } from './history-writer.ts';

/** Condition of a history with a release that can't be rolled back to. */
const RECORDED = 'Recorded';

/**
 * A sync names a snapshot before its apply and writes it after. The moment in which another release becomes current is
 * the first in which somebody may want to go back, and the last in which the name may be one of nothing: then the
 * history forgets the name. One request for each new release.
 *
 * @param before number of the release that was current
 */
export const withoutLostTarget = async (
  { namespace }: WorkloadKey,
  before: number | undefined,
  after: HistoryContent,
  { client, now }: { client: KubeClient; now: number },
): Promise<HistoryContent> => {
  const { records } = after;
  if (before === undefined || records.currentRelease === before) return after;
  const left = records.releases?.find((release) => release.number === before);
  if (left?.snapshotRef === undefined) return after;
  const { name } = left.snapshotRef;
  const { items } = await client.list(resources.controllerRevisions, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
    metadataOnly: true,
  });
  const conditions = after.conditions.filter(({ type }) => type !== RECORDED);
  if (items.length > 0) return { records, conditions };
  const lost: Condition = {
    type: RECORDED,
    status: 'False',
    reason: 'NoRollbackTarget',
    message: `no rollback target: release ${left.number}: its snapshot ${name} was not stored`,
    lastTransitionTime: new Date(now).toISOString(),
  };
  const { snapshotRef: _, ...rest } = left;
  const releases = (records.releases ?? []).map((release) => (release === left ? rest : release));
  return { records: { ...records, releases }, conditions: [...conditions, lost] };
};

export interface DroppedSnapshots {
  /** Deletes what left the history since this was made. Rejects with KubeError; what is left is tried the next time. */
  remove(key: WorkloadKey, history: ReleaseHistory | undefined): Promise<void>;
  stop(): void;
}

/**
 * The snapshots of evicted releases, as the watch of histories tells of them, whichever replica wrote. For the leader,
 * in whose process the snapshots with copies are written: so a copy is not deleted while a new snapshot takes it over.
 */
export const createDroppedSnapshots = (
  histories: WatchCache<ReleaseHistory>,
  snapshots: Pick<SnapshotStore, 'remove'>,
): DroppedSnapshots => {
  const dropped = new Map<string, Set<string>>();
  const stop = histories.onChange((object, previous) => {
    if (!previous) return;
    const key = `${previous.metadata.namespace}/${previous.metadata.name}`;
    if (!object) return void dropped.delete(key); // its owner is gone: so are they
    const needed = namesOf(object);
    const gone = [...namesOf(previous)].filter((name) => !needed.has(name));
    if (gone.length > 0) dropped.set(key, new Set([...(dropped.get(key) ?? []), ...gone]));
  });
  return {
    async remove(workload, history) {
      const key = `${workload.namespace}/${historyName(workload)}`;
      const names = dropped.get(key);
      if (!names || !history) return;
      const needed = namesOf(history);
      await snapshots.remove(history, new Set([...names].filter((name) => !needed.has(name))));
      dropped.delete(key);
    },
    stop,
  };
};

const namesOf = (history: ReleaseHistory): Set<string> =>
  new Set(releasesOf(history).flatMap(({ snapshotRef }) => (snapshotRef === undefined ? [] : [snapshotRef.name])));
