import type { Segment } from './segments.ts';

/** When the burn that is under way began. */
export interface Onset {
  /** Milliseconds since the epoch. */
  at: number;
  /** Whether the ratio was seen to leave its past; false: it burned since the first requests that are recorded. */
  leftItsPast: boolean;
  /** When it burned since then, oldest first. More than one: it comes and goes. */
  spells: readonly Spell[];
}

/** Milliseconds since the epoch. */
export interface Spell {
  from: number;
  /** undefined: it goes on. */
  to: number | undefined;
}

/** What is a fourth of the ratio now, or more, belongs to this burn: a slow rise is one. */
const PART_OF_NOW = 0.25;
/** What stops for longer than this and begins again is another burn. */
const LONGEST_PAUSE_MS = 900_000;
/** Calm for so many times its longest pause, a burn that came and went is over. */
const PAUSES_TO_BE_OVER = 2;

/**
 * The burn that is under way, or that only pauses: it came twice or more, and was calm since for no longer than between.
 *
 * Times are milliseconds since the epoch.
 *
 * @param releasedAt what ended before the release is another burn
 * @param until when the last of the segments ends; undefined: not known
 * @returns undefined: it does not burn any more, or nothing was recorded
 */
export const onsetOf = (
  segments: readonly Segment[],
  threshold: number,
  { releasedAt, until }: { releasedAt: number; until: number | undefined },
): Onset | undefined => {
  const now = segments.map(ratioOf).findLast((ratio) => ratio > threshold) ?? 0;
  const burns = (segment: Segment): boolean => ratioOf(segment) > threshold && ratioOf(segment) >= PART_OF_NOW * now;
  const spells = oneBurn(spellsOf(segments, burns), releasedAt);
  const [first] = spells;
  const last = spells.at(-1);
  if (!first || !last) return undefined;
  if (last.to !== undefined && !isPause(spells, last.to, until)) return undefined;
  return { at: first.from, leftItsPast: first.from !== segments[0]?.from, spells };
};

const ratioOf = ({ errors, total }: Segment): number => errors / total;

const spellsOf = (segments: readonly Segment[], burns: (segment: Segment) => boolean): Spell[] => {
  const spells: Spell[] = [];
  let open: Spell | undefined;
  for (const segment of segments) {
    if (!burns(segment)) {
      if (open) open.to = segment.from;
      open = undefined;
    } else if (!open) {
      open = { from: segment.from, to: undefined };
      spells.push(open);
    }
  }
  return spells;
};

/** The last spell, and those before it that only pauses part from it. */
const oneBurn = (spells: readonly Spell[], releasedAt: number): Spell[] => {
  const isAnother = ({ from }: Spell, before: Spell): boolean =>
    before.to !== undefined && (before.to <= releasedAt || from - before.to > LONGEST_PAUSE_MS);
  const first = spells.findLastIndex((spell, i) => {
    const before = spells[i - 1];
    return before !== undefined && isAnother(spell, before);
  });
  return spells.slice(Math.max(0, first));
};

const isPause = (spells: readonly Spell[], end: number, until: number | undefined): boolean => {
  const pauses = spells.slice(1).map(({ from }, i) => from - (spells[i]?.to ?? from));
  return until !== undefined && pauses.length > 0 && until - end <= PAUSES_TO_BE_OVER * Math.max(...pauses);
};
