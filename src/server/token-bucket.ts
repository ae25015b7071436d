import type { Clock } from '../clock.ts';

export interface TokenBucket {
  /** Takes one token of this key; false when there is none. */
  take(key: string): boolean;
}

/**
 * One bucket for each key (a remote address), refilled steadily. At most `maxKeys` are remembered: the one that was
 * unused for the longest goes first, full again.
 */
export const createTokenBucket = (options: {
  capacity: number;
  perSecond: number;
  maxKeys?: number;
  clock: Pick<Clock, 'now'>;
}): TokenBucket => {
  const { capacity, perSecond, maxKeys = 1000, clock } = options;
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take(key) {
      const now = clock.now();
      const { tokens, at } = buckets.get(key) ?? { tokens: capacity, at: now };
      const filled = Math.min(capacity, tokens + (Math.max(now - at, 0) / 1000) * perSecond);
      const taken = filled >= 1;
      buckets.delete(key); // the order of the map is the order of use
      buckets.set(key, { tokens: taken ? filled - 1 : filled, at: now });
      const [oldest] = buckets.keys();
      if (buckets.size > maxKeys && oldest !== undefined) buckets.delete(oldest);
      return taken;
    },
  };
};
