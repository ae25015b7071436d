import { annotations } from '../api/annotations.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import type { KubeObject } from '../api/meta.ts';
import { hashOf } from '../snapshot/index.ts';

/** What `metricops.dev/requested-at` says: another value is a wish to be looked at now. */
export const requestOf = (set: GitSyncSet | undefined): string | undefined =>
  set?.metadata.annotations?.[annotations.requestedAt];

/** In anything but its status, and what Kubernetes keeps in its metadata: a GitSync tells of each of its syncs there. */
export const isOtherThan = (object: KubeObject | undefined, previous: KubeObject | undefined): boolean =>
  fingerprintOf(object) !== fingerprintOf(previous);

const fingerprintOf = (object: KubeObject | undefined): string | undefined => {
  if (!object) return undefined;
  const { uid, generation, labels, annotations: notes, deletionTimestamp, ownerReferences } = object.metadata;
  return hashOf({ uid, generation, labels, notes, deletionTimestamp, ownerReferences });
};
