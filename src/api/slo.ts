import { z } from 'zod';
import { conditions, duration, prometheusDuration, time } from './common.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { workloadRef } from './workload.ts';

/** One pair of windows of a multiwindow burn-rate alert (Google SRE workbook, chapter 5). */
export const burnWindow = z.strictObject({
  long: prometheusDuration,
  short: prometheusDuration,
  factor: z.number().min(0.01).max(10000).describe('Fire when both windows burn faster than factor × (1 − objective).'),
  severity: z.enum(['page', 'ticket']).default('page'),
});
export type BurnWindow = z.infer<typeof burnWindow>;

export const rollbackMode = z.enum(['Auto', 'Approve', 'DryRun', 'Off']);
export type RollbackMode = z.infer<typeof rollbackMode>;

export const rollbackPolicy = z.strictObject({
  mode: rollbackMode.default('DryRun').describe('Auto rolls back; DryRun says what it would do; Off only records.'),
  scope: z.enum(['Workload', 'GitSync']).default('Workload'),
  cooldown: duration.default('10m').describe('After a rollback of this workload, how long no other is made.'),
  maxPerHour: z.int().min(1).max(60).default(3).describe('Rollbacks of this workload in any hour.'),
  soak: duration.default('10m').describe('How long a release must be current and ready to count as good.'),
  maxReleaseAge: duration
    .default('24h')
    .describe('A release older than this at the start of the burn is not suspected.'),
  minRequests: z.int().min(1).default(20).describe('Fewer requests than this in the judged window: Inconclusive.'),
  verifyTimeout: duration.default('10m').describe('How long recovery may take before a person is needed.'),
});
export type RollbackPolicy = z.infer<typeof rollbackPolicy>;

export const sloSpec = z
  .strictObject({
    targetRef: workloadRef.describe('Whom this objective guards.'),
    objective: z.number().gt(0).lt(100).describe('Percent of good events, e.g. 99.9.'),
    window: prometheusDuration.default('30d').describe('Period of the error budget.'),
    indicator: z
      .strictObject({
        errors: z
          .string()
          .min(1)
          .max(8192)
          .describe(
            'PromQL for the rate of bad events; $window stands for the range, e.g. sum(rate(http_requests_total{code=~"5.."}[$window])).',
          ),
        total: z.string().min(1).max(8192).describe('PromQL for the rate of all events, with $window.'),
        podLabel: z
          .string()
          .max(128)
          .default('pod')
          .describe('Label that holds the pod name, to compare releases; set to "" where the metric has none.'),
      })
      .optional(),
    alerts: z
      .strictObject({ matchLabels: z.record(z.string(), z.string()) })
      .optional()
      .describe('Alerts with these labels belong to this objective (Sloth, Pyrra, Grafana or hand-written rules).'),
    burnWindows: z
      .array(burnWindow)
      .max(8)
      .optional()
      .describe('By default those of the SRE workbook, scaled to the window.'),
    policy: rollbackPolicy.default(() => rollbackPolicy.parse({})),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.indicator) || has(self.alerts)',
        message: 'set indicator, alerts, or both: without them nothing can be judged',
      },
    ],
  });
export type SloSpec = z.infer<typeof sloSpec>;

export const sloStatus = z.strictObject({
  observedGeneration: z.int().min(0).optional(),
  conditions: conditions.optional(),
  lastAlert: time.optional(),
  burnRate: z
    .number()
    .optional()
    .describe('Error ratio over the short window of the fastest pair, divided by 1 − objective.'),
});

export interface ServiceLevelObjective extends KubeObject {
  metadata: ObjectMeta;
  spec: SloSpec;
  status?: z.infer<typeof sloStatus>;
}
