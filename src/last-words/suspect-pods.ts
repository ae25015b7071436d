import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { releasesOf } from '../api/release-history.ts';
import { failingContainers } from '../health/failing-containers.ts';
import { isPodReady } from '../health/pod-ready.ts';
import type { Caches } from '../incident/index.ts';
import { digestsOfReplicaSet, ownerOf, revisionOf } from '../release/index.ts';
import { historyName } from '../snapshot/index.ts';

/**
 * Pods of the release under suspicion, those that are being deleted too: first those that crash or do not start, then
 * those that are not ready.
 *
 * @param now milliseconds since the epoch
 */
export const suspectPods = (incident: Incident, caches: Caches, now: number): KubeObject[] => {
  const { workloadRef, suspect } = incident.spec;
  const { namespace } = incident.metadata;
  if (!suspect || namespace === undefined) return [];
  const releases = releasesOf(caches.histories.get({ namespace, name: historyName(workloadRef) }));
  const recorded = releases.find(({ sourceDigest }) => sourceDigest === suspect.sourceDigest);
  const revision = suspect.revision ?? recorded?.revision;
  const isSuspect = (pod: KubeObject): boolean => {
    const owner = ownerOf(pod, caches);
    if (owner.is !== 'workload' || owner.key.kind !== workloadRef.kind || owner.key.name !== workloadRef.name)
      return false;
    const digests = owner.replicaSet ? digestsOfReplicaSet(owner.replicaSet) : [];
    return digests.includes(suspect.sourceDigest) || (revision !== undefined && revisionOf(pod) === revision);
  };
  return caches.pods
    .list(namespace)
    .filter(isSuspect)
    .map((pod) => ({ pod, rank: rankOf(pod, now) }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ pod }) => pod);
};

const rankOf = (pod: KubeObject, now: number): number =>
  failingContainers(pod, now).length > 0 ? 0 : isPodReady(pod) ? 2 : 1;
