import type { Release } from '../api/release-history.ts';

/** Releases that a history has at most, as long as what must be kept leaves room. */
export const MAX_RELEASES = 50;
/** What the schema takes. */
const SCHEMA_LIMIT = 100;

/**
 * Newest first, bounded: the oldest that need not be kept go. Only a history of a hundred rejected releases loses one of
 * those: its Hold still names the digest.
 */
export const evict = (releases: readonly Release[], isKept: (release: Release) => boolean): Release[] => {
  const sorted = releases.toSorted((a, b) => b.number - a.number);
  let surplus = sorted.length - MAX_RELEASES;
  const kept = sorted
    .toReversed()
    .filter((release) => {
      if (surplus <= 0 || isKept(release)) return true;
      surplus -= 1;
      return false;
    })
    .toReversed();
  if (kept.length <= SCHEMA_LIMIT) return kept;
  const oldest = kept.findLast((r) => r.outcome === 'Rejected') ?? kept.at(-1);
  return kept.filter((r) => r !== oldest);
};
