import { parsePrometheusDuration } from '../api/common.ts';
import type { BurnWindow, Objective } from '../api/rollback-policy.ts';

/** Google SRE workbook, chapter 5, table 5-8, for a period of 30 days. */
const WORKBOOK = [
  { longMs: 3_600_000, shortMs: 300_000, factor: 14.4, severity: 'page' },
  { longMs: 21_600_000, shortMs: 1_800_000, factor: 6, severity: 'page' },
  { longMs: 86_400_000, shortMs: 7_200_000, factor: 3, severity: 'ticket' },
  { longMs: 259_200_000, shortMs: 21_600_000, factor: 1, severity: 'ticket' },
] as const;
const WORKBOOK_PERIOD_MS = 30 * 86_400_000;

const DEFAULT_PERIOD = '30d';

/** Period of the error budget, in milliseconds. */
export const periodOf = ({ window = DEFAULT_PERIOD }: Pick<Objective, 'window'>): number =>
  parsePrometheusDuration(window);

/** Windows of an objective in milliseconds: its own, or the workbook's scaled to its period (factors stay as they are). */
export const burnWindowsOf = ({
  window,
  burnWindows = [],
}: Pick<Objective, 'window' | 'burnWindows'>): {
  longMs: number;
  shortMs: number;
  factor: number;
  severity: BurnWindow['severity'];
}[] => {
  if (burnWindows.length > 0) {
    return burnWindows.map(({ long, short, factor, severity }) => ({
      longMs: parsePrometheusDuration(long),
      shortMs: parsePrometheusDuration(short),
      factor: Number(factor),
      severity,
    }));
  }
  const scale = periodOf(window === undefined ? {} : { window }) / WORKBOOK_PERIOD_MS;
  return WORKBOOK.map((w) => ({ ...w, longMs: w.longMs * scale, shortMs: w.shortMs * scale }));
};

/** 1 − S: the part of events that may fail. Target in percent. */
export const budgetOf = (target: number): number => (100 - target) / 100;

/** Error ratio above which a window burns: B·(1 − S). */
export const thresholdOf = (factor: number, target: number): number => factor * budgetOf(target);

/** A window whose threshold is 1 or more can never fire. */
export const canFire = (factor: number, target: number): boolean => thresholdOf(factor, target) < 1;

/** t = (1−S)/e · W · B: time from the first error until a window of W fires at a constant error ratio e; Infinity if never. */
export const detectMs = (options: { target: number; factor: number; longMs: number; errorRatio: number }): number => {
  const part = thresholdOf(options.factor, options.target) / options.errorRatio;
  return part < 1 ? part * options.longMs : Number.POSITIVE_INFINITY;
};

/** w·(1 − B(1−S)/e): time from the last error until the short window is quiet, when the outage lasted at least w. */
export const clearMs = (options: { target: number; factor: number; shortMs: number; errorRatio: number }): number =>
  Math.max(0, options.shortMs * (1 - thresholdOf(options.factor, options.target) / options.errorRatio));

/** e·t/((1−S)·P), in percent of the period's budget. */
export const budgetSpentPercent = (options: {
  errorRatio: number;
  durationMs: number;
  target: number;
  periodMs: number;
}): number => (100 * options.errorRatio * options.durationMs) / (budgetOf(options.target) * options.periodMs);
