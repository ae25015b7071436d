import { z } from 'zod';

/** Go-style duration with days: 90s, 10m, 1h30m, 30d. */
export const duration = z
  .string()
  .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$/)
  .max(32)
  .meta({ patternMessage: 'not a duration: write e.g. 90s, 10m, 1h30m or 30d' });

/** Of an object in the same namespace: there is no way to write another one. */
export const localName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
  .meta({ patternMessage: 'the name of an object of this namespace: lower case, digits, - and .' });

/** A reference to an object of the same namespace whose kind the field's name says. */
export const nameRef = z.strictObject({ name: z.string().min(1).max(253) });

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

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Duration text → milliseconds. Throws RangeError on text that the schema would refuse. */
export const parseDuration = (text: string): number => {
  if (!duration.safeParse(text).success)
    throw new RangeError(`not a duration: ${JSON.stringify(text)}; write e.g. 90s, 10m, 1h30m, 30d`);
  let total = 0;
  for (const [, value, unit] of text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)/g)) {
    total += Number(value) * (UNITS[unit ?? ''] ?? 0);
  }
  return total;
};

const LEAST_INTERVAL_MS = 5_000;
const TOO_OFTEN = 'an interval is at least 5s';

/** How often something is asked for. Kubernetes' CEL knows no days; what is no duration, the rule of durations says. */
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
