import { z } from 'zod';
import { conditions, digest, localName, nameRef, observedGeneration, time } from './common.ts';
import { holdSpec } from './hold.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { rollbackMode } from './rollback-policy.ts';
import { workloadRef } from './workload.ts';

/** One alert as delivered. It is written again only when something about it changed. */
export const evidence = z.strictObject({
  source: z
    .enum(['Alertmanager', 'Rollout'])
    .describe('Who reported it. Rollout: the pods of the release crash, or did not get ready in time.'),
  fingerprint: z.string().max(128).describe('Hash of the labels of the alert.'),
  alert: z.string().max(256).describe('alertname.'),
  status: z.enum(['firing', 'resolved']).describe('As Alertmanager delivered it last.'),
  labels: z.record(z.string(), z.string()).describe('Labels of the alert.'),
  startsAt: time.optional().describe('As the alert says: the earliest time since it fires, and none that is to come.'),
  receivedTime: time.describe('Server time of the first delivery.'),
  lastReceivedTime: time.describe('Server time of the last delivery that said something new.'),
});
export type Evidence = z.infer<typeof evidence>;

export const suspect = z.strictObject({
  number: z.int().min(1).describe('Number in the ReleaseHistory.'),
  sourceDigest: digest.describe('Of the release.'),
  revision: z.string().optional().describe('pod-template-hash or controller-revision-hash.'),
  commit: z.string().optional().describe('Commit in which it appeared first.'),
});

/** spec is what was observed, written by the intake in one create; status is what was made of it. */
export const incidentSpec = z
  .strictObject({
    workloadRef: workloadRef.describe('The workload that the alerts reached.'),
    suspect: suspect.optional().describe('Release under suspicion; none where the workload has no recorded release.'),
    policyRef: z
      .strictObject({ name: localName.describe('Its name.') })
      .optional()
      .describe('RollbackPolicy that guarded the workload when the incident was opened.'),
    evidence: z.array(evidence).max(64).describe('The alerts about the workload, as they were delivered.'),
    truncated: z
      .boolean()
      .optional()
      .describe('More alerts were sent than are listed: over 64, or left out by Alertmanager (max_alerts).'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'self.workloadRef == oldSelf.workloadRef',
        message: 'workloadRef is immutable: an incident stays with the workload that it was opened for',
      },
    ],
  });

const result = z.enum(['Guilty', 'NotGuilty', 'Inconclusive']);
/** A number as text: at most four digits that count. */
const decimal = z.string().max(32);

/** What was found for one objective of the policy. */
export const objectiveVerdict = z.strictObject({
  name: z.string().max(63).describe('Of the objective; `alerts` where the policy has none.'),
  result: result.describe('Guilty: the suspect burns it, and the release before it did not.'),
  reason: z.string().max(128).describe('Why: one of the reasons below.'),
  message: z.string().max(1024).describe('The same in words, with the figures.'),
  query: z.string().max(8192).optional().describe('The expression that was evaluated.'),
  newErrorRatio: decimal.optional().describe('Of the suspect, e.g. "0.2".'),
  oldErrorRatio: decimal.optional().describe('Of the release before it.'),
  newRequests: decimal.optional().describe('Requests to the suspect.'),
  oldRequests: decimal.optional().describe('Requests to the release before it.'),
});
export type ObjectiveVerdict = z.infer<typeof objectiveVerdict>;

export const verdict = z.strictObject({
  result: result.describe('Guilty: some objective is. NotGuilty: all are. Inconclusive otherwise.'),
  reason: z.string().max(128).describe('Why: one of the reasons below.'),
  message: z.string().max(4096).describe('The same in words, with the figures.'),
  time: time.describe('When it was found.'),
  objectives: z
    .array(objectiveVerdict)
    .max(16)
    .optional()
    .describe('Each objective by itself. None where Prometheus was not asked.'),
});
export type Verdict = z.infer<typeof verdict>;

export const incidentPhase = z.enum([
  'Open', // evidence stored, not judged yet
  'Judging', // asked Prometheus at least once; asks again until a verdict or the evidence ends
  'RollingBack', // intent stored: the Hold is written or about to be
  'Verifying', // target applied; waiting for pods and for the burn to end
  'Recovered', // closed: the rollback helped
  'Dismissed', // closed without a recovery of ours: the reason says why
  'Observed', // closed: mode DryRun or Off; says what would have been done
]);
export type IncidentPhase = z.infer<typeof incidentPhase>;

export const incidentStatus = z.strictObject({
  observedGeneration,
  conditions: conditions.optional(),
  phase: incidentPhase
    .optional()
    .describe(
      'Summary of the conditions. Open and Judging: evidence is weighed. RollingBack: the Hold is written. Verifying: the target is applied. Recovered, Dismissed and Observed (mode DryRun or Off) are closed.',
    ),
  reason: z.string().max(128).optional().describe('Why it is in this phase: one of the reasons below.'),
  message: z.string().max(4096).optional().describe('The same in words.'),
  mode: rollbackMode.optional().describe('Of the policy when it was judged.'),
  verdict: verdict.optional().describe('What the comparison of the suspect with the release before it found.'),
  proposal: z
    .strictObject({ name: z.string().describe('Name of the Hold.'), spec: holdSpec.describe('Spec of the Hold.') })
    .optional()
    .describe(
      'Hold that would roll back. The controller creates it where the mode lets it; a person approves by creating exactly this Hold: metricops approve NAME.',
    ),
  target: suspect
    .extend({ snapshotRef: nameRef.describe('ControllerRevision with what was applied for it.') })
    .optional()
    .describe('Release that is rolled back to.'),
  holdRef: nameRef.optional().describe('Hold that rolls back: of this incident, or one that a person created.'),
  timeline: z
    .array(
      z.strictObject({
        time: time.describe('Since when.'),
        phase: incidentPhase.describe('The phase that began.'),
        reason: z.string().max(128).optional().describe('Why it began.'),
        message: z.string().max(1024).describe('The same in words.'),
      }),
    )
    .max(64)
    .optional()
    .describe('What happened, oldest first; the last 64 entries.'),
  rolledBackTime: time.optional().describe('When the target was applied.'),
  closedTime: time.optional().describe('When the incident ended.'),
  budgetSpentPercent: z
    .string()
    .max(32)
    .optional()
    .describe('Decimal, e.g. "0.42": part of the error budget that was spent from the start of the burn to recovery.'),
});

export interface Incident extends KubeObject {
  metadata: ObjectMeta;
  spec: z.infer<typeof incidentSpec>;
  status?: z.infer<typeof incidentStatus>;
}
export type IncidentSpec = z.infer<typeof incidentSpec>;
export type IncidentStatus = z.infer<typeof incidentStatus>;
