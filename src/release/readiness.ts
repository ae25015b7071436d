import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { isRolledOut, lacksNode, rolloutOf } from '../health/rollout.ts';
import type { Observed } from './history.ts';
import { type OwnerCaches, podsOf } from './identity.ts';

/** Whether all pods of the workload are there and available, but for those that lack a node. Scaled to zero: no. */
export const isWorkloadReady = (key: WorkloadKey, workload: KubeObject, caches: OwnerCaches): boolean =>
  isRolledOut(workload) || (isAlmost(workload) && isRolledOut(workload, excusedPods(key, caches)));

/** Pods that are missing for their node's sake. */
export const excusedPods = (key: WorkloadKey, caches: OwnerCaches): number =>
  podsOf(key, caches).filter(({ pod }) => lacksNode(pod)).length;

/** Pods are counted only where some are missing, and others are not. */
const isAlmost = (workload: KubeObject): boolean => {
  const { available, wanted } = rolloutOf(workload);
  return available > 0 && available < wanted;
};

/**
 * Whether pods started with this release. Where only configuration changed, the pods are those of the release before:
 * then every one of them has to be younger than the release. A restart, or configuration whose name changes with its
 * content, gives the pods another revision.
 *
 * @param release the current one, with the revision of its pods
 * @param before the release that was current before it
 */
export const hasStarted = (
  release: Observed & Pick<Release, 'firstSeenTime'>,
  before: Release | undefined,
  pods: () => readonly KubeObject[],
): boolean => {
  const isOwn = before?.revision === undefined || (release.revision ?? before.revision) !== before.revision;
  if (isOwn) return true;
  const since = Math.floor(Date.parse(release.firstSeenTime) / 1000) * 1000; // as pods have it
  const started = pods().map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ''));
  return started.length > 0 && started.every((time) => time >= since);
};

/** The release that was current until this one came. */
export const predecessorOf = (
  release: Release | undefined,
  releases: readonly Release[],
  currentRelease: number | undefined,
): Release | undefined =>
  release
    ? releases.find((r) => r.supersededTime === release.firstSeenTime)
    : releases.find((r) => r.number === currentRelease);
