import type { Hold, RollbackHold } from '../api/hold.ts';
import { type Release, type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import { isDigestAccepted, workloadOf } from './rules.ts';

export interface Lift {
  /** May run again, on probation. */
  lifted: string[];
  /** Were lifted before, and rejected again since: only accepting lets them run. */
  kept: string[];
}

/** What deleting the Hold means for each of its digests. Pure. */
export const liftOf = (
  hold: RollbackHold,
  releases: readonly Pick<Release, 'sourceDigest' | 'liftedTime'>[],
  holds: readonly Hold[],
): Lift => {
  const made = Date.parse(hold.metadata.creationTimestamp ?? '');
  const wasLiftedBefore = (digest: string): boolean =>
    releases.some(
      ({ sourceDigest, liftedTime }) =>
        sourceDigest === digest && liftedTime !== undefined && Date.parse(liftedTime) <= made,
    );
  const isKept = (digest: string): boolean =>
    wasLiftedBefore(digest) && !isDigestAccepted(holds, workloadOf(hold), digest);
  const { rejectedDigests } = hold.spec;
  return { lifted: rejectedDigests.filter((digest) => !isKept(digest)), kept: rejectedDigests.filter(isKept) };
};

/** The numbers of the releases with these digests. */
export const numbersOf = (
  releases: readonly Pick<Release, 'sourceDigest' | 'number'>[],
  digests: readonly string[],
): number[] => releases.filter(({ sourceDigest }) => digests.includes(sourceDigest)).map(({ number }) => number);

/**
 * The history with the lift of these digests recorded: only evidence that began after it can reject them again. Pure.
 *
 * @param now milliseconds since the epoch
 */
export const recordLift = (history: ReleaseHistory, digests: readonly string[], now: number): ReleaseHistory => {
  const liftedTime = new Date(now).toISOString();
  const releases = releasesOf(history).map((release) =>
    digests.includes(release.sourceDigest) ? { ...release, liftedTime } : release,
  );
  return { ...history, spec: { ...history.spec, releases } };
};
