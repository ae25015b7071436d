/** The clocks of a time zone. What they show is in milliseconds, as if it was the time of day in UTC. */
export interface WallClock {
  /** What they show at a time in milliseconds since the epoch. */
  shows(time: number): number;
  /** The first moment in which they show this, or are set past it: a whole minute. */
  firstAt(shown: number): number;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** @param timeZone IANA name; throws RangeError where there is none of that name */
export const wallClockOf = (timeZone: string): WallClock => {
  const format = formatOf(timeZone);
  const shows = (time: number): number => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  };
  const offsetAt = (time: number): number => shows(time) - time;
  return {
    shows,
    firstAt(shown) {
      // No zone changes its clocks twice within two days.
      const [before, after] = [offsetAt(shown - DAY_MS), offsetAt(shown + DAY_MS)];
      const times = [shown - before, shown - after].filter((time) => shows(time) === shown);
      // What comes twice, when the clocks are set back, counts the first time.
      if (times.length > 0) return Math.min(...times);
      return jumpBetween(shown - after, shown - before, (time) => shows(time) >= shown);
    },
  };
};

/** The first whole minute in which it is true: it is not at the first of two times, and is at the second. */
const jumpBetween = (no: number, yes: number, isTrue: (time: number) => boolean): number => {
  let [low, high] = [no, yes];
  while (high - low > MINUTE_MS) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS;
    if (isTrue(middle)) high = middle;
    else low = middle;
  }
  return high;
};

const formatOf = (timeZone: string): Intl.DateTimeFormat => {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (cause) {
    throw new RangeError(`there is no time zone ${JSON.stringify(timeZone)}`, { cause });
  }
};
