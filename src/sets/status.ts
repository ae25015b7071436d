import { withConditions } from '../api/conditions.ts';
import type { GitSyncSet, GitSyncSetStatus } from '../api/gitsyncset.ts';
import type { SetProblem } from './types.ts';

/** How one look at a set ended. */
export interface SetOutcome {
  /** How many GitSyncs were generated; undefined where a generator could not be read. */
  generatedCount?: number;
  /** ref@commit of each `folders`. */
  revisions?: readonly string[];
  problems: readonly SetProblem[];
}

const SHOWN = 5;

/** The status that tells of it. Equal outcomes give equal statuses, so that nothing is written when nothing changed. */
export const statusOf = (
  { metadata, status = {}, spec }: GitSyncSet,
  { generatedCount, revisions, problems }: SetOutcome,
  now: number,
): GitSyncSetStatus => {
  const { generation } = metadata;
  const { revisions: known = [], ...before } = status;
  const shown = revisions ?? (spec.generators.some(({ folders }) => folders) ? known : []);
  const [first] = problems;
  const ready = first
    ? { status: false, reason: first.reason, message: wordsOf(problems) }
    : {
        status: true,
        reason: 'ReconciliationSucceeded' as const,
        message: `${plural(generatedCount ?? 0)}${from(revisions)}`,
      };
  return {
    ...before,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(generatedCount === undefined ? {} : { generatedCount }),
    ...(shown.length === 0 ? {} : { revisions: [...shown] }),
    conditions: withConditions(status.conditions ?? [], [{ type: 'Ready', ...ready }], { now, generation }),
  };
};

const plural = (count: number): string => (count === 1 ? '1 GitSync' : `${count} GitSyncs`);
const from = (revisions: readonly string[] = []): string =>
  revisions.length === 0 ? '' : ` from ${revisions.join(', ')}`;

const wordsOf = (problems: readonly SetProblem[]): string => {
  const more = problems.length > SHOWN ? `; and ${problems.length - SHOWN} more` : '';
  const shown = problems.slice(0, SHOWN).map((problem) => problem.message);
  return `${shown.join('; ')}${more}`;
};
