/** Numbers that look random, and are the same for the same seed. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  between(low: number, high: number): number;
  /** Each order of magnitude is as likely as any other. */
  logBetween(low: number, high: number): number;
  /** Whole, both included. */
  whole(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  poisson(mean: number): number;
  binomial(n: number, p: number): number;
  /** Of its own: what is drawn from it changes nothing here. */
  fork(): Random;
}

/** Below this mean counts are drawn one by one, above by the normal approximation. */
const EXACT = 30;

export const createRandom = (seed: number): Random => {
  let state = seed >>> 0;
  // splitmix32 by G. Steele and others, "Fast Splittable Pseudorandom Number Generators", 2014, for words of 32 bits.
  const word = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  const next = (): number => (word() + 0.5) / 2 ** 32;
  const between = (low: number, high: number): number => low + (high - low) * next();
  const normal = (): number => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  const poisson = (mean: number): number => {
    if (mean <= 0) return 0;
    if (mean > EXACT) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
    const limit = Math.exp(-mean);
    let count = 0;
    for (let product = next(); product > limit; product *= next()) count += 1;
    return count;
  };
  const binomial = (n: number, p: number): number => {
    if (n <= 0 || p <= 0) return 0;
    if (p >= 1) return n;
    if (p > 0.5) return n - binomial(n, 1 - p);
    const mean = n * p;
    if (mean > EXACT) return Math.min(n, Math.max(0, Math.round(mean + Math.sqrt(mean * (1 - p)) * normal())));
    if (n > 4 * EXACT) return Math.min(n, poisson(mean));
    let count = 0;
    for (let i = 0; i < n; i += 1) if (next() < p) count += 1;
    return count;
  };
  return {
    next,
    between,
    logBetween: (low, high) => low * (high / low) ** next(),
    whole: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    pick: <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T,
    poisson,
    binomial,
    fork: () => createRandom(word()),
  };
};
