import type { Verdict } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';

/**
 * Releases before the suspect that have its fault, as the verdict found: they are rolled back with it, and no rollback
 * goes to one of them.
 *
 * @param suspect its number
 */
export const guiltyBefore = (
  suspect: number,
  verdict: Pick<Verdict, 'sinceRelease'> | undefined,
  releases: readonly Release[],
): Release[] => {
  const since = verdict?.sinceRelease ?? suspect;
  return releases.filter(({ number, outcome }) => number >= since && number < suspect && outcome !== 'Accepted');
};
