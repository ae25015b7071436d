import type { Condition } from '../api/common.ts';
import type { ReleaseRecords } from '../api/release-history.ts';
import { unpinnable } from '../snapshot/index.ts';

/** Condition of a history with a release whose images a rollback can't name by their content. */
const PINNED = 'ImagesPinned';

/**
 * Says which of the current and the last good release has an image that no rollback can pin: the node reports an ID
 * without a repository digest, as it does for an image that was loaded by hand. Where its tag means something else by
 * then, a rollback runs that. Nothing is said of releases whose images are not known yet.
 *
 * @param now milliseconds since the epoch
 */
export const withUnpinned = (
  conditions: readonly Condition[],
  { releases = [], currentRelease, lastGoodRelease }: ReleaseRecords,
  now: number,
): readonly Condition[] => {
  const words = releases
    .filter(({ number }) => number === currentRelease || number === lastGoodRelease)
    .flatMap(({ number, images }) =>
      unpinnable(images).map(
        ({ container, image, imageID }) => `release ${number}: ${image} of ${container} is ${imageID}`,
      ),
    );
  const others = conditions.filter(({ type }) => type !== PINNED);
  if (words.length === 0) return others;
  const before = conditions.find(({ type }) => type === PINNED);
  const said: Condition = {
    type: PINNED,
    status: 'False',
    reason: 'ImageNotPinned',
    message: `a rollback takes whatever the tag means then: ${words.join('; ')}, which names no repository digest`,
    lastTransitionTime: before?.lastTransitionTime ?? new Date(now).toISOString(),
  };
  return [...others, said];
};
