import { type Release, type ReleaseHistory, releasesOf } from '../api/release-history.ts';

export interface ReleaseView extends Pick<Release, 'number' | 'outcome' | 'images' | 'sourceDigest' | 'firstSeenTime'> {
  isCurrent: boolean;
  /** A rollback would go to it. */
  isLastGood: boolean;
  /** All of its pods were ready at some time. */
  wasReady: boolean;
  /** From its first sight to all pods ready, in milliseconds. */
  readyAfterMs: number | undefined;
  commit: string | undefined;
  /** Name of the Incident for which it was rejected. */
  rejectedBy: string | undefined;
}

/** Newest first; none where nothing is recorded. */
export const releaseViews = (history: ReleaseHistory | undefined): ReleaseView[] =>
  releasesOf(history).map((release) => {
    const { number, outcome, images, sourceDigest, firstSeenTime, readyTime, commit, incidentRef } = release;
    return {
      number,
      outcome,
      images,
      sourceDigest,
      firstSeenTime,
      isCurrent: history?.spec.currentRelease === number,
      isLastGood: history?.spec.lastGoodRelease === number,
      wasReady: readyTime !== undefined,
      readyAfterMs: readyTime === undefined ? undefined : Date.parse(readyTime) - Date.parse(firstSeenTime),
      commit,
      rejectedBy: outcome === 'Rejected' ? incidentRef?.name : undefined,
    };
  });

/** By its number; undefined where the history no longer has it. */
export const releaseNumbered = (history: ReleaseHistory | undefined, number: number | undefined): Release | undefined =>
  releasesOf(history).find((release) => release.number === number);
