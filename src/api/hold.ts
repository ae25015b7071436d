import { z } from 'zod';
import { annotations } from './annotations.ts';
import { conditions, digest, nameRef, observedGeneration, time } from './common.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { workloadRef } from './workload.ts';

export const holdAction = z.enum(['Rollback', 'Accept', 'Deny']);

export const holdScope = z.enum(['Workload', 'GitSync']);

/** What a Hold with action Rollback goes back to. */
export const holdTarget = z.strictObject({
  release: z.int().min(1).describe('Number in the ReleaseHistory.'),
  sourceDigest: digest.describe('Of that release.'),
  snapshotRef: nameRef.describe('ControllerRevision with what was applied for that release.'),
  images: z
    .array(
      z.strictObject({
        container: z.string().max(63).describe('Name of the container.'),
        image: z.string().max(1024).describe('repository@sha256:...'),
      }),
    )
    .max(64)
    .optional()
    .describe('Images by digest, where a tag means something else since.'),
});
export type HoldTarget = z.infer<typeof holdTarget>;

/**
 * What people, or an incident, say about releases of a workload. It counts for as long as the object exists: nothing
 * is a command that is carried out once. Whoever may create and delete Holds may say it.
 */
export const holdSpec = z
  .strictObject({
    workloadRef: workloadRef.describe('Whose releases these are.'),
    action: holdAction.describe(
      'Rollback: the rejected releases must not run, the target runs instead. Accept: the accepted releases are never rejected. Deny: the named incident ends without a rollback.',
    ),
    rejectedDigests: z
      .array(digest)
      .min(1)
      .max(50)
      .optional()
      .describe('Of action Rollback: sourceDigests that must not run.'),
    target: holdTarget.optional().describe('Of action Rollback: the release that runs instead.'),
    scope: holdScope
      .optional()
      .describe(
        'Of action Rollback. Workload, the default: the workload, its configuration, and what no longer finds its pods. GitSync: the other workloads of its GitSync, too, go back to their releases at the commit of the target; everything else of it stays as it is, and nothing is pruned.',
      ),
    acceptedDigests: z
      .array(digest)
      .min(1)
      .max(50)
      .optional()
      .describe('Of action Accept: sourceDigests that no incident and no other Hold rejects.'),
    incidentRef: nameRef.optional().describe('The Incident that this answers. Required with action Deny.'),
    origin: z
      .enum(['Incident', 'Manual'])
      .default('Manual')
      .describe('Incident: as an Incident proposes it. Manual: as a person wrote it.'),
    message: z.string().max(1024).optional().describe('Why, in the words of whoever wrote it.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "(self.action == 'Rollback') == has(self.rejectedDigests) && (self.action == 'Rollback') == has(self.target)",
        message: 'action Rollback needs rejectedDigests and target; Accept and Deny take neither',
      },
      {
        rule: "(self.action == 'Accept') == has(self.acceptedDigests)",
        message: 'action Accept needs acceptedDigests; the others do not take them',
      },
      {
        rule: "self.action != 'Deny' || has(self.incidentRef)",
        message: 'action Deny needs incidentRef: the incident that ends without a rollback',
      },
      {
        rule: "self.action == 'Rollback' || !has(self.scope)",
        message: 'scope goes with action Rollback only',
      },
      {
        rule: '!has(self.target) || !has(self.rejectedDigests) || !(self.target.sourceDigest in self.rejectedDigests)',
        message: 'target.sourceDigest is among rejectedDigests: a hold cannot go back to the release that it keeps out',
      },
      {
        rule: 'self.workloadRef == oldSelf.workloadRef',
        message: 'workloadRef is immutable: delete this hold and create another',
      },
      {
        rule: 'self.origin == oldSelf.origin',
        message: 'origin is immutable: it says how this hold came to be',
      },
      {
        rule: 'self.action == oldSelf.action',
        message: 'action is immutable: delete this hold and create another',
      },
    ],
  });
export type HoldSpec = z.infer<typeof holdSpec>;

export const holdStatus = z.strictObject({
  observedGeneration,
  conditions: conditions
    .optional()
    .describe(
      'Ready: the controller obeys the hold. Held: the target runs in place of a rejected release. Stalled: the target can not be applied; it is tried again with back-off. Contested: a rejected release was applied again and again, so it is rolled back once in ten minutes only. Overdue: the target should be applied for more than five minutes, and is not.',
    ),
  phase: z
    .enum(['Pending', 'Held', 'Dormant', 'Failed'])
    .optional()
    .describe(
      'Of action Rollback. Pending: the target is not applied yet. Held: it is. Dormant: another digest runs, the rule stays. Failed: the target can not be applied; it is tried again.',
    ),
  pendingTime: time.optional().describe('Since when the target should be applied, and is not.'),
  failedAttempts: z.int().min(1).optional().describe('How often in a row applying the target failed.'),
  nextAttemptTime: time.optional().describe('When applying the target is tried again.'),
  appliedTime: time.optional().describe('When the last object of the target was applied.'),
  reapplied: z
    .array(
      z.strictObject({
        time: time.describe('When it was rolled back again.'),
        fieldManager: z.string().max(128).optional().describe('Who had applied it.'),
      }),
    )
    .max(8)
    .optional()
    .describe('Rejected releases that were applied again, and rolled back again: oldest first, the last 8.'),
  dormantTime: time.optional().describe('Since when another digest runs.'),
  currentDigest: digest.optional().describe('What runs, as the controller saw it last.'),
});
export type HoldStatus = z.infer<typeof holdStatus>;

export interface Hold extends KubeObject {
  metadata: ObjectMeta;
  spec: HoldSpec;
  status?: HoldStatus;
}

/** A Hold with action Rollback: the API server takes none without these fields. */
export interface RollbackHold extends Hold {
  spec: HoldSpec & { action: 'Rollback'; rejectedDigests: string[]; target: HoldTarget };
}

/**
 * Who asked for it, as the API server checked it. Only metricops itself may create a Hold of origin Incident that names
 * nobody; any other was made while the webhook, which fills the name in, was down.
 */
export const requestedBy = ({ metadata, spec }: Pick<Hold, 'metadata' | 'spec'>): string =>
  metadata.annotations?.[annotations.requestedBy] ?? (spec.origin === 'Incident' ? 'metricops' : 'unknown');

export const isRollback = (hold: Hold): hold is RollbackHold =>
  hold.spec.action === 'Rollback' && hold.spec.rejectedDigests !== undefined && hold.spec.target !== undefined;
