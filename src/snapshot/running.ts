import { annotations, labels } from '../api/annotations.ts';
import { digest as digestSchema } from '../api/common.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import { writersOf } from '../ssa/template-writers.ts';
import { liveDigest } from './digest.ts';
import { hasImages, withoutPins } from './pin.ts';
import { templateOf } from './references.ts';

/** The digest of what the workload's template says now, and who says it. */
export interface Running {
  digest: string;
  /** A GitSync applied it, and nobody changed it since. */
  fromGit: boolean;
  /** Field manager that changed what a GitSync applied. */
  byHand: string | undefined;
}

/** Writes what people write: a manifest, whose annotations may be those of any release. */
const OF_MANIFESTS = /^kubectl-(?!rollout$)/;

/**
 * Which release runs, by the workload alone: the only place where that is decided. It is the sourceDigest that the
 * GitSync stamped where managedFields say that the GitSync wrote the template last, and what an undo of a Deployment
 * brought back with the template, for it copies the annotations of the old ReplicaSet; the digest of the live template otherwise. The annotation alone proves
 * nothing: it comes along when a manifest is copied, and stays when somebody edits.
 */
export const runningRelease = (workload: KubeObject): Running => {
  const { applied, byHand } = writersOf(workload);
  const stamped = digestSchema.safeParse(workload.metadata.annotations?.[annotations.sourceDigest]).data;
  const owned = applied !== undefined && stamped !== undefined && workload.metadata.labels?.[labels.sync] !== undefined;
  if (owned && !byHand) return { digest: stamped, fromGit: true, byHand: undefined };
  const by = owned ? byHand?.manager : undefined;
  const isUndone = byHand?.stamps === true && workload.kind === 'Deployment' && !OF_MANIFESTS.test(byHand.manager);
  return { digest: owned && isUndone ? stamped : liveDigest(templateOf(workload)), fromGit: false, byHand: by };
};

/**
 * The digest by which a history knows what runs. Two things look like another release and are none: what a backup tool
 * created again, until its GitSync applies it, and a workload of no GitSync whose rollback wrote images by content.
 */
export const recordedDigest = (workload: KubeObject, releases: readonly Release[]): string => {
  const { digest, fromGit, byHand } = runningRelease(workload);
  if (fromGit || byHand !== undefined || releases.some((r) => r.sourceDigest === digest)) return digest;
  const template = templateOf(workload);
  const same = releases.find(
    (r) => isFromBackup(workload, r) || liveDigest(withoutPins(template, r.images)) === r.sourceDigest,
  );
  return same?.sourceDigest ?? digest;
};

/** Whether the template is that of the other one: it runs the same release, though nobody stamped it. */
export const hasTemplateOf = (workload: KubeObject, other: KubeObject): boolean =>
  liveDigest(templateOf(workload)) === liveDigest(templateOf(other));

/** Without managedFields of ours, the stamp is believed of a release that this history has with the same images. */
const isFromBackup = (workload: KubeObject, { sourceDigest, images }: Release): boolean =>
  workload.metadata.labels?.[labels.sync] !== undefined &&
  workload.metadata.annotations?.[annotations.sourceDigest] === sourceDigest &&
  hasImages(templateOf(workload), images);
