import { z } from 'zod';
import { duration } from './common.ts';

/** One field of a schedule: `*`, a value, or a range, each with a step, and lists of them. */
const field = (value: string): string => {
  const one = `(\\*|${value}(-${value})?)(/[1-9][0-9]?)?`;
  return `${one}(,${one})*`;
};
const MINUTE = '[0-5]?[0-9]';
const HOUR = '([01]?[0-9]|2[0-3])';
const DAY = '(0?[1-9]|[12][0-9]|3[01])';
const MONTH = '(0?[1-9]|1[0-2]|[A-Za-z]{3})';
const WEEKDAY = '([0-7]|[A-Za-z]{3})';
const SCHEDULE = new RegExp(`^${[MINUTE, HOUR, DAY, MONTH, WEEKDAY].map(field).join(' ')}$`);

/** A time in which nothing is rolled back without a person: by the calendar, as CronJobs and Argo CD's sync windows. */
export const freeze = z.strictObject({
  schedule: z
    .string()
    .regex(SCHEDULE)
    .max(128)
    .meta({
      patternMessage:
        'not a cron schedule: write minute, hour, day of the month, month and day of the week, e.g. "0 18 * * FRI"',
    })
    .describe(
      'When it begins, as the schedule of a CronJob: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday). Where day of the month and day of the week are both restricted, either suffices.',
    ),
  duration: duration.describe('How long it lasts, e.g. 62h.'),
  timeZone: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/)
    .max(64)
    .meta({ patternMessage: 'not the name of an IANA time zone: write e.g. Europe/Berlin or UTC' })
    .default('UTC')
    .describe(
      'IANA time zone of the schedule. It begins at the first moment in which the clocks there show the time, or are set past it.',
    ),
  reason: z.string().max(256).optional().describe('Why, for the people who wait, e.g. "year-end closing".'),
});
export type Freeze = z.infer<typeof freeze>;

/** As many as anybody can read. */
export const freezes = z.array(freeze).max(16).default([]);
