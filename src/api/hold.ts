import { z } from 'zod';
import { conditions, digest, time } from './common.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { workloadRef } from './workload.ts';

/**
 * Keeps rejected digests of a workload out. Level-triggered: whenever the rendered digest is among the
 * rejected, the target's snapshot is applied instead; any other digest passes and the hold is dormant (Lifted).
 * Deleting the Hold lifts it for good.
 */
export const holdSpec = z
  .strictObject({
    workloadRef: workloadRef,
    scope: z
      .enum(['Workload', 'Sync'])
      .default('Workload')
      .describe(
        'Workload: the workload with the config it references. Sync: everything of its GitSync stays at the last good commit.',
      ),
    rejectedDigests: z.array(digest).min(1).max(50).describe('sourceDigests that must not run.'),
    target: z.strictObject({
      release: z.int().min(1).describe('Number in the ReleaseHistory.'),
      sourceDigest: digest,
      snapshot: z.string().min(1).describe('ControllerRevision with what to apply.'),
      images: z
        .array(z.strictObject({ container: z.string().max(63), image: z.string().max(1024) }))
        .max(64)
        .optional()
        .describe('Images by digest, for tags that mean something else since.'),
    }),
    reason: z.enum(['Incident', 'Manual']).default('Manual'),
    incident: z.string().optional(),
    message: z.string().max(1024).optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '!(self.target.sourceDigest in self.rejectedDigests)',
        message: 'target.sourceDigest is among rejectedDigests: a hold cannot go back to the release that it keeps out',
      },
      {
        rule: 'self.workloadRef == oldSelf.workloadRef',
        message: 'workloadRef is immutable: delete this hold and create another',
      },
    ],
  });
export type HoldSpec = z.infer<typeof holdSpec>;

export const holdStatus = z.strictObject({
  observedGeneration: z.int().min(0).optional(),
  conditions: conditions.optional(),
  phase: z
    .enum(['Pending', 'Held', 'Lifted', 'Failed'])
    .optional()
    .describe('Pending: the target is not applied yet. Held: it is. Lifted: a digest that is not rejected is current.'),
  appliedTime: time.optional().describe('When the last object of the target was applied.'),
  liftedTime: time.optional(),
  currentDigest: digest.optional(),
});

export interface Hold extends KubeObject {
  metadata: ObjectMeta;
  spec: HoldSpec;
  status?: z.infer<typeof holdStatus>;
}
export type HoldStatus = z.infer<typeof holdStatus>;
