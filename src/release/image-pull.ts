import type { WorkloadKey } from '../api/workload.ts';
import { failingContainers } from '../health/failing-containers.ts';
import { isPodReady } from '../health/pod-ready.ts';
import { isOfCurrent, type OwnerCaches, podsOf } from './identity.ts';

/** A container that does not start, for its image is not to be had. */
export interface Unpulled {
  container: string;
  /** Of the kubelet: ErrImagePull, ImagePullBackOff … */
  reason: string;
}

/** What kubelets say of an image that they have not got. */
const REASONS: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'ImageInspectError',
  'SignatureValidationFailed',
]);

/**
 * Whose image no node gets, of the release that the workload runs. undefined: some pod of it is ready, or none waits for
 * its image.
 *
 * @param digest sourceDigest of the release
 * @param now milliseconds since the epoch
 */
export const unpulledImage = (
  key: WorkloadKey,
  digest: string,
  caches: OwnerCaches,
  now: number,
): Unpulled | undefined => {
  const pods = podsOf(key, caches).filter(({ pod, owner }) => isOfCurrent(pod, owner, digest));
  if (pods.some(({ pod }) => isPodReady(pod))) return undefined;
  const failing = pods.flatMap(({ pod }) => failingContainers(pod, now)).find(({ reason }) => REASONS.has(reason));
  return failing && { container: failing.name, reason: failing.reason };
};
