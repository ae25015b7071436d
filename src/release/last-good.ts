import {
  isRestorable,
  isRuledOut,
  type Release,
  type ReleaseRecords,
  type RestorableRelease,
} from '../api/release-history.ts';
import { currentSince, newestGood } from './history.ts';

export type Target =
  | { release: RestorableRelease; rule: 'Good' | 'ReadyBeforeBurn' }
  | {
      release: undefined;
      reason: 'NoHistory' | 'NoGoodRelease' | 'SnapshotMissing' | 'TargetNeedsMissing';
      message: string;
    };

/** Releases that can't be gone back to now, by number, and why. */
export type Unfit = ReadonlyMap<number, string>;

/**
 * The release that a rollback goes to: the one that was good last. Where releases come faster than soak, so that none
 * is good, the newest that was ready before the burn began. Never the suspect, and never one that is rejected, was found
 * guilty, or burned when it was current last.
 *
 * The only place where that is decided: for an incident, and for `metricops rollback`.
 *
 * @param burnStart milliseconds since the epoch
 * @param suspect number of the release under suspicion; the current one by default
 * @param burned by number: how that is known (burnedReleases)
 * @param unfit by number: why a rollback can't go there, for something that its pods need is gone
 */
export const selectLastGood = (
  records: ReleaseRecords,
  {
    burnStart,
    suspect,
    burned = NONE,
    unfit = NONE,
  }: { burnStart: number; suspect?: number | 'Unrecorded' | undefined; burned?: Unfit; unfit?: Unfit },
): Target => {
  const { releases = [], currentRelease } = records;
  if (releases.length === 0) return { release: undefined, reason: 'NoHistory', message: 'No release is recorded.' };
  const allowed = releases.filter((r) => r.number !== (suspect ?? currentRelease) && !isRuledOut(r));
  const others = allowed.filter(({ number }) => !burned.has(number));
  const restorable = others.filter(isRestorable).filter(({ number }) => !unfit.has(number));
  const good = newestGood(restorable);
  if (good) return { release: good, rule: 'Good' };
  const ready = restorable
    .filter((r) => r.readyTime !== undefined && Date.parse(r.readyTime) < burnStart)
    .toSorted((a, b) => currentSince(b) - currentSince(a) || b.number - a.number)[0];
  if (ready) return { release: ready, rule: 'ReadyBeforeBurn' };
  const last = newestGood(allowed);
  const why = last && burned.get(last.number);
  if (why === undefined) return { release: undefined, ...whyNone(others, unfit) };
  const message = `Release ${last?.number} was good, but burned when it was current last: ${why}.`;
  return { release: undefined, reason: 'NoGoodRelease', message };
};

const NONE: Unfit = new Map();

const whyNone = (
  others: readonly Release[],
  unfit: Unfit,
): { reason: 'NoGoodRelease' | 'SnapshotMissing' | 'TargetNeedsMissing'; message: string } => {
  const lost = newestGood(others);
  const why = lost && unfit.get(lost.number);
  if (why !== undefined)
    return { reason: 'TargetNeedsMissing', message: `Release ${lost?.number} was good, but ${why}.` };
  if (lost) {
    const message = `Release ${lost.number} was good, but what was applied for it was not recorded.`;
    return { reason: 'SnapshotMissing', message };
  }
  if (others.length === 0) return { reason: 'NoGoodRelease', message: 'There is no other release.' };
  const message = `None of the ${others.length} other releases was ready before the burn began.`;
  return { reason: 'NoGoodRelease', message };
};
