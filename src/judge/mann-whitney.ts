import { normalTail } from './statistics.ts';

/** What two samples say of each other, by the order of their values alone. */
export interface Ranked {
  /** Sizes of the samples. */
  n: number;
  m: number;
  /** Pairs of which the value of the first sample is the larger one; equal ones count by half. */
  u: number;
  /** Σ (t³ − t) over values that t of all share; 0: no two are equal. */
  ties: number;
}

/** Up to so many values the distribution is counted; above, and with ties, its normal approximation is exact enough. */
const MAX_COUNTED = 50;

/**
 * U of two samples (H. B. Mann, D. R. Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger
 * than the Other", 1947), from their ranks.
 */
export const rank = (first: readonly number[], second: readonly number[]): Ranked => {
  const all = [
    ...first.map((value) => ({ value, isFirst: true })),
    ...second.map((value) => ({ value, isFirst: false })),
  ].toSorted((a, b) => a.value - b.value);
  let rankSum = 0;
  let ties = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.value === all[from]?.value) to += 1;
    const size = to - from;
    const own = all.slice(from, to).filter(({ isFirst }) => isFirst).length;
    rankSum += own * ((from + 1 + to) / 2);
    ties += size ** 3 - size;
    from = to;
  }
  const n = first.length;
  return { n, m: second.length, u: rankSum - (n * (n + 1)) / 2, ties };
};

/**
 * Probability that chance alone gives U, or more, were both samples of one kind: one-sided. Where values are equal, or
 * there are many, by the normal approximation with corrections for ties and continuity (E. L. Lehmann, "Nonparametrics:
 * Statistical Methods Based on Ranks", 1975). 1 where a sample is empty.
 */
export const chanceOfRanks = ({ n, m, u, ties }: Ranked): number => {
  if (n === 0 || m === 0) return 1;
  const all = n + m;
  if (ties === 0 && all <= MAX_COUNTED) {
    const counts = arrangements(n, m);
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    return sum(counts.slice(u)) / sum(counts);
  }
  const variance = ((n * m) / 12) * (all + 1 - ties / (all * (all - 1)));
  return variance <= 0 ? 1 : normalTail((u - (n * m) / 2 - 0.5) / Math.sqrt(variance));
};

/**
 * Probability that a value of the first sample is larger than one of the second: 0.5 where they are alike, 0.71 or more
 * is a large effect (A. Vargha, H. D. Delaney, "A Critique and Improvement of the CL Common Language Effect Size
 * Statistics of McGraw and Wong", 2000: A12).
 */
export const superiority = ({ n, m, u }: Ranked): number => (n === 0 || m === 0 ? 0.5 : u / (n * m));

/**
 * How many orders of n and m different values have U = 0, 1, 2, …: the coefficients of the Gaussian binomial, the product
 * of (1 − q^(m+i)) / (1 − q^i) for i from 1 to n. All are whole, and below 2^53 for 50 values.
 */
const arrangements = (n: number, m: number): number[] => {
  const counts: number[] = Array.from({ length: n * m + 1 }, (_, u) => (u === 0 ? 1 : 0));
  for (let i = 1; i <= n; i += 1) {
    for (let u = counts.length - 1; u >= m + i; u -= 1) counts[u] = at(counts, u) - at(counts, u - m - i);
    for (let u = i; u < counts.length; u += 1) counts[u] = at(counts, u) + at(counts, u - i);
  }
  return counts;
};

const at = (counts: readonly number[], index: number): number => counts[index] ?? 0;
