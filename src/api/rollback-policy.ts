import { z } from 'zod';
import { conditions, duration, observedGeneration, prometheusDuration } from './common.ts';
import { freezes } from './freeze.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { oneOf } from './union.ts';

/** One pair of windows of a multiwindow burn-rate alert (Google SRE workbook, chapter 5). */
export const burnWindow = z.strictObject({
  long: prometheusDuration.describe('Long window: the error ratio over this time counts.'),
  short: prometheusDuration.describe('Short window: the error ratio must be as high over this time, too.'),
  factor: z
    .string()
    .regex(/^(0\.[0-9]*[1-9][0-9]*|[1-9][0-9]{0,3}(\.[0-9]+)?)$/)
    .max(8)
    .meta({ patternMessage: 'factor is a positive decimal number in quotes, e.g. "14.4"' })
    .describe('Burn rate: the window burns where the error ratio is over factor × (1 − target).'),
  severity: z
    .enum(['page', 'ticket'])
    .default('page')
    .describe('How urgent an alert of this window is. A verdict does not depend on it.'),
});
export type BurnWindow = z.infer<typeof burnWindow>;

export const rollbackMode = z.enum(['Auto', 'Approve', 'DryRun', 'Off']);
export type RollbackMode = z.infer<typeof rollbackMode>;

/** What is kept of a release that is rolled back, for those who look for the cause. */
export const keptEvidence = z.strictObject({
  logs: z
    .boolean()
    .default(true)
    .describe(
      'Whether the last log lines of its pods are kept, in a Secret that belongs to the Incident: 50 lines of a container, 64 KiB in all.',
    ),
});

/** What may be done to a workload, and how often. */
export const guardrails = z.strictObject({
  mode: rollbackMode
    .default('DryRun')
    .describe(
      'Auto: roll back. Approve: roll back when a person agrees. DryRun: only say what would be rolled back. Off: only record.',
    ),
  countdown: duration
    .default('0s')
    .describe(
      'Mode Auto: so long after the verdict the rollback begins. Until then `metricops deny INCIDENT` cancels it, and so does a verdict that changes.',
    ),
  approval: z
    .strictObject({
      timeout: duration.describe('How long metricops waits for an answer, from the verdict on.'),
      action: z
        .enum(['Close', 'RollBack'])
        .default('Close')
        .describe(
          'Close: the incident ends without a rollback. RollBack: as in mode Auto; where the PlatformPolicy allows Auto, and no rule of another namespace is the evidence.',
        ),
    })
    .optional()
    .describe('Mode Approve: what happens without an answer. When left out, metricops keeps asking.'),
  freeze: freezes.describe(
    'Change freezes: in them mode Auto asks a person, as Approve does. What waits is decided again when they end.',
  ),
  scope: z
    .enum(['Workload', 'GitSync'])
    .default('Workload')
    .describe(
      'Workload: roll back the workload with the configuration that it references. GitSync: everything that its GitSync applied.',
    ),
  cooldown: duration
    .default('10m')
    .describe(
      'How long after a rollback of the workload there is no other one. At least as long as its alerts may fire on: their short window + alertDelay of the PlatformPolicy.',
    ),
  maxPerHour: z.int().min(1).max(60).default(3).describe('Rollbacks of the workload in any hour, at most.'),
  soak: duration.default('10m').describe('How long a release must be current and ready to count as good.'),
  maxReleaseAge: duration
    .default('24h')
    .describe(
      'A release that ran longer than this before the burn began is suspected only where its pods fail more requests than those of another release in the same minutes.',
    ),
  minRequests: z
    .int()
    .min(1)
    .default(20)
    .describe('With fewer requests than this to the pods of a release the verdict is Inconclusive.'),
  minScore: z
    .int()
    .min(3)
    .max(6)
    .default(3)
    .describe(
      'Points of evidence that a Guilty verdict needs. A burn that began within 15 minutes after the release was ready, or within 30 where an alerting rule alone is the evidence: 3; more failed requests than the release before it, in the same minutes: 6, before and after: 2; slower pods than those of the release before it, in the same minutes: 4; failures that rise slowly long after the release while others are well: 5. Evidence for the release counts against that.',
    ),
  verifyTimeout: duration.default('10m').describe('How long recovery may take before the incident needs a person.'),
  onMisjudged: z
    .enum(['Ask', 'PutBack'])
    .default('Ask')
    .describe(
      'When the restored release burns the error budget as well after verifyTimeout. Ask: a person decides. PutBack: the newer release runs again on probation; in mode Auto, for a workload of a GitSync, once for an incident, and counted as a rollback.',
    ),
  onImagePullError: z
    .enum(['Ask', 'OlderRelease', 'PutBack'])
    .default('Ask')
    .describe(
      'When no pod of the restored release gets its image, 30 s after the rollback. Ask: a person decides. OlderRelease: one release further back. PutBack: the newer release runs again on probation, as in onMisjudged. By itself in mode Auto, once for an incident, and counted as a rollback.',
    ),
  evidence: keptEvidence
    .optional()
    .describe('What is kept of a release that is rolled back. When left out, all of it.'),
});
export type Guardrails = z.infer<typeof guardrails>;

const promQL = z.string().min(1).max(8192);

const matchLabels = z.record(z.string(), z.string()).describe('Labels, all of which it has.');

const podLabel = z
  .string()
  .max(128)
  .default('pod')
  .describe('Label that holds the pod name, to compare releases; set to "" where the metric has none.');

/** How an objective is measured. */
const indicator = oneOf({
  ratio: z
    .strictObject({
      errors: promQL.describe(
        'PromQL for the rate of bad events; $window stands for the range, e.g. sum(rate(http_requests_total{code=~"5.."}[$window])).',
      ),
      total: promQL.describe('PromQL for the rate of all events, with $window.'),
      podLabel,
    })
    .optional()
    .describe('Bad events as a part of all events.'),
  latency: z
    .strictObject({
      histogram: z
        .string()
        .regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/)
        .max(256)
        .meta({ patternMessage: 'histogram is the name of a metric, e.g. http_request_duration_seconds' })
        .describe('Name of a histogram with buckets, without _bucket, e.g. http_request_duration_seconds.'),
      matchLabels: matchLabels.default({}),
      threshold: z
        .string()
        .regex(/^([1-9][0-9]{0,8}(\.[0-9]{1,6})?|0\.[0-9]{0,6}[1-9][0-9]*)$/)
        .max(16)
        .meta({ patternMessage: 'threshold is a positive decimal number in quotes, e.g. "0.3"' })
        .describe(
          'A request that takes longer counts as failed. One of the bounds (le) of the buckets, in the unit of the metric, e.g. "0.3".',
        ),
      podLabel,
    })
    .optional()
    .describe('Requests that take too long, as a part of all requests.'),
});

const alerts = z.strictObject({ matchLabels }).meta({
  'x-kubernetes-validations': [
    {
      rule: 'self.matchLabels.size() > 0',
      message: 'name at least one label: without any, no alert would match',
    },
  ],
});

export const objective = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .max(63)
      .meta({ patternMessage: 'the name of an objective is lower case letters, digits and -' })
      .describe('Names the objective in verdicts; unique in the policy.'),
    target: z
      .string()
      .regex(/^([1-9][0-9]?(\.[0-9]{1,6})?|0\.[0-9]*[1-9][0-9]*)$/)
      .max(9)
      .meta({ patternMessage: 'target is a percentage between 0 and 100 in quotes, e.g. "99.9"' })
      .optional()
      .describe('Percent of good events, e.g. "99.9".'),
    window: prometheusDuration.optional().describe('Period of the error budget; 30d when left out.'),
    indicator: indicator.optional().describe('How it is measured: exactly one of ratio and latency.'),
    burnWindows: z
      .array(burnWindow)
      .max(8)
      .optional()
      .describe('When left out, those of the SRE workbook, scaled to the window.'),
    objectiveRef: z
      .strictObject({
        apiVersion: z.string().min(1).max(253).describe('Of its kind.'),
        kind: z.string().min(1).max(63).describe('Its kind.'),
        name: z.string().min(1).max(253).describe('Its name.'),
      })
      .optional()
      .describe(
        "An objective that another tool owns, in this namespace: Sloth's PrometheusServiceLevel, Pyrra's ServiceLevelObjective. It is accepted and not read yet: its verdict is Inconclusive.",
      ),
    alerts: alerts
      .optional()
      .describe(
        'Alerts with all of these labels report its burn (Sloth, Pyrra, Grafana or hand-written rules). Without target and indicator, the expression of the firing rule is evaluated again.',
      ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.target) == has(self.indicator)',
        message: 'target and indicator go together: set both, or neither',
      },
      {
        rule: 'has(self.indicator) || !(has(self.window) || has(self.burnWindows))',
        message: 'window and burnWindows belong to a target with an indicator',
      },
      {
        rule: 'has(self.indicator) || has(self.objectiveRef) || has(self.alerts)',
        message: 'set target and indicator, or objectiveRef, or alerts: without them nothing can be judged',
      },
      {
        rule: '!has(self.objectiveRef) || !(has(self.indicator) || has(self.alerts))',
        message: 'objectiveRef stands alone: the object that it names says the rest',
      },
    ],
  });
export type Objective = z.infer<typeof objective>;

/** An objective that can be counted. */
export type MeasuredObjective = Objective & { target: string; indicator: NonNullable<Objective['indicator']> };

export const isMeasured = (one: Objective): one is MeasuredObjective =>
  one.target !== undefined && one.indicator !== undefined;

export const rollbackPolicySpec = z
  .strictObject({
    targetRef: z
      .strictObject({
        apiVersion: z.string().min(1).max(253).default('apps/v1').describe('Of its kind.'),
        kind: z
          .string()
          .min(1)
          .max(63)
          .default('Deployment')
          .describe('Deployment, StatefulSet or DaemonSet; with others the condition Ready is False.'),
        name: z.string().min(1).max(253).describe('Its name.'),
      })
      .optional()
      .describe('The workload that the policy guards, in its namespace.'),
    selector: z
      .strictObject({ matchLabels: matchLabels.default({}) })
      .optional()
      .describe(
        "Guards the workloads of its namespace that have these labels and that no policy names by targetRef. Empty matchLabels: all of them, the namespace's default.",
      ),
    ...guardrails.shape,
    objectives: z
      .array(objective)
      .max(16)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe(
        'Each is judged by itself; one that is Guilty suffices. With none, the expression of the firing alert rule is evaluated again.',
      ),
  })
  .meta({
    'x-kubernetes-validations': [
      { rule: 'has(self.targetRef) != has(self.selector)', message: 'set exactly one of targetRef and selector' },
    ],
  });
export type RollbackPolicySpec = z.infer<typeof rollbackPolicySpec>;

export const rollbackPolicyStatus = z.strictObject({
  observedGeneration,
  conditions: conditions
    .optional()
    .describe(
      'Ready: whether a burn that began now would be judged and acted on. Overridden: another policy counts. Measured: Prometheus has the requests of its objectives. AlertsReach: a rule reports a burn, and its alerts arrive.',
    ),
});

export interface RollbackPolicy extends KubeObject {
  metadata: ObjectMeta;
  spec: RollbackPolicySpec;
  status?: z.infer<typeof rollbackPolicyStatus>;
}
export type RollbackPolicyStatus = z.infer<typeof rollbackPolicyStatus>;
