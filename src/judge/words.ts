/** A ratio for people: three digits that count. */
export const percent = (ratio: number): string => `${Number((ratio * 100).toPrecision(3))} %`;

export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

export const percentOf = ({ errors, total }: { errors: number; total: number }): string =>
  `${percent(total > 0 ? errors / total : 0)} of ${Math.round(total)} requests`;

/** A distance in time, e.g. `90 s after`, `12 min before`. */
export const span = (ms: number): string => `${duration(Math.abs(ms))} ${ms < 0 ? 'before' : 'after'}`;

/** E.g. `90 s`, `12 min`. */
export const duration = (ms: number): string => {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
};

/** Names, as many as are read. */
export const list = (names: readonly string[], most = 4): string =>
  names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
