import { compare } from './comparison.ts';
import { sumOf } from './course.ts';
import type { Facts } from './facts.ts';
import type { Found } from './found.ts';
import { isLate } from './release-and-onset.ts';
import type { Counts } from './statistics.ts';
import { list, percentOf, plural } from './words.ts';

/**
 * All pods of a release run the same. Where some of them burn and others are well in the same minutes, the cause is
 * where they run. But long after the release the older ones burn first where it leaks.
 */
export const pods = (facts: Facts): Found | undefined => {
  const { pods: measured } = facts.ratio ?? {};
  if (!measured || measured.burning.pods === 0 || measured.well.pods === 0) return undefined;
  if (measured.byAge && isLate(facts)) return undefined;
  const { burning, well } = measured;
  const message = `${plural(burning.pods, 'pod')} of it ${fail(burning.pods)} ${percentOf(burning)}${on(burning.nodes)}, ${plural(well.pods, 'other pod')} of the same release ${fail(well.pods)} ${percentOf(well)} in the same minutes`;
  return { name: 'Pods', points: -9, message, reason: 'PodsDiffer' };
};

/**
 * Of another workload the pods that share a node with what burns of the release fail, and those elsewhere do not, or far
 * less. Whatever its own objective allows: what fails there would burn the budget of the release.
 */
export const nodes = (facts: Facts): Found | undefined => {
  const differing = facts.byNode.filter(({ here, elsewhere }) => isWorse(facts, here, elsewhere));
  if (differing.length === 0) return sharedNodes(facts);
  const names = list(differing.map(({ name }) => name));
  const [here, elsewhere] = [sumOf(differing.map((one) => one.here)), sumOf(differing.map((one) => one.elsewhere))];
  const where = list(facts.ratio?.pods?.burning.nodes ?? []);
  const message = `of ${names} the pods on the same nodes${where === '' ? '' : ` (${where})`} fail ${percentOf(here)}, those elsewhere ${percentOf(elsewhere)} in the same minutes`;
  return { name: 'Nodes', points: -9, message, reason: 'NodesFail' };
};

const isWorse = ({ ratio }: Facts, here: Counts, elsewhere: Counts): boolean =>
  ratio !== undefined && compare(here, elsewhere, ratio.threshold) === 'Worse';

/** The same by pods that burn for the other workload, too: each of them is there, and some elsewhere are well. */
const sharedNodes = ({ ratio, neighbours }: Facts): Found | undefined => {
  const sharing = neighbours.filter(({ sameNodes }) => sameNodes);
  if (!ratio?.pods || sharing.length === 0) return undefined;
  const names = list(sharing.map(({ name }) => name));
  const message = `its pods that burn are${on(ratio.pods.burning.nodes)}, and of ${names} only pods on the same nodes burn`;
  return { name: 'Nodes', points: -6, message, reason: 'NodesFail' };
};

const fail = (count: number): string => (count === 1 ? 'fails' : 'fail');

const on = (nodes: readonly string[]): string =>
  nodes.length === 0 ? '' : ` on ${nodes.length === 1 ? 'node' : 'nodes'} ${list(nodes)}`;
