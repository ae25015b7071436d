import { isSwitchedOn, switchOf } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import type { ObjectMeta } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import { currentSince } from './history.ts';

/** Why the release of a workload can't be taken back by itself, in words; the annotation "false" speaks against hooks, too. */
export const irreversibleBecause = (workload: ObjectMeta): string | undefined => {
  if (isSwitchedOn(workload, annotations.irreversible)) return `annotation ${annotations.irreversible}`;
  const hook = workload.annotations?.[annotations.upgradeHook];
  return hook === undefined || switchOf(workload, annotations.irreversible) === false ? undefined : hook.slice(0, 256);
};

/** A release with why it is irreversible. */
type Irreversible = Release & { irreversible: string };

/**
 * The newest irreversible release that a rollback would go back behind: that of the suspect, or one that ran since the
 * target did. What it changed outside of the cluster, e.g. the schema of a database, stays as it is.
 *
 * @param from number of the release that is rolled back
 */
export const irreversibleSince = (
  target: Release,
  from: number | undefined,
  releases: readonly Release[],
): Irreversible | undefined => {
  const ended = Date.parse(target.supersededTime ?? target.firstSeenTime);
  return releases
    .filter((release): release is Irreversible => release.irreversible !== undefined)
    .filter(({ number }) => number !== target.number)
    .filter((release) => release.number === from || currentSince(release) >= ended)
    .toSorted((a, b) => b.number - a.number)[0];
};
