import type { Segment } from './segments.ts';

/** When the burn that is under way began. */
export interface Onset {
  /** Milliseconds since the epoch. */
  at: number;
  /** Whether the ratio was seen to leave its past; false: it burned since the first requests that are recorded. */
  leftItsPast: boolean;
}

/** What is a fourth of the ratio now, or more, belongs to this burn: a slow rise is one. */
const PART_OF_NOW = 0.25;

/** undefined: it does not burn any more, or nothing was recorded. */
export const onsetOf = (segments: readonly Segment[], threshold: number): Onset | undefined => {
  const last = segments.at(-1);
  if (!last) return undefined;
  const now = last.errors / last.total;
  const calm = segments.findLastIndex(({ errors, total }) => {
    const ratio = errors / total;
    return ratio <= threshold || ratio < PART_OF_NOW * now;
  });
  const first = segments[calm + 1];
  return first && { at: first.from, leftItsPast: calm >= 0 };
};
