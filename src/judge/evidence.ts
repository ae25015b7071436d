import type { Facts } from './facts.ts';
import type { Found } from './found.ts';
import { isUnderUsualTraffic, lateRise } from './late-rise.ts';
import { latency } from './latency.ts';
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
  const slower = latency(facts);
  const isDecided = [compared, slower].some((one) => one !== undefined && one.points !== 0);
  const changed = isDecided || began.points < 0 ? undefined : beforeAfter(facts);
  const rose = isDecided ? undefined : lateRise(facts);
  const surged = isDecided || isUnderUsualTraffic(rose, facts) ? undefined : traffic(facts);
  const around = [pods(facts), nodes(facts), dependencies(facts), neighbours(facts)];
  const found = [compared, slower, changed, began, rose, ...around, surged].filter((one) => one !== undefined);
  return [...found, ...failedCheck(facts, found)];
};

/** A check says that something is wrong, not what: it adds to what speaks against the release, where nothing speaks for it. */
const failedCheck = ({ check }: Facts, others: readonly Found[]): Found[] => {
  if (!check) return [];
  const adds = others.some(({ points }) => points > 0) && others.every(({ points }) => points >= 0);
  const message = `the check after its commit, ${check.name}, failed: ${check.reason}`;
  return [{ name: 'Check', points: adds ? 1 : 0, message, reason: 'ScoreTooLow' }];
};

/** Others burn as well: what all of them stand on may be the cause. */
const neighbours = ({ neighbours: all }: Facts): Found | undefined => {
  const burning = all.filter(({ dependency }) => !dependency);
  if (burning.length === 0) return undefined;
  const names = burning.map(({ name }) => name).join(', ');
  const verb = burning.length === 1 ? 'burns' : 'burn';
  const message = `${plural(burning.length, 'other workload')} of the namespace ${verb}, too: ${names}`;
  return { name: 'Neighbours', points: -3, message, reason: 'NeighboursBurn' };
};

/** What it calls burns as well: what fails there fails here. */
const dependencies = ({ neighbours: all }: Facts): Found | undefined => {
  const burning = all.filter(({ dependency }) => dependency);
  if (burning.length === 0) return undefined;
  const message = `${burning.map(({ name }) => name).join(', ')}, on which it depends, ${burning.length === 1 ? 'burns' : 'burn'}, too`;
  return { name: 'Dependencies', points: -3, message, reason: 'DependencyBurns' };
};
