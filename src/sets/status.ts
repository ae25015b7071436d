import { withConditions } from '../api/conditions.ts';
import type { GitSyncSet, GitSyncSetStatus } from '../api/gitsyncset.ts';
import type { SetProblem } from './types.ts';

/** How one look at a set ended. */
export interface SetOutcome {
  /** How many GitSyncs were generated; undefined where it did not come to that. */
  syncs?: number;
  revision?: string;
  problems: readonly SetProblem[];
}

const SHOWN = 5;

/** The status that tells of it. Equal outcomes give equal statuses, so that nothing is written when nothing changed. */
export const statusOf = (
  { metadata, status = {}, spec }: GitSyncSet,
  { syncs, revision, problems }: SetOutcome,
  now: number,
): GitSyncSetStatus => {
  const { generation } = metadata;
  const { revision: known, ...before } = status;
  const shown = revision ?? (spec.generator.folders ? known : undefined);
  const [first] = problems;
  const ready = first
    ? { status: false, reason: first.reason, message: wordsOf(problems) }
    : { status: true, reason: 'ReconciliationSucceeded' as const, message: `${plural(syncs ?? 0)}${from(revision)}` };
  return {
    ...before,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(syncs === undefined ? {} : { syncs }),
    ...(shown === undefined ? {} : { revision: shown }),
    conditions: withConditions(status.conditions ?? [], [{ type: 'Ready', ...ready }], { now, generation }),
  };
};

const plural = (count: number): string => (count === 1 ? '1 GitSync' : `${count} GitSyncs`);
const from = (revision: string | undefined): string => (revision === undefined ? '' : ` from ${revision}`);

const wordsOf = (problems: readonly SetProblem[]): string => {
  const more = problems.length > SHOWN ? `; and ${problems.length - SHOWN} more` : '';
  const shown = problems.slice(0, SHOWN).map((problem) => problem.message);
  return `${shown.join('; ')}${more}`;
};
