import { z } from 'zod';
import { conditions, digest, nameRef, observedGeneration, time } from './common.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { workloadRef } from './workload.ts';

export const releaseImage = z.strictObject({
  container: z.string().describe('Name of the container.'),
  image: z.string().describe('As written in the pod template.'),
  tag: z.string().optional().describe('Tag of the image; none where it is named by digest.'),
  imageID: z.string().optional().describe('repository@sha256:... as the kubelet reports it.'),
});
export type ReleaseImage = z.infer<typeof releaseImage>;

export const releaseOutcome = z.enum(['Active', 'Superseded', 'Good', 'Guilty', 'Rejected', 'Accepted']);

export const release = z.strictObject({
  number: z.int().min(1).describe('Counts up in this history; `metricops rollback --to N`.'),
  sourceDigest: digest.describe(
    'Hash of the workload as rendered from Git, with the configuration it references. Holds match releases by this value only.',
  ),
  revision: z.string().optional().describe('pod-template-hash or controller-revision-hash: what pods map to.'),
  workloadUID: z.string().describe('uid of the workload when it was recorded.'),
  images: z.array(releaseImage).max(64).describe('Images of its containers.'),
  commit: z.string().optional().describe('Commit in which this digest appeared first.'),
  gitSyncRef: z
    .strictObject({ namespace: z.string().describe('Its namespace.'), name: z.string().describe('Its name.') })
    .optional()
    .describe('GitSync that applied it.'),
  appliedBy: z.string().optional().describe('Field manager that last wrote the template.'),
  labels: z.record(z.string(), z.string()).optional().describe('Labels of the pod template.'),
  alertRules: z.array(z.string()).max(64).optional().describe('RollbackPolicy and alerts that guarded it.'),
  serviceAccountName: z
    .string()
    .optional()
    .describe('ServiceAccount of its pods, where it names one. Not pruned while a rollback may go to this release.'),
  persistentVolumeClaims: z
    .array(z.string())
    .max(64)
    .optional()
    .describe('PersistentVolumeClaims that its pods mount. Not pruned while a rollback may go to this release.'),
  irreversible: z
    .string()
    .max(256)
    .optional()
    .describe(
      'Why no rollback goes back behind it without a person: the annotation metricops.dev/irreversible, or a Job that is an upgrade hook of Helm or Argo CD.',
    ),
  snapshotRef: nameRef.optional().describe('ControllerRevision with what was applied.'),
  firstSeenTime: time.describe('When it was first observed.'),
  readyTime: time
    .optional()
    .describe(
      'When all of its pods were first ready; one that changes configuration only is not before pods start with it.',
    ),
  goodTime: time.optional().describe('When it had been current and ready for its soak time with nothing against it.'),
  guiltyTime: time
    .optional()
    .describe('When an Incident that found it guilty was closed: no rollback goes to it any more.'),
  rejectedTime: time.optional().describe('When a Hold last began to keep it out.'),
  rejectedCount: z.int().min(1).optional().describe('How often it was rejected: once more after each lift.'),
  liftedTime: time
    .optional()
    .describe('When a person lifted its Hold: it may run again, and only evidence that began later counts against it.'),
  restoredTime: time
    .optional()
    .describe('When it became current again: by a rollback, or by a commit that brought it back.'),
  supersededTime: time.optional().describe('When another release became current.'),
  outcome: releaseOutcome.describe(
    'What became of it. Active: it is current. Superseded: another one came. Good: it passed its soak time. Guilty: an Incident found that it burns the error budget; whatever the mode, no rollback goes to it until a person accepts it. Rejected: a Hold keeps it out. Accepted: a person accepted it, so it is never rejected.',
  ),
  incidentRef: nameRef.optional().describe('Incident for which it was rejected.'),
});
export type Release = z.infer<typeof release>;

/** What the controller records. In the spec, as a Lease has it: nothing but a backup can bring it back. */
export const releaseHistorySpec = z
  .strictObject({
    workloadRef: workloadRef.describe('Whose releases these are.'),
    currentRelease: z.int().optional().describe('Number of the current release.'),
    lastGoodRelease: z.int().optional().describe('Number of the release that a rollback would go to.'),
    releases: z.array(release).max(100).optional().describe('Newest first.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'self.workloadRef == oldSelf.workloadRef',
        message: 'workloadRef is immutable: a history stays with its workload',
      },
    ],
  });

export const releaseHistoryStatus = z.strictObject({
  observedGeneration,
  conditions: conditions.optional(),
});

export interface ReleaseHistory extends KubeObject {
  metadata: ObjectMeta;
  spec: z.infer<typeof releaseHistorySpec>;
  status?: z.infer<typeof releaseHistoryStatus>;
}
/** What is recorded of a workload. */
export type ReleaseRecords = Omit<ReleaseHistory['spec'], 'workloadRef'>;
/** A release that a rollback can go to. */
export type RestorableRelease = Release & { snapshotRef: NonNullable<Release['snapshotRef']> };

/** Whether what was applied for it is recorded. */
export const isRestorable = (release: Release): release is RestorableRelease => release.snapshotRef !== undefined;

/** No rollback goes to it: a Hold keeps it out, or an incident found it guilty, and no person accepted it since. */
export const isRuledOut = ({ outcome }: Release): boolean => outcome === 'Rejected' || outcome === 'Guilty';

/** Newest first; none where there is no history, or one that somebody wrote without a spec. */
export const releasesOf = (history: { spec?: ReleaseRecords } | undefined): readonly Release[] =>
  history?.spec?.releases ?? [];

/** The release that the workload runs; undefined where none is recorded. */
export const currentOf = ({ releases, currentRelease }: Partial<ReleaseRecords>): Release | undefined =>
  releases?.find(({ number }) => number === currentRelease);

export const recordsOf = (history: ReleaseHistory | undefined): ReleaseRecords => {
  const { workloadRef: _, ...records } = history?.spec ?? { workloadRef: undefined };
  return records;
};
