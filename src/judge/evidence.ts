import type { Facts } from './facts.ts';
import type { Found } from './found.ts';
import { lateRise } from './late-rise.ts';
import { nodes, pods } from './places.ts';
import { onset } from './release-and-onset.ts';
import { beforeAfter, sideBySide } from './releases-compared.ts';
import { traffic } from './traffic.ts';
import { plural } from './words.ts';

/**
 * All evidence there is. The releases in the same minutes decide whatever else changed then; before and after counts only
 * where they could not be compared, and where the burn began with the release.
 */
export const evidenceOf = (facts: Facts): Found[] => {
  const compared = sideBySide(facts);
  const began = onset(facts);
  const isDecided = compared !== undefined && compared.points !== 0;
  const changed = isDecided || began.points < 0 ? undefined : beforeAfter(facts);
  const rose = isDecided ? undefined : lateRise(facts);
  const surged = isDecided ? undefined : traffic(facts);
  return [compared, changed, began, rose, pods(facts), nodes(facts), neighbours(facts), surged].filter(
    (one) => one !== undefined,
  );
};

/** Others burn as well: what all of them stand on may be the cause. */
const neighbours = ({ neighbours: burning }: Facts): Found | undefined => {
  if (burning.length === 0) return undefined;
  const names = burning.map(({ name }) => name).join(', ');
  const verb = burning.length === 1 ? 'burns' : 'burn';
  const message = `${plural(burning.length, 'other workload')} of the namespace ${verb}, too: ${names}`;
  return { name: 'Neighbours', points: -3, message, reason: 'NeighboursBurn' };
};
