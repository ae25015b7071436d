import type { Release, ReleaseRecords, RestorableRelease } from '../api/release-history.ts';
import { currentSince, isRuledOut, newestGood } from './history.ts';

export type Target =
  | { release: RestorableRelease; rule: 'Good' | 'ReadyBeforeBurn' }
  | { release: undefined; reason: 'NoHistory' | 'NoGoodRelease' | 'SnapshotMissing'; message: string };

/**
 * The release that a rollback goes to: the one that was good last. Where releases come faster than soak, so that none
 * is good, the newest that was ready before the burn began. Never the suspect, and never one that is rejected or was
 * found guilty.
 *
 * @param burnStart milliseconds since the epoch
 * @param suspect number of the release under suspicion; the current one by default
 */
export const selectLastGood = (
  records: ReleaseRecords,
  { burnStart, suspect }: { burnStart: number; suspect?: number | undefined },
): Target => {
  const { releases = [], currentRelease } = records;
  if (releases.length === 0) return { release: undefined, reason: 'NoHistory', message: 'No release is recorded.' };
  const others = releases.filter((r) => r.number !== (suspect ?? currentRelease) && !isRuledOut(r));
  const restorable = others.filter(isRestorable);
  const good = newestGood(restorable);
  if (good) return { release: good, rule: 'Good' };
  const ready = restorable
    .filter((r) => r.readyTime !== undefined && Date.parse(r.readyTime) < burnStart)
    .toSorted((a, b) => currentSince(b) - currentSince(a) || b.number - a.number)[0];
  if (ready) return { release: ready, rule: 'ReadyBeforeBurn' };
  const lost = newestGood(others);
  return lost
    ? {
        release: undefined,
        reason: 'SnapshotMissing',
        message: `Release ${lost.number} was good, but what was applied for it was not recorded.`,
      }
    : {
        release: undefined,
        reason: 'NoGoodRelease',
        message:
          others.length === 0
            ? 'There is no other release.'
            : `None of the ${others.length} other releases was ready before the burn began.`,
      };
};

const isRestorable = (release: Release): release is RestorableRelease => release.snapshotRef !== undefined;
