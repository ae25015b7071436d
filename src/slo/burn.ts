import { parsePrometheusDuration } from '../api/common.ts';
import type { BurnWindow, SloSpec } from '../api/slo.ts';

/** Google SRE workbook, chapter 5, table 5-8, for a period of 30 days. */
const WORKBOOK = [
  { longMs: 3_600_000, shortMs: 300_000, factor: 14.4, severity: 'page' },
  { longMs: 21_600_000, shortMs: 1_800_000, factor: 6, severity: 'page' },
  { longMs: 86_400_000, shortMs: 7_200_000, factor: 3, severity: 'ticket' },
  { longMs: 259_200_000, shortMs: 21_600_000, factor: 1, severity: 'ticket' },
] as const;
const WORKBOOK_PERIOD_MS = 30 * 86_400_000;

/** Windows of an objective in milliseconds: its own, or the workbook's scaled to its period (factors stay as they are). */
export const burnWindowsOf = (
  slo: Pick<SloSpec, 'window' | 'burnWindows'>,
): { longMs: number; shortMs: number; factor: number; severity: BurnWindow['severity'] }[] => {
  if (slo.burnWindows !== undefined && slo.burnWindows.length > 0) {
    return slo.burnWindows.map((w) => ({
      longMs: parsePrometheusDuration(w.long),
      shortMs: parsePrometheusDuration(w.short),
      factor: w.factor,
      severity: w.severity,
    }));
  }
  const scale = parsePrometheusDuration(slo.window) / WORKBOOK_PERIOD_MS;
  return WORKBOOK.map((w) => ({ ...w, longMs: w.longMs * scale, shortMs: w.shortMs * scale }));
};

/** 1 − S: the part of events that may fail. Objective in percent. */
export const budgetOf = (objective: number): number => (100 - objective) / 100;

/** Error ratio above which a window burns: B·(1 − S). */
export const thresholdOf = (factor: number, objective: number): number => factor * budgetOf(objective);

/** A window whose threshold is 1 or more can never fire. */
export const canFire = (factor: number, objective: number): boolean => thresholdOf(factor, objective) < 1;

/** t = (1−S)/e · W · B: time from the first error until a window of W fires at a constant error ratio e; Infinity if never. */
export const detectMs = (options: {
  objective: number;
  factor: number;
  longMs: number;
  errorRatio: number;
}): number => {
  const part = thresholdOf(options.factor, options.objective) / options.errorRatio;
  return part < 1 ? part * options.longMs : Number.POSITIVE_INFINITY;
};

/** w·(1 − B(1−S)/e): time from the last error until the short window is quiet, when the outage lasted at least w. */
export const clearMs = (options: { objective: number; factor: number; shortMs: number; errorRatio: number }): number =>
  Math.max(0, options.shortMs * (1 - thresholdOf(options.factor, options.objective) / options.errorRatio));

/** e·t/((1−S)·P), in percent of the period's budget. */
export const budgetSpentPercent = (options: {
  errorRatio: number;
  durationMs: number;
  objective: number;
  periodMs: number;
}): number => (100 * options.errorRatio * options.durationMs) / (budgetOf(options.objective) * options.periodMs);
