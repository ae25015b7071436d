/** When something begins, by the wall clock. */
export interface Schedule {
  /** Of a day on which it begins, counted from midnight, ascending. */
  minutes: readonly number[];
  /** @param day counted from 1970-01-01, as the calendar has it */
  isOn(day: number): boolean;
}

const DAY_MS = 86_400_000;

/**
 * A schedule of cron: minute, hour, day of the month, month, day of the week, as robfig/cron and so Kubernetes' CronJob
 * read it; 7 is Sunday, too. Throws RangeError with what can't be read.
 */
export const parseSchedule = (text: string): Schedule => {
  const fields = text.trim().split(/\s+/);
  const [minute = '', hour = '', dayOfMonth = '', month = '', weekday = ''] = fields;
  if (fields.length !== 5) throw new RangeError(`${JSON.stringify(text)} has ${fields.length} fields, not five`);
  const [minutes, hours] = [valuesOf(minute, MINUTE), valuesOf(hour, HOUR)];
  const [days, months] = [valuesOf(dayOfMonth, DAY), valuesOf(month, MONTH)];
  const weekdays = new Set([...valuesOf(weekday, WEEKDAY)].map((value) => value % 7));
  // cron(5): where both are restricted, either suffices.
  const isEither = dayOfMonth !== '*' && weekday !== '*';
  return {
    minutes: [...hours].flatMap((h) => [...minutes].map((m) => h * 60 + m)).toSorted((a, b) => a - b),
    isOn(day) {
      const date = new Date(day * DAY_MS);
      const [isDay, isWeekday] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())];
      return months.has(date.getUTCMonth() + 1) && (isEither ? isDay || isWeekday : isDay && isWeekday);
    },
  };
};

interface Field {
  what: string;
  min: number;
  max: number;
  /** Where a range without an end stops, where that is not max. */
  end?: number;
  /** Of the values from min on. */
  names?: readonly string[];
}

const MINUTE: Field = { what: 'minute', min: 0, max: 59 };
const HOUR: Field = { what: 'hour', min: 0, max: 23 };
const DAY: Field = { what: 'day of the month', min: 1, max: 31 };
const MONTH: Field = {
  what: 'month',
  min: 1,
  max: 12,
  names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
};
const WEEKDAY: Field = {
  what: 'day of the week',
  min: 0,
  max: 7,
  end: 6,
  names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
};

const valuesOf = (text: string, field: Field): Set<number> =>
  new Set(text.split(',').flatMap((part) => rangeOf(part, field)));

/** `*`, `5`, `1-5`, each with a step: one value with a step goes on to the end of the field. */
const rangeOf = (part: string, field: Field): number[] => {
  const { what, min, max, end = max } = field;
  const [, first = '', last, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
  const from = first === '*' ? min : numberOf(first, field);
  const isOpen = first === '*' || step !== undefined;
  const to = last !== undefined ? numberOf(last, field) : isOpen ? end : from;
  const by = Number(step ?? 1);
  if (!(min <= from && from <= to && to <= max && by >= 1))
    throw new RangeError(`${JSON.stringify(part)} is no ${what} from ${min} to ${max}`);
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => from + i * by);
};

/** NaN where it is none. */
const numberOf = (text: string, { min, names = [] }: Field): number => {
  const named = names.indexOf(text.toUpperCase());
  return named >= 0 ? min + named : /^\d+$/.test(text) ? Number(text) : Number.NaN;
};
