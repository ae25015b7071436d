import { z } from 'zod';
import { conditions, digest, duration, localName, nameRef, observedGeneration, time } from './common.ts';
import { holdSpec } from './hold.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { rollbackMode } from './rollback-policy.ts';
import { workloadRef } from './workload.ts';

const link = z.string().max(2048);

/** As the alert has them. Nobody but the reader follows them. */
export const alertLinks = z.strictObject({
  generatorURL: link.optional().describe('Expression of the alert in Prometheus.'),
  runbookURL: link.optional().describe('Annotation runbook_url.'),
  dashboardURL: link.optional().describe('Annotation dashboard_url.'),
});
export type AlertLinks = z.infer<typeof alertLinks>;

/** One alert as delivered. It is written again only when something about it changed. */
export const evidence = z.strictObject({
  source: z
    .enum(['Alertmanager', 'Rollout'])
    .describe('Who reported it. Rollout: the pods of the release crash, or did not get ready in time.'),
  fingerprint: z.string().max(128).describe('Hash of the labels of the alert.'),
  alert: z.string().max(256).describe('alertname.'),
  status: z.enum(['firing', 'resolved']).describe('As Alertmanager delivered it last.'),
  labels: z.record(z.string(), z.string()).describe('Labels of the alert.'),
  links: alertLinks.optional().describe('Links of the alert, for people: metricops requests none of them.'),
  startsAt: time.optional().describe('As the alert says: the earliest time since it fires, and none that is to come.'),
  latestStartTime: time
    .optional()
    .describe(
      'The latest time that a delivery gave for startsAt, where they differ: what ended before was another alert.',
    ),
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

const counts = z.strictObject({
  errors: decimal.describe('Failed requests.'),
  requests: decimal.describe('All requests.'),
});

/** Which releases are compared, where it is not the suspect with the release before it. */
const compared = z.strictObject({
  oldest: z
    .int()
    .min(1)
    .describe('Number of the oldest release that is measured: of all from it to the suspect, as one.'),
  newest: z.int().min(1).describe('Number of the suspect.'),
  newestTime: time.describe('Since when the suspect is current.'),
  before: z.int().min(1).describe('Number of the release that they are compared with.'),
});
const latencies = z.strictObject({
  values: z.int().describe('How many: one for each pod and minute.'),
  median: decimal.describe('In the unit of the metric.'),
});
const podCounts = counts.extend({ pods: z.int().describe('How many.') });

/** Every number that a verdict rests on. What is missing was not to be had. */
export const measurement = z.strictObject({
  releasedTime: time.describe('Since when the release is current.'),
  readyTime: time.describe('Since when all of its pods were ready; since when it is current, where they never were.'),
  alertTime: time.describe('When the first alert began.'),
  maxReleaseAge: duration.describe('Of the policy when it was judged.'),
  minRequests: z.int().describe('Of the policy when it was judged.'),
  minScore: z.int().describe('Of the policy when it was judged.'),
  compared: compared
    .optional()
    .describe(
      'Where releases came shortly after one another: which of them are compared with which. None: the suspect with the release before it.',
    ),
  check: z
    .strictObject({
      name: z.string().max(512).describe('The hook, e.g. "Job shop/smoke".'),
      reason: z.string().max(128).describe('Why it failed, in one word.'),
      finishTime: time.describe('When it ended.'),
    })
    .optional()
    .describe('A PostSync hook of the commit that brought the release, which failed. None where all passed.'),
  ratio: z
    .strictObject({
      threshold: decimal.describe('Error ratio above which the error budget burns.'),
      resolutionSeconds: z.int().describe('How exactly the course is known.'),
      untilTime: time.optional().describe('Until when it was counted.'),
      slowerThan: z
        .string()
        .max(32)
        .optional()
        .describe('Of a latency: a request that takes longer counts as failed, e.g. "0.3 s".'),
      release: counts.optional().describe('The release, since it is current or since the burn began.'),
      beside: z
        .strictObject({
          release: counts.describe('The release, in the minutes in which both had requests.'),
          other: counts.describe('The release before it, in the same minutes.'),
        })
        .optional()
        .describe('Both releases in the same minutes, since the burn began. None where only one of them had requests.'),
      early: counts.optional().describe('The release, before the burn began. None where it had no requests before.'),
      before: counts
        .optional()
        .describe(
          'What was current in the five minutes before the release; where these had too few requests to decide, in the hour.',
        ),
      traffic: z
        .strictObject({
          before: counts.describe(
            'Each second from ten to five minutes before the burn; of all that is known before, where these had few requests; of the last five, where no more is known.',
          ),
          since: counts.describe('Each second since.'),
        })
        .optional()
        .describe('Requests to all pods. None where nothing is recorded of before or since.'),
      rise: z
        .strictObject({
          seconds: z.int().describe('How long the error ratio most likely rose.'),
          leastSeconds: z.int().describe('How long at least: a shorter rise is ruled out. 0: it may have been a step.'),
          requests: decimal.describe('Requests since then, as a multiple of those before.'),
          first: z
            .strictObject({
              requests: decimal.describe('Requests, as a multiple of what was usual some minutes before.'),
              lead: decimal.describe('The same just before: a surge comes before what it overruns fails.'),
              errorRatio: decimal.describe('Part of the requests that failed.'),
            })
            .optional()
            .describe('As it began to rise.'),
          last: z
            .strictObject({
              requests: decimal.describe('Requests, as such a multiple.'),
              errorRatio: decimal.describe('Part of the requests that failed.'),
            })
            .optional()
            .describe('The last minutes: a surge that is over causes nothing that goes on.'),
        })
        .optional()
        .describe('How the error ratio of the release rose, where the burn began more than 30 minutes after it.'),
      latencies: z
        .strictObject({
          release: latencies.describe('Of the release.'),
          other: latencies.describe('Of the release before it, in the same minutes.'),
          u: decimal.describe('Mann–Whitney U: pairs of which the one of the release is slower, equal ones by half.'),
          ties: decimal.describe('Σ (t³ − t), over values that t of them share.'),
        })
        .optional()
        .describe(
          'Of a latency: mean latency of each pod in each minute since the burn began. Measured where too few requests were slow to decide.',
        ),
      pods: z
        .strictObject({
          burning: podCounts
            .extend({ nodes: z.array(z.string().max(253)).max(8).describe('Nodes that they run on, as far as known.') })
            .describe('Those that surely burn.'),
          well: podCounts.describe('Those that surely fail less than a fourth of that.'),
          byAge: z.boolean().describe('Each that burns is older than each that is well.'),
        })
        .optional()
        .describe(
          'Pods of the release by themselves, in the last minutes of the burn. Measured before a release is called Guilty.',
        ),
      course: z
        .array(counts.extend({ time: time.describe('Since when.') }))
        .max(12)
        .describe('The error ratio over time: an entry where it changed, oldest first.'),
    })
    .optional()
    .describe('Of an objective with an indicator.'),
  rule: z
    .strictObject({
      fires: z.boolean().describe('Whether it has a result now.'),
      sinceTime: time.optional().describe('Since when it has one without a gap, as far as it was evaluated.'),
      fromTime: time.describe('The earliest time for which it was evaluated.'),
    })
    .optional()
    .describe('The expression of the rule behind the alerts, where there is no indicator.'),
  neighbours: z
    .array(
      z.strictObject({
        name: z.string().max(253).describe('Name of the workload.'),
        alertTime: time.optional().describe('When its first alert began.'),
        errorRatio: decimal
          .optional()
          .describe('Part of its requests that failed since the burn began, where that was measured.'),
        dependency: z.boolean().optional().describe('The workload of the incident depends on it.'),
        sameNodes: z
          .boolean()
          .optional()
          .describe('Only those of its pods burn that share a node with the burning pods of the release.'),
      }),
    )
    .max(8)
    .optional()
    .describe('Other workloads of the namespace that burn, too: by their alerts, or as it was measured.'),
  byNode: z
    .array(
      z.strictObject({
        name: z.string().max(253).describe('Name of the workload.'),
        here: counts.describe('On nodes on which the release burns.'),
        elsewhere: counts.describe('On other nodes.'),
      }),
    )
    .max(8)
    .optional()
    .describe(
      'Pods of other workloads of the namespace that run on the nodes on which the release burns, and pods of the same release of theirs on other nodes.',
    ),
  well: z.int().optional().describe('Other workloads of the namespace that were measured and do not burn.'),
});
export type Measurement = z.infer<typeof measurement>;

export const verdictEvidence = z.strictObject({
  name: z
    .enum([
      'SideBySide',
      'Latency',
      'BeforeAfter',
      'Onset',
      'Rise',
      'Pods',
      'Nodes',
      'Neighbours',
      'Dependencies',
      'Traffic',
      'Check',
    ])
    .describe('What was compared.'),
  points: z.int().describe('Positive: against the release. Negative: for it. 0: it decides nothing.'),
  message: z.string().max(512).describe('The same in words, with the figures.'),
});
export type VerdictEvidence = z.infer<typeof verdictEvidence>;

const sinceRelease = z
  .int()
  .min(1)
  .describe(
    'Number of the release with which the burn began, where that is an older one than the suspect: both are rolled back.',
  );

/** What was found for one objective of the policy. */
export const objectiveVerdict = z.strictObject({
  name: z.string().max(63).describe('Of the objective; `alerts` where the policy has none.'),
  result: result.describe('Guilty: the suspect burns it, and the evidence has minScore points or more against it.'),
  reason: z.string().max(128).describe('Why: one of the reasons below.'),
  message: z.string().max(1024).describe('The same in words, with the figures.'),
  query: z.string().max(8192).optional().describe('The expression that was evaluated.'),
  newErrorRatio: decimal.optional().describe('Of the suspect, e.g. "0.2".'),
  oldErrorRatio: decimal.optional().describe('Of the release before it.'),
  newRequests: decimal.optional().describe('Requests to the suspect.'),
  oldRequests: decimal.optional().describe('Requests to the release before it.'),
  score: z.int().optional().describe('Sum of the points of its evidence.'),
  evidence: z.array(verdictEvidence).max(11).optional().describe('What speaks against the release, and what for it.'),
  measured: measurement
    .optional()
    .describe('Every number that the verdict rests on: the same numbers give the same verdict again.'),
  sinceRelease: sinceRelease.optional(),
});
export type ObjectiveVerdict = z.infer<typeof objectiveVerdict>;

export const verdict = z.strictObject({
  result: result.describe('Guilty: some objective is. NotGuilty: all are. Inconclusive otherwise.'),
  reason: z.string().max(128).describe('Why: one of the reasons below.'),
  message: z.string().max(4096).describe('The same in words, with the figures.'),
  time: time.describe('When it was found.'),
  sinceRelease: sinceRelease.optional(),
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
  dueTime: time
    .optional()
    .describe(
      'When metricops goes on without an answer: reason Countdown: it rolls back. AwaitingApproval: it does what the policy says in approval.action. ChangeFreeze, Silenced: it decides again.',
    ),
  misjudgedTime: time
    .optional()
    .describe('When it was found that the restored release burns the error budget as well: the verdict was wrong.'),
  correction: z
    .strictObject({
      action: z
        .enum(['PutBack', 'OlderRelease'])
        .describe('PutBack: the newer release runs again, on probation. OlderRelease: one release further back.'),
      time: time.describe('When it was decided.'),
    })
    .optional()
    .describe('What metricops did because the rollback did not help. Once at most, and counted as a rollback.'),
  logs: z
    .strictObject({
      secretRef: nameRef
        .optional()
        .describe('Secret of type metricops.dev/logs that has them, under the key `log`. None where there is no log.'),
      time: time.describe('When they were read.'),
      message: z
        .string()
        .max(1024)
        .describe('Of which pods they are, how their containers ended, and what is missing.'),
    })
    .optional()
    .describe(
      'Last log lines of the pods of the suspect. They are read once: beside the Hold, or with the proposal where a person is asked.',
    ),
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
