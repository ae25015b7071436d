/** A ratio for people: three digits that count. */
export const percent = (ratio: number): string => `${Number((ratio * 100).toPrecision(3))} %`;

export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

export const percentOf = ({ errors, total }: { errors: number; total: number }): string =>
  `${percent(total > 0 ? errors / total : 0)} of ${Math.round(total)} requests`;

/** A distance in time, e.g. `90 s after`, `12 min before`. */
export const span = (ms: number): string => `${length(Math.abs(ms))} ${ms < 0 ? 'before' : 'after'}`;

const length = (ms: number): string => {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
};
