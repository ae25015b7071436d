import { parseDuration } from '../api/common.ts';
import type { Freeze } from '../api/freeze.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { type WallClock, wallClockOf } from './wall-clock.ts';

/** Nothing may be rolled back without a person now. */
export interface Frozen {
  /** Milliseconds since the epoch; undefined: no end is in sight. */
  until: number | undefined;
  /** E.g. `a change freeze (year-end closing)`. */
  what: string;
  /** False: one of the freezes can't be read. */
  isRead: boolean;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Between two days of a schedule, at most: the 29th of February of 2096, and that of 2104. */
const MAX_DAYS = 2_922;
/** No zone sets its clocks back by more. */
const SET_BACK_MS = 3 * 3_600_000;
/** So many windows are followed that touch one another. */
const MAX_WINDOWS = 100;

/**
 * Which change freeze it is now, and when it ends: windows that touch are one. One that can't be read never ends, rather
 * than that something is changed in it. undefined: none.
 *
 * @param now milliseconds since the epoch
 */
export const frozenAt = (freezes: readonly Freeze[], now: number): Frozen | undefined => {
  const problem = problemOf(freezes);
  if (problem !== undefined)
    return { until: undefined, what: `a change freeze that can't be read (${problem})`, isRead: false };
  const windows = freezes.map((freeze) => ({ freeze, endAfter: windowsOf(freeze) }));
  const found = windows.find(({ endAfter }) => endAfter(now) !== undefined);
  if (!found) return undefined;
  const { reason } = found.freeze;
  const what = `a change freeze${reason === undefined ? '' : ` (${reason})`}`;
  let until = now;
  for (let i = 0; i < MAX_WINDOWS; i += 1) {
    const ends = windows.flatMap(({ endAfter }) => endAfter(until) ?? []);
    if (ends.length === 0) return { until, what, isRead: true };
    until = Math.max(...ends);
  }
  return { until: undefined, what, isRead: true };
};

/** What can't be read of the first freeze that can't, in words; undefined: all can. */
export const problemOf = (freezes: readonly Freeze[]): string | undefined => {
  for (const freeze of freezes) {
    try {
      windowsOf(freeze);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return `freeze ${JSON.stringify(freeze.schedule)}: ${error.message}`;
    }
  }
  return undefined;
};

/** The end of the window that a time is in; undefined: it is in none. Throws RangeError on what can't be read. */
const windowsOf = ({ schedule, duration, timeZone }: Freeze): ((time: number) => number | undefined) => {
  const read = parseSchedule(schedule);
  const clock = wallClockOf(timeZone);
  const length = Math.min(parseDuration(duration), MAX_DAYS * DAY_MS);
  return (time) => {
    const began = lastStart(read, clock, time);
    return began !== undefined && time < began + length ? began + length : undefined;
  };
};

/** The last moment at or before a time in which it began; undefined: there was none for years. */
const lastStart = ({ minutes, isOn }: Schedule, clock: WallClock, time: number): number | undefined => {
  const now = clock.shows(time);
  // Set back, the clocks show again what was earlier.
  const isSetBack = now - clock.shows(time - SET_BACK_MS) < SET_BACK_MS;
  const last = isSetBack ? now + SET_BACK_MS : now;
  const today = Math.floor(last / DAY_MS);
  const latestFirst = minutes.toReversed();
  for (let day = today; day > today - MAX_DAYS; day -= 1) {
    if (!isOn(day)) continue;
    for (const minute of latestFirst) {
      const shown = day * DAY_MS + minute * MINUTE_MS;
      const start = shown > last ? undefined : clock.firstAt(shown);
      if (start !== undefined && start <= time) return start;
    }
  }
  return undefined;
};
