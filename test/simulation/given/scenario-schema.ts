import { z } from 'zod';

const SPAN = /^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/;
const span = z.string().regex(SPAN, 'a duration, e.g. 90s, 10m or 1h30m');
const time = z
  .string()
  .regex(
    /^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/,
    'a time before (-) or after the beginning of the story, e.g. -1h30m or 5m',
  );
const part = z.number().min(0).max(1);
const serviceName = z
  .string()
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, 'lower-case letters, digits and dashes')
  .max(40)
  .describe('Name of a Deployment.');

const service = z.strictObject({
  name: serviceName,
  target: z.number().gt(0).lt(100).default(99.9).describe('Percent of requests that are to succeed: its objective.'),
  pods: z.int().min(1).max(50).default(3),
  requestsPerSecond: z.number().positive().describe('Of all of its pods.'),
  dailySwing: part.default(0).describe('By which part the requests rise and fall over a day.'),
  errorRatio: part.default(0).describe('Part of its requests that fails in good times.'),
  calls: z
    .array(z.strictObject({ service: serviceName, passesOn: part.default(1) }))
    .default([])
    .describe('What it calls, and which part of the failures there it passes on.'),
  failuresAppearLate: z
    .boolean()
    .default(false)
    .describe('Its counter of failures begins with the first failure, as those of many client libraries do.'),
});

const surge = z.strictObject({
  service: serviceName,
  from: time,
  until: time,
  times: z.number().positive().describe('So many times the usual requests.'),
});

const release = z.strictObject({
  service: serviceName,
  at: time,
  rollout: span.default('1m').describe('From the first to the last new pod.'),
  pods: z
    .int()
    .min(0)
    .max(50)
    .optional()
    .describe('New pods that come to run: all; with fewer the rollout stands still.'),
  crashes: z.boolean().default(false).describe('Its pods crash again and again, and the old ones stay.'),
  configurationOnly: z.boolean().default(false).describe('The same pods read another configuration.'),
});

const effect = z
  .strictObject({
    ratio: part.describe('Part of the requests that it fails.'),
    service: serviceName.optional().describe('Only pods of this service.'),
    releases: z.array(z.int().min(1)).min(1).optional().describe('Only pods of these releases of the service.'),
    nodes: z.array(z.int().min(0)).min(1).optional().describe('Only pods on these nodes.'),
    from: time.default('0s'),
    until: time.optional(),
    ramp: span.optional().describe('It rises to its ratio in this time.'),
    on: span.optional().describe('It comes and goes: on for so long,'),
    off: span.optional().describe('then off for so long.'),
  })
  .describe('Fails requests of all pods that have what is said of them.');

/** One file of `npm run simulate -- --scenarios DIR`. */
export const scenario = z.strictObject({
  $schema: z.string().optional(),
  description: z.string().optional(),
  nodes: z.int().min(1).max(100).default(4).describe('Pods are spread over them at random.'),
  services: z.array(service).min(1).max(50).describe('All have run their release 1 for days when the story begins.'),
  traffic: z.array(surge).default([]).describe('Times with more or fewer requests than usual.'),
  releases: z
    .array(release)
    .default([])
    .describe('In the order of their times they are releases 2, 3 and so on of their service.'),
  fault: z.array(effect).describe('What goes wrong. A release that crashes needs none.'),
  gaps: z
    .array(z.strictObject({ from: time, until: time, service: serviceName.optional() }))
    .default([])
    .describe('Times in which nothing of the service, or of all, is scraped.'),
  foreignAlerts: z.int().min(0).max(1000).default(0).describe('Alerts of others that arrive with each delivery.'),
  until: time.default('2h').describe('End of the story.'),
  truth: z
    .strictObject({
      guilty: z
        .strictObject({ service: serviceName, releases: z.array(z.int().min(2)).min(1) })
        .nullable()
        .describe('The releases in which the fault is; null: no release is guilty, and nothing is to be rolled back.'),
    })
    .describe('What a rollback is measured by.'),
});

export type Scenario = z.infer<typeof scenario>;
