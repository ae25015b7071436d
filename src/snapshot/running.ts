import { annotations, labels } from '../api/annotations.ts';
import { digest as digestSchema } from '../api/common.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import { writersOf } from '../ssa/template-writers.ts';
import { liveDigest } from './digest.ts';
import { withoutPins } from './pin.ts';
import { templateOf } from './references.ts';

/** The digest of what the workload's template says now, and who says it. */
export interface Running {
  digest: string;
  /** A GitSync applied it, and nobody changed it since. */
  fromGit: boolean;
  /** Field manager that changed what a GitSync applied. */
  byHand: string | undefined;
}

/** Its undo copies the annotations of the old ReplicaSet together with its template. */
const UNDO = 'kubectl-rollout';

/**
 * Which release runs, by the workload alone: the only place where that is decided. It is the sourceDigest that the
 * GitSync stamped where managedFields say that the GitSync wrote the template last, and what `kubectl rollout undo` of
 * a Deployment brought back with the template; the digest of the live template otherwise. The annotation alone proves
 * nothing: it comes along when a manifest is copied, and stays when somebody edits.
 */
export const runningRelease = (workload: KubeObject): Running => {
  const { applied, byHand } = writersOf(workload);
  const stamped = digestSchema.safeParse(workload.metadata.annotations?.[annotations.sourceDigest]).data;
  const owned = applied !== undefined && stamped !== undefined && workload.metadata.labels?.[labels.sync] !== undefined;
  if (owned && !byHand) return { digest: stamped, fromGit: true, byHand: undefined };
  const by = owned ? byHand?.manager : undefined;
  const isUndone = owned && by === UNDO && workload.kind === 'Deployment';
  return { digest: isUndone ? stamped : liveDigest(templateOf(workload)), fromGit: false, byHand: by };
};

/**
 * The digest by which a history knows what runs. A rollback of a workload that no GitSync applies may have written
 * images by content: it is the same release, under another template.
 */
export const recordedDigest = (workload: KubeObject, releases: readonly Release[]): string => {
  const { digest } = runningRelease(workload);
  if (!digest.startsWith('live') || releases.some((r) => r.sourceDigest === digest)) return digest;
  const template = templateOf(workload);
  const pinned = releases.find((r) => liveDigest(withoutPins(template, r.images)) === r.sourceDigest);
  return pinned?.sourceDigest ?? digest;
};
