import type { RollbackHold } from '../api/hold.ts';
import { type KubeObject, keyOf, keyString } from '../api/meta.ts';
import {
  isRestorable,
  isRuledOut,
  type Release,
  type ReleaseHistory,
  type RestorableRelease,
  releasesOf,
} from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { type KubeClient, resources } from '../kube/index.ts';
import { historyName, type Snapshot, SnapshotDamaged, type SnapshotStore } from '../snapshot/index.ts';
import { isWorkload } from './plan/match-holds.ts';
import type { Companions } from './plan/types.ts';

export interface CompanionPorts {
  client: KubeClient;
  snapshots: SnapshotStore;
}

/**
 * Of a Hold with scope GitSync: the releases that the other workloads of the GitSync had at the commit of its target, as
 * far as their histories have them. Costs a few requests for each workload, and only while such a Hold keeps
 * something out.
 */
export const companionsOf = async (
  hold: RollbackHold,
  target: Snapshot,
  rendered: readonly KubeObject[],
  ports: CompanionPorts,
): Promise<Companions> => {
  const held = keyString(keyOf(target.workload));
  const others = rendered.filter((object) => isWorkload(object) && keyString(keyOf(object)) !== held);
  const own = await historyOf(workloadOf(target.workload), ports);
  const first = releasesOf(own).find(({ number }) => number === hold.spec.target.release)?.firstSeenTime;
  const found = await Promise.all(
    others.map(async (object) => {
      const workload = workloadOf(object);
      const release = releaseAt(await historyOf(workload, ports), target.commit, first);
      const snapshot = release && (await read(workload, release, ports));
      return snapshot ? [[keyString(keyOf(object)), { snapshotRef: release.snapshotRef, snapshot }] as const] : [];
    }),
  );
  return new Map(found.flat());
};

/**
 * The release of that commit: of several, for the GitSync changed meanwhile, the one that was seen next to that time.
 * Where the commit did not change the workload, the newest of those before it.
 */
export const releaseAt = (
  history: ReleaseHistory | undefined,
  commit: string | undefined,
  time: string | undefined,
): RestorableRelease | undefined => {
  const releases = releasesOf(history).toSorted((a, b) => b.number - a.number);
  const before = (release: Release): boolean =>
    time !== undefined && Date.parse(release.firstSeenTime) <= Date.parse(time);
  const same = releases.filter((each) => commit !== undefined && each.commit === commit);
  const distance = ({ firstSeenTime }: Release): number =>
    time === undefined ? 0 : Math.abs(Date.parse(firstSeenTime) - Date.parse(time));
  const release = same.toSorted((a, b) => distance(a) - distance(b))[0] ?? releases.find(before);
  return release && !isRuledOut(release) && isRestorable(release) ? release : undefined;
};

const historyOf = (workload: WorkloadKey, { client }: CompanionPorts): Promise<ReleaseHistory | undefined> =>
  client.get<ReleaseHistory>(resources.releaseHistories, {
    namespace: workload.namespace,
    name: historyName(workload),
  });

const read = async (
  workload: WorkloadKey,
  { snapshotRef, sourceDigest }: RestorableRelease,
  { snapshots }: CompanionPorts,
): Promise<Snapshot | undefined> => {
  try {
    const snapshot = await snapshots.read(workload, snapshotRef.name);
    return snapshot?.sourceDigest === sourceDigest ? snapshot : undefined;
  } catch (error) {
    if (error instanceof SnapshotDamaged) return undefined; // it stays as it is, which the status says
    throw error;
  }
};

const workloadOf = ({ kind, metadata }: KubeObject): WorkloadKey => ({
  kind: kind as WorkloadKey['kind'],
  namespace: metadata.namespace ?? '',
  name: metadata.name,
});
