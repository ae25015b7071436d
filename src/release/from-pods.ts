import type { KubeObject } from '../api/meta.ts';
import { type Release, type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import type { Running } from '../snapshot/index.ts';
import { withPod } from './describe.ts';
import type { Observed } from './history.ts';
import {
  digestsOfReplicaSet,
  imageIdsOf,
  isOfCurrent,
  type Owner,
  type OwnerCaches,
  podOfCurrent,
  replicaSetOf,
  revisionOf,
} from './identity.ts';

export type WorkloadOwner = Omit<Extract<Owner, { is: 'workload' }>, 'is'>;

/**
 * Adds revision and imageIDs to the current release: from the pod that reports or, once the rollout is complete and
 * something is still missing, from any pod of it.
 *
 * @param source how the workload's pods are told from older ones; its digest may differ from the release's
 */
export const fromPods = (
  described: Observed,
  owner: WorkloadOwner,
  context: { source: Running; pod: KubeObject | undefined; ready: boolean; history: ReleaseHistory | undefined },
  caches: OwnerCaches,
): Observed => {
  const { source, pod, ready, history } = context;
  const hash = templateHash(owner.workload, source.digest, caches);
  if (pod && isOfCurrent(pod, owner, source.digest)) {
    return withPod(described, hash ?? revisionOf(pod), imageIdsOf(pod));
  }
  const known = releaseOf(history, described.sourceDigest);
  const isComplete = known?.revision !== undefined && known.images.every((image) => image.imageID !== undefined);
  const other = ready && !isComplete ? podOfCurrent(owner.key, source.digest, caches) : undefined;
  return withPod(described, hash ?? (other && revisionOf(other)), other ? imageIdsOf(other) : new Map());
};

/** pod-template-hash of a Deployment's newest ReplicaSet for this digest. */
export const templateHash = (
  workload: KubeObject,
  digest: string,
  { replicaSets }: Pick<OwnerCaches, 'replicaSets'>,
): string | undefined =>
  workload.kind === 'Deployment'
    ? replicaSetOf(workload, replicaSets, digest)?.metadata.labels?.['pod-template-hash']
    : undefined;

export const releaseOf = (history: ReleaseHistory | undefined, digest: string): Release | undefined =>
  releasesOf(history).find((release) => release.sourceDigest === digest);

/** The recorded release of a pod that is not of the current one: by its ReplicaSet, or by its revision. */
export const olderReleaseOf = (
  pod: KubeObject,
  { replicaSet }: WorkloadOwner,
  releases: readonly Release[],
): Release | undefined => {
  const digests = replicaSet ? digestsOfReplicaSet(replicaSet) : [];
  const revision = revisionOf(pod);
  return (
    releases.find((release) => revision !== undefined && release.revision === revision) ??
    releases.find((release) => digests.includes(release.sourceDigest))
  );
};
