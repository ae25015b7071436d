/** The p-th percentile (0 to 100) by nearest rank; NaN of nothing. */
export const percentile = (values: readonly number[], p: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
};

export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
