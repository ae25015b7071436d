import { monotonicNow } from './clock.ts';

/** Which parts of this process have something to do and make no progress: nothing but a restart helps them. */
export interface Vitals {
  /**
   * @param progress a count that grows with the work of the part; undefined while it has nothing to do
   * @param limitMs how long the count may stay the same
   * @returns ends it
   */
  watch(part: string, progress: () => number | undefined, limitMs: number): () => void;
  /** A sentence for each part that is stuck. To be asked every few seconds, as a probe does. */
  stuck(): string[];
}

interface Part {
  name: string;
  progress: () => number | undefined;
  limitMs: number;
  last: number | undefined;
  /** When the count changed last, as far as was asked. */
  since: number;
}

/** @param now milliseconds of a clock that nobody sets, and that stands still while the machine is suspended */
export const createVitals = (now: () => number = monotonicNow): Vitals => {
  const parts = new Set<Part>();
  const sentenceOf = (part: Part): string[] => {
    const count = part.progress();
    const stoodMs = now() - part.since;
    if (count === undefined || count !== part.last) {
      Object.assign(part, { last: count, since: now() });
      return [];
    }
    return stoodMs > part.limitMs ? [`${part.name} has made no progress for ${Math.round(stoodMs / 1000)} s`] : [];
  };
  return {
    watch(name, progress, limitMs) {
      const part: Part = { name, progress, limitMs, last: undefined, since: now() };
      parts.add(part);
      return () => void parts.delete(part);
    },
    stuck: () => [...parts].flatMap(sentenceOf),
  };
};
