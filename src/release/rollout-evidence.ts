import type { KubeObject } from '../api/meta.ts';
import { currentOf, type Release, type ReleaseHistory, recordsOf, releasesOf } from '../api/release-history.ts';
import { type WorkloadKey, workloadString } from '../api/workload.ts';
import { type FailingContainer, failingContainers } from '../health/failing-containers.ts';
import { isPodReady } from '../health/pod-ready.ts';
import { lacksNode, rolloutOf } from '../health/rollout.ts';
import type { WatchCache } from '../kube/index.ts';
import { historyName } from '../snapshot/index.ts';
import { olderReleaseOf } from './from-pods.ts';
import { isOfCurrent, type OwnerCaches, ownerOf, podsOf } from './identity.ts';

/** What the pods themselves say for and against a release, without any metric. Times are milliseconds since the epoch. */
export interface RolloutEvidence {
  /** Pods of the release. */
  pods: number;
  /** Of these, such as crash again and again, with the container that says most. */
  crashing: number;
  /** Of these, such as no node takes, or whose node is lost. */
  withoutNode: number;
  /** Since when the release exceeds its progress deadline; undefined: it does not. */
  exceededAt: number | undefined;
  /** The container that most pods of the release fail with. */
  worst: FailingContainer | undefined;
  /**
   * Pods of earlier releases that are still there and were ready once, and of these such as crash since the release came,
   * or are not ready any more.
   */
  older: { pods: number; failing: number };
  /** The release had passed its soak time before. */
  wasGood: boolean;
  /** Other workloads of the namespace that crash since the release came, and did not release meanwhile. */
  neighbours: number;
}

export interface RolloutCaches extends OwnerCaches {
  histories: WatchCache<ReleaseHistory>;
}

/** Deployments say themselves that they exceed it; this is for the others, and is what Deployments take by default. */
export const PROGRESS_DEADLINE_MS = 600_000;

/** What speaks for and against the current release of a workload now. undefined: its pods are as they should be. */
export const rolloutEvidence = (
  key: WorkloadKey,
  release: Release,
  caches: RolloutCaches,
  now: number,
): RolloutEvidence | undefined => {
  const workload = caches.workloads[key.kind].get(key);
  if (!workload) return undefined;
  const all = podsOf(key, caches);
  const isNew = ({ pod, owner }: (typeof all)[number]): boolean => isOfCurrent(pod, owner, release.sourceDigest);
  const current = all.filter(isNew).map(({ pod }) => pod);
  const failing = current.flatMap((pod) => failingContainers(pod, now).slice(0, 1));
  const crashing = failing.filter(({ crashes }) => crashes);
  const exceededAt = deadlineExceededAt(workload, release, now);
  if (exceededAt === undefined && crashing.length * 2 < Math.max(current.length, 1)) return undefined;
  const since = Date.parse(release.firstSeenTime);
  const releases = releasesOf(caches.histories.get({ namespace: key.namespace, name: historyName(key) }));
  const neverReady = ({ pod, owner }: (typeof all)[number]): boolean => {
    const earlier = olderReleaseOf(pod, owner, releases);
    return earlier !== undefined && earlier.readyTime === undefined; // a bad one, too
  };
  const older = all.filter((each) => !isNew(each) && !neverReady(each)).map(({ pod }) => pod);
  return {
    pods: current.length,
    crashing: crashing.length,
    withoutNode: current.filter(lacksNode).length,
    exceededAt,
    worst: worstOf(crashing.length > 0 ? crashing : failing),
    older: {
      pods: older.length,
      failing: older.filter((pod) => !isPodReady(pod) || crashesSince(pod, since, now)).length,
    },
    wasGood: release.goodTime !== undefined,
    neighbours: neighboursThatCrash(key, since, caches, now),
  };
};

interface Condition {
  type: string;
  status: string;
  reason?: string;
  lastUpdateTime?: string;
}
const conditionsOf = ({ status }: KubeObject): Condition[] =>
  (status as { conditions?: Condition[] } | undefined)?.conditions ?? [];

/** Not of a release whose rollout was done once: pods that come later are no rollout. */
const deadlineExceededAt = (workload: KubeObject, release: Release, now: number): number | undefined => {
  if (release.readyTime !== undefined) return undefined;
  const { observedGeneration = 0 } = (workload.status ?? {}) as { observedGeneration?: number };
  if (observedGeneration < (workload.metadata.generation ?? 0)) return undefined;
  if (workload.kind === 'Deployment') {
    const progressing = conditionsOf(workload).find(({ type }) => type === 'Progressing');
    if (progressing?.reason !== 'ProgressDeadlineExceeded') return undefined;
    return Date.parse(progressing.lastUpdateTime ?? '') || now;
  }
  const deadline = Date.parse(release.firstSeenTime) + PROGRESS_DEADLINE_MS;
  return now >= deadline && !rolloutOf(workload).done ? deadline : undefined;
};

const worstOf = (failing: readonly FailingContainer[]): FailingContainer | undefined =>
  failing.toSorted((a, b) => b.restarts - a.restarts)[0];

const crashesSince = (pod: KubeObject, since: number, now: number): boolean =>
  failingContainers(pod, now).some(({ crashes, endedAt = 0 }) => crashes && endedAt >= since);

const neighboursThatCrash = (key: WorkloadKey, since: number, caches: RolloutCaches, now: number): number => {
  const found = new Set<string>();
  for (const pod of caches.pods.list(key.namespace)) {
    if (!crashesSince(pod, since, now)) continue;
    const owner = ownerOf(pod, caches);
    if (owner.is !== 'workload' || workloadString(owner.key) === workloadString(key)) continue;
    if (!releasedSince(owner.key, since, caches)) found.add(workloadString(owner.key));
  }
  return found.size;
};

/** Its crashes may be of a release of its own. A minute earlier counts: two workloads of one commit come one after another. */
const releasedSince = (key: WorkloadKey, since: number, { histories }: RolloutCaches): boolean => {
  const current = currentOf(recordsOf(histories.get({ namespace: key.namespace, name: historyName(key) })));
  return current !== undefined && Date.parse(current.firstSeenTime) >= since - 60_000;
};
