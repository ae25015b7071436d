import type { Release } from '../api/release-history.ts';
import { currentSince } from '../release/index.ts';

/** Current for less than that, a release may have had no time to show its fault before the next one came. */
const BRIEF_MS = 3_600_000;
const MAX_EARLIER = 3;

export interface Predecessors {
  /** What was current until the suspect was: whether a rollback could go to it or not. */
  before: Release | undefined;
  /** What ran before that, newest first: as far as each release was current only briefly. */
  earlier: Release[];
}

/** What ran before the release under suspicion. */
export const predecessorsOf = (suspect: Release | undefined, releases: readonly Release[]): Predecessors => {
  if (!suspect) return { before: undefined, earlier: [] };
  const [before, ...others] = releases
    .filter(({ number }) => number !== suspect.number)
    .toSorted((a, b) => endOf(b) - endOf(a) || currentSince(b) - currentSince(a) || b.number - a.number);
  const lasted = [before, ...others].findIndex((release) => release && !wasBrief(release));
  return { before, earlier: others.slice(0, lasted === -1 ? MAX_EARLIER : Math.min(lasted, MAX_EARLIER)) };
};

const endOf = ({ supersededTime }: Release): number => Date.parse(supersededTime ?? '') || 0;

/** One that came back was there before. */
const wasBrief = (release: Release): boolean =>
  release.restoredTime === undefined &&
  release.liftedTime === undefined &&
  endOf(release) - currentSince(release) < BRIEF_MS;
