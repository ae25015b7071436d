import { createRandom, type Random } from './random.ts';
import { independent, type Noise } from './series.ts';
import { MINUTE } from './world.ts';

export const NOISES = ['independent', 'bursty'] as const;
export type NoiseKind = (typeof NOISES)[number];

/** Failures come in bursts, some minutes are bad for all services together, and what fails is asked for again. */
const bursty = (random: Random): Noise => {
  const salt = random.whole(0, 2 ** 31);
  const known = new Map<string, number>();
  const draw = (key: string, of: (random: Random) => number): number => {
    const found = known.get(key);
    if (found !== undefined) return found;
    let seed = salt;
    for (let i = 0; i < key.length; i += 1) seed = Math.imul(seed ^ key.charCodeAt(i), 0x01000193);
    const value = of(createRandom(seed));
    known.set(key, value);
    return value;
  };
  /** Gamma of shape 2, mean 1: as uneven as two exponential waits. */
  const uneven = (one: Random): number => -(Math.log(one.next()) + Math.log(one.next())) / 2;
  const spread = random.between(0.1, 0.4);
  const shared = random.between(0, 0.5);
  return {
    traffic: (service, at) =>
      (1 - spread + spread * draw(`t ${service} ${Math.floor(at / MINUTE)}`, uneven)) *
      (1 - spread + spread * draw(`t ${Math.floor(at / MINUTE)}`, uneven)),
    failures: (service, at, part) =>
      part *
      ((1 - shared) * draw(`e ${service} ${Math.floor(at / (MINUTE / 2))}`, uneven) +
        shared * draw(`e ${Math.floor(at / MINUTE)}`, uneven)),
    retries: random.between(0, 2),
  };
};

export const noiseOf = (kind: NoiseKind, random: Random): Noise => (kind === 'bursty' ? bursty(random) : independent);
