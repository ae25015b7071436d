import { z } from 'zod';

const name = z
  .string()
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, 'lower-case letters, digits and dashes')
  .max(40);
const time = z.iso.datetime({ offset: true });
const count = z.number().min(0);
const seconds = z.number().min(0);

/** One line of series.csv. A cell may be empty: nothing is known of it. */
export const seriesRow = z.strictObject({
  time: time.describe('End of the interval that was counted. Lines of a pod are in the order of their times.'),
  service: name,
  pod: z.string().max(200).optional().describe('Empty or no such column: all pods of the service together.'),
  release: z.string().max(200).optional().describe('Of the pod, as releases.json calls it.'),
  requests: count.optional().describe('Since the line of the pod before this one.'),
  errors: count.optional().describe('Of these requests, those that failed.'),
  p50: seconds
    .optional()
    .describe('Quantile of the latency in seconds. Read, and not judged: no objective is about it yet.'),
  p90: seconds.optional(),
  p99: seconds.optional(),
});

/** releases.json */
export const recordedReleases = z.strictObject({
  $schema: z.string().optional(),
  releases: z.array(
    z.strictObject({
      service: name,
      release: z.string().min(1).max(200).describe('As series.csv calls it.'),
      at: time.describe('When it was deployed.'),
      readyAt: time
        .nullable()
        .optional()
        .describe(
          'When all of its pods were ready; null: never. A minute after it was deployed where nothing is said.',
        ),
      configurationOnly: z.boolean().default(false).describe('The same pods read another configuration.'),
    }),
  ),
});

/** graph.json */
export const recordedGraph = z.strictObject({
  $schema: z.string().optional(),
  services: z
    .array(
      z.strictObject({
        name,
        target: z
          .number()
          .gt(0)
          .lt(100)
          .default(99.9)
          .describe('Percent of requests that are to succeed: its objective.'),
        calls: z.array(name).default([]).describe('Services that it calls.'),
      }),
    )
    .min(1)
    .max(50),
});

/** truth.json */
export const recordedTruth = z.strictObject({
  $schema: z.string().optional(),
  description: z.string().optional(),
  guilty: z
    .strictObject({ service: name, releases: z.array(z.string()).min(1) })
    .nullable()
    .describe('The releases in which the fault was; null: no release was guilty, and nothing is to be rolled back.'),
});

export type SeriesRow = z.infer<typeof seriesRow>;
export type RecordedRelease = z.infer<typeof recordedReleases>['releases'][number];
export type RecordedService = z.infer<typeof recordedGraph>['services'][number];
