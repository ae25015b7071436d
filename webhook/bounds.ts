import type { KubeObject } from '../src/api/meta.ts';
import { amountsOf, NAMES, totalsOf } from './amounts.ts';
import { refusedByLimitRange } from './limit-range.ts';
import type { AdmittedPod, Container } from './pod.ts';
import { refusedByQuota } from './quota.ts';
import type { NamespaceBounds } from './resources.ts';

/** Why the API server would refuse the pod with this recorder; undefined where it fits into what the namespace allows. */
export const outOfBounds = (
  pod: AdmittedPod,
  recorder: Container,
  { limitRanges, quotas }: NamespaceBounds,
  /** Pods of the same owner that are yet to come, with this one. */
  count = 1,
): { reason: 'LimitRangeExceeded' | 'QuotaExceeded'; words: string } | undefined => {
  const range = overPodLevel(pod, recorder) ?? refusedByLimitRange(pod, recorder, limitRanges);
  if (range !== undefined) return { reason: 'LimitRangeExceeded', words: range };
  const quota = refusedByQuota(pod, recorder, quotas, count);
  return quota === undefined ? undefined : { reason: 'QuotaExceeded', words: quota };
};

/** Pod-level resources: containers together may request no more than the pod, and none may have a higher limit. */
const overPodLevel = (pod: AdmittedPod, recorder: Container): string | undefined => {
  const whole = amountsOf({ ...(pod.spec?.resources ? { resources: pod.spec.resources } : {}) });
  const { resources: _, ...spec } = pod.spec ?? {};
  const sum = totalsOf({ spec }, recorder);
  const own = amountsOf(recorder);
  for (const name of NAMES) {
    const { request, limit } = whole[name];
    if (own[name].request !== undefined && request !== undefined && (sum[name].request ?? 0) > request * (1 + 1e-9))
      return `its own resources leave no ${name} for the recorder`;
    if (own[name].limit !== undefined && limit !== undefined && own[name].limit > limit)
      return `its own limit of ${name} is below the recorder's`;
  }
  return undefined;
};

/** Pods that the ReplicaSet of this one is still to create, this one included; 1 where that is not known. */
export const podsToCome = (
  pod: AdmittedPod,
  replicaSet: KubeObject | undefined,
  pods: readonly KubeObject[],
): number => {
  const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined || replicaSet?.metadata.uid !== owner.uid) return 1;
  const { replicas = 1 } = (replicaSet.spec ?? {}) as { replicas?: number };
  const there = pods.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.uid));
  return Math.max(1, replicas - there.length);
};
