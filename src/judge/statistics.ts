/** Requests and failed requests. Rates over a window give counts that are no whole numbers: each is rounded. */
export interface Counts {
  errors: number;
  total: number;
}

export interface Interval {
  low: number;
  high: number;
}

/** Up to so many terms the hypergeometric tail is summed; above, its normal approximation is exact enough. */
const MAX_TERMS = 5_000;

/**
 * Probability that chance alone gives `a` as many failed requests as it has, or more, were both sides alike: Fisher's
 * exact test, one-sided, which is wrong no more often than it says (R. A. Fisher, "The Logic of Inductive Inference",
 * 1935). Where both margins are large it is the hypergeometric distribution's normal approximation with a correction
 * for continuity.
 */
export const chanceOf = (a: Counts, b: Counts): number => {
  const [n, m] = [Math.round(a.total), Math.round(b.total)];
  const x = Math.min(Math.round(a.errors), n);
  const errors = x + Math.min(Math.round(b.errors), m);
  const most = Math.min(errors, n);
  const least = Math.max(0, errors - m);
  if (x <= least) return 1;
  if (most - x > MAX_TERMS) return upperTail({ x, n, m, errors });
  // The tail that has not the likeliest term in it: there each term is smaller than the one before.
  return Math.min(
    1,
    x > (errors * n) / (n + m) ? tail(x, most, { n, m, errors }) : 1 - tail(x - 1, least, { n, m, errors }),
  );
};

/** So small a part of the sum changes no digit of it. */
const NOTHING = 1e-17;

interface Margins {
  n: number;
  m: number;
  errors: number;
}

/** The terms from `first` to `last`, away from the likeliest one: each is the one before times a ratio, until they add nothing. */
const tail = (first: number, last: number, { n, m, errors }: Margins): number => {
  const step = Math.sign(last - first);
  let term = Math.exp(logTerm(first, { n, m, errors }));
  let sum = term;
  for (let k = first; k !== last && term > sum * NOTHING; k += step) {
    term *=
      step > 0
        ? ((n - k) * (errors - k)) / ((k + 1) * (m - errors + k + 1))
        : (k * (m - errors + k)) / ((n - k + 1) * (errors - k + 1));
    sum += term;
  }
  return sum;
};

/** ln of C(n, k)·C(m, errors − k) / C(n + m, errors). */
const logTerm = (k: number, { n, m, errors }: Margins): number =>
  logChoose(n, k) + logChoose(m, errors - k) - logChoose(n + m, errors);

const upperTail = ({ x, n, m, errors }: Margins & { x: number }): number => {
  const all = n + m;
  const mean = (errors * n) / all;
  const variance = (mean * (m / all) * (all - errors)) / (all - 1);
  return normalTail((x - 0.5 - mean) / Math.sqrt(variance));
};

/**
 * Where the true ratio lies, for a normal quantile `z`: the score interval (E. B. Wilson, "Probable Inference, the Law of
 * Succession, and Statistical Inference", 1927). Unlike p ± z·s it holds for no failure at all, and for few requests.
 */
export const wilson = ({ errors, total }: Counts, z: number): Interval => {
  if (total <= 0) return { low: 0, high: 1 };
  const p = Math.min(1, errors / total);
  const centre = p + (z * z) / (2 * total);
  const reach = z * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total));
  const scale = 1 + (z * z) / total;
  return { low: Math.max(0, (centre - reach) / scale), high: Math.min(1, (centre + reach) / scale) };
};

/**
 * Where the true difference of the ratios, `a` less `b`, lies: the hybrid score interval (R. G. Newcombe, "Interval
 * Estimation for the Difference between Independent Proportions", 1998, method 10).
 */
export const newcombe = (a: Counts, b: Counts, z: number): Interval => {
  if (a.total <= 0 || b.total <= 0) return { low: -1, high: 1 };
  const [p, q] = [Math.min(1, a.errors / a.total), Math.min(1, b.errors / b.total)];
  const [ofA, ofB] = [wilson(a, z), wilson(b, z)];
  return {
    low: p - q - Math.hypot(p - ofA.low, ofB.high - q),
    high: p - q + Math.hypot(ofA.high - p, q - ofB.low),
  };
};

const logChoose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k);

/** ln n!, by Stirling's series: eleven digits from 10 on, and exact sums below. */
const logFactorial = (n: number): number => {
  if (n < 10) {
    let product = 1;
    for (let k = 2; k <= n; k += 1) product *= k;
    return Math.log(product);
  }
  return (
    (n + 0.5) * Math.log(n) - n + Math.log(2 * Math.PI) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5)
  );
};

/** Upper tail of the standard normal distribution: Abramowitz and Stegun, 26.2.17; off by 7.5e-8 at most. */
export const normalTail = (z: number): number => {
  if (z < 0) return 1 - normalTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
};
