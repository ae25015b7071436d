import { z } from 'zod';

const MAX_DURATION = 32;
const DURATION = /^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/;
const PROMETHEUS_DURATION =
  /^([1-9][0-9]*y)?([1-9][0-9]*w)?([1-9][0-9]*d)?([1-9][0-9]*h)?([1-9][0-9]*m)?([1-9][0-9]*s)?([1-9][0-9]*ms)?$/;

/** metav1.Duration, as Go's time.ParseDuration reads it (and Flux's schemas allow it): 90s, 10m, 1h30m, 1.5h. Go knows no days. */
export const duration = z
  .string()
  .regex(DURATION)
  .max(MAX_DURATION)
  .meta({ patternMessage: 'not a duration: write e.g. 90s, 10m or 1h30m; a day is 24h' });

/** A window as PromQL writes it: whole numbers, the largest unit first. 5m, 1h30m, 30d. */
export const prometheusDuration = z
  .string()
  .regex(PROMETHEUS_DURATION)
  .min(2)
  .max(MAX_DURATION)
  .meta({ patternMessage: 'not a Prometheus duration: write e.g. 5m, 1h30m or 30d, the largest unit first' });

/** Of an object in the same namespace: there is no way to write another one. */
export const localName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
  .meta({ patternMessage: 'the name of an object of this namespace: lower case, digits, - and .' });

/** A reference to an object of the same namespace whose kind the field's name says. */
export const nameRef = z.strictObject({ name: z.string().min(1).max(253).describe('Its name.') });

/** Of every status. */
export const observedGeneration = z
  .int()
  .min(0)
  .optional()
  .describe('Generation of the spec that the status is about.');

export const time = z.iso.datetime().meta({ format: 'date-time' });

/** meta/v1 Condition. */
export const condition = z.strictObject({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.int().min(0).optional(),
  lastTransitionTime: time,
  reason: z.string().min(1).max(1024),
  message: z.string().max(32768),
});
export type Condition = z.infer<typeof condition>;

export const conditions = z
  .array(condition)
  .max(32)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });

export const digest = z
  .string()
  .regex(/^(v[0-9]+|live[0-9]+):[0-9a-f]{64}$/)
  .max(80);

const DAY_MS = 86_400_000;
/** A year has 365 days, as Prometheus counts. */
const UNITS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: DAY_MS,
  w: 7 * DAY_MS,
  y: 365 * DAY_MS,
};

const sumOf = (text: string): number => {
  let total = 0;
  for (const [, value, unit = ''] of text.matchAll(/([0-9]+(?:\.[0-9]+)?)([a-z]+)/g))
    total += Number(value) * (UNITS[unit] ?? 0);
  return total;
};

/** Text of a `duration` → milliseconds. Throws RangeError on text that the schema would refuse. */
export const parseDuration = (text: string): number => {
  // As the schema, without what it costs: every look at an incident reads several.
  if (DURATION.test(text) && text.length <= MAX_DURATION) return sumOf(text);
  throw new RangeError(`not a duration: ${JSON.stringify(text)}; write e.g. 90s, 10m or 1h30m`);
};

/** Text of a `prometheusDuration` → milliseconds. Throws RangeError on text that the schema would refuse. */
export const parsePrometheusDuration = (text: string): number => {
  if (PROMETHEUS_DURATION.test(text) && text.length >= 2 && text.length <= MAX_DURATION) return sumOf(text);
  throw new RangeError(`not a Prometheus duration: ${JSON.stringify(text)}; write e.g. 5m, 1h30m or 30d`);
};

const LEAST_INTERVAL_MS = 5_000;
const TOO_OFTEN = 'an interval is at least 5s';

/** How often something is asked for. What is no duration at all, the pattern refuses with its own words. */
export const interval = duration
  .refine((text) => !duration.safeParse(text).success || parseDuration(text) >= LEAST_INTERVAL_MS, TOO_OFTEN)
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "!self.matches(r'^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') || duration(self) >= duration('5s')",
        message: TOO_OFTEN,
      },
    ],
  });
