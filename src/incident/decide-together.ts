import type { Incident } from '../api/incident.ts';
import { proposedHold } from '../holds/index.ts';
import { ask, type Next } from './move.ts';
import type { Observation, RefusalOfTarget } from './observation.ts';
import type { Companion } from './one-commit.ts';
import { type Proposal, proposalOf } from './proposal.ts';
import type { Ways } from './ways.ts';

/** Another one is judged or applied within moments. */
const MOMENT_MS = 100;

/**
 * Of several workloads that one commit changed and that are guilty, all targets are tried before the first is applied.
 * undefined: nothing stands in the way of this one.
 */
export const decideTogether = ({ companions, refused }: Observation, { wait, askPerson }: Ways): Next | undefined => {
  const failed = companions.find(({ state }) => state === 'Failed');
  if (failed) {
    const why = failed.incident.status?.message ?? '';
    return askPerson('CommitNotRestored', `${wordsOf(failed)} is not rolled back, so nothing further is done: ${why}`);
  }
  const first = companions.find(isDueBefore);
  if (first) {
    const what = first.state === 'Unjudged' ? 'is judged first' : 'depends on this one, and is rolled back first';
    return wait('WaitsForIncident', `${wordsOf(first)} ${what}`, MOMENT_MS);
  }
  if (!companions.some(isToBeTried)) return undefined;
  if (refused === undefined) return ask('Companions');
  return refused.length === 0
    ? undefined
    : askPerson('CommitNotRestored', `nothing is rolled back, for a dry run was refused: ${refused.join('; ')}`);
};

/** Why the API server would refuse the target of this incident, or of one that is rolled back with it. In words. */
export const refusedTargets = async (
  incident: Incident,
  observed: Observation,
  refusalOf: RefusalOfTarget,
): Promise<string[]> => {
  const others = observed.companions.filter(isToBeTried).map((companion) => companion.incident);
  const all: [Incident, Proposal | undefined][] = [
    [incident, proposalOf(incident, observed)],
    ...others.map((other): [Incident, Proposal | undefined] => [other, other.status?.proposal]),
  ];
  const found = await Promise.all(
    all.map(async ([{ metadata, spec }, proposal]) => {
      const why = proposal && (await refusalOf(proposedHold(metadata.namespace ?? '', proposal)));
      return why === undefined ? [] : [`${spec.workloadRef.kind} ${spec.workloadRef.name}: ${why}`];
    }),
  );
  return found.flat();
};

const isToBeTried = ({ state }: Companion): boolean => state === 'Guilty';

const isDueBefore = ({ state, isFirst }: Companion): boolean =>
  state === 'Unjudged' || (isFirst && (state === 'Guilty' || state === 'RollingBack'));

const wordsOf = ({ incident: { metadata, spec } }: Companion): string =>
  `${spec.workloadRef.kind} ${spec.workloadRef.name} of the same commit (incident ${metadata.name})`;
