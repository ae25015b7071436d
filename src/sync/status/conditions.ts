import type { ConditionInput } from '../../api/conditions.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { describeDrift } from '../../ssa/diff.ts';
import { unrecordedWords } from '../apply/record-release.ts';
import { driftConflictsOf } from '../drift/backoff.ts';
import type { ApplyProblem } from '../objects/problem.ts';
import type { SyncState } from '../state/sync-state.ts';
import { cut, no, yes } from './condition.ts';
import type { AppliedOutcome } from './outcome.ts';
import { keptWords, limitWords } from './prune-status.ts';

/** Ready, Stalled, Reconciling and, after an apply, Held. */
export const readiness = (
  revision: string,
  problems: readonly ApplyProblem[],
  { kept }: SyncState,
  applied: AppliedOutcome | undefined,
): ConditionInput[] => {
  const inputs: ConditionInput[] = [];
  const [first] = problems;
  if (first) {
    const more = problems.length > 5 ? ` and ${problems.length - 5} more` : '';
    const message = `${problems
      .slice(0, 5)
      .map((p) => cut(p.message))
      .join('; ')}${more}`;
    inputs.push(
      no('Ready', first.reason, message),
      problems.every((p) => p.permanent) ? yes('Stalled', first.reason, message) : no('Stalled', first.reason, message),
    );
  } else if (applied?.plan.emptyRefused) {
    const message = `${revision} renders nothing; pruning everything needs spec.allowEmpty`;
    inputs.push(no('Ready', 'EmptyRender', message), yes('Stalled', 'EmptyRender', message));
  } else if (applied?.plan.confirm !== undefined) {
    const message = `${revision} is applied, but nothing is deleted: ${limitWords(applied.plan)}`;
    inputs.push(no('Ready', 'PruneLimitExceeded', message), yes('Stalled', 'PruneLimitExceeded', message));
  } else {
    inputs.push(
      yes('Ready', 'ReconciliationSucceeded', `applied ${revision}${keptWords(kept)}`),
      no('Stalled', 'ReconciliationSucceeded', `applied ${revision}`),
    );
  }
  inputs.push(no('Reconciling', first?.reason ?? 'ReconciliationSucceeded', `tried ${revision}`));
  if (applied) inputs.push(heldCondition(applied));
  return inputs;
};

const heldCondition = ({ plan }: AppliedOutcome): ConditionInput => {
  const held = plan.held.map(({ workload, hold, notes }) =>
    [
      `${workload.kind} ${workload.namespace}/${workload.name} stays at release ${hold.spec.target.release} (Hold ${hold.metadata.name})`,
      ...notes,
    ].join('; '),
  );
  return held.length > 0
    ? yes('Held', 'ReleaseHeld', held.join('; '))
    : no('Held', 'NothingHeld', 'no release is held');
};

/** Only where there is something to say, or to take back. */
export const recordedCondition = ({ status }: GitSync, { unrecorded }: SyncState): ConditionInput[] => {
  if (unrecorded.size > 0) {
    const words = [...unrecorded].slice(0, 5).map(([key, entry]) => cut(unrecordedWords(key, entry)));
    const more = unrecorded.size > words.length ? `; and ${unrecorded.size - words.length} more` : '';
    return [no('Recorded', 'NoRollbackTarget', `${words.join('; ')}${more}`)];
  }
  const known = status?.conditions?.some(({ type }) => type === 'Recorded') ?? false;
  return known
    ? [yes('Recorded', 'ReconciliationSucceeded', 'every release that is applied can be rolled back to')]
    : [];
};

/** Likewise: a chart may rely on what its hooks do. */
export const hooksCondition = (sync: GitSync, { hooks = [] }: AppliedOutcome): ConditionInput[] => {
  if (hooks.length > 0) return [yes('HooksNotRun', 'HooksNotRun', `hooks of the chart are not run: ${namedOf(hooks)}`)];
  return takenBack(sync, 'HooksNotRun', 'the chart has no hooks that are left out');
};

/** Likewise: kustomize says nothing of a patch that matches no object. */
export const patchCondition = (sync: GitSync, { unmatched = [] }: AppliedOutcome): ConditionInput[] =>
  unmatched.length > 0
    ? [yes('PatchUnmatched', 'PatchUnmatched', namedOf(unmatched, '; '))]
    : takenBack(sync, 'PatchUnmatched', 'every patch and image matches an object');

/** Likewise: pods are replaced by the next render, whatever it is for. */
export const randomCondition = (sync: GitSync, { random = [] }: AppliedOutcome): ConditionInput[] => {
  if (random.length > 0) {
    const what = `each render of the chart makes another value of ${namedOf(random)}; set them in values`;
    return [yes('RandomValues', 'RandomValues', what)];
  }
  return takenBack(sync, 'RandomValues', 'two renders of the chart are the same');
};

const NAMED = 10;

const namedOf = (all: readonly string[], between = ', '): string =>
  cut(`${all.slice(0, NAMED).join(between)}${all.length > NAMED ? ` and ${all.length - NAMED} more` : ''}`);

const takenBack = ({ status }: GitSync, type: string, message: string): ConditionInput[] =>
  status?.conditions?.some((condition) => condition.type === type)
    ? [no(type, 'ReconciliationSucceeded', message)]
    : [];

export const driftCondition = (
  { reported = [] }: AppliedOutcome,
  { spec }: GitSync,
  state: SyncState,
  now: number,
): ConditionInput => {
  const kinds = [...state.unwatched].toSorted().join(', ');
  const blind =
    kinds === '' ? '' : `; without a watch, read each ${spec.interval} as ${spec.serviceAccountName}: ${kinds}`;
  const conflicts = driftConflictsOf(state, now);
  if (conflicts.length > 0) return yes('Drifted', 'DriftConflict', `${conflicts.join('; ')}${blind}`);
  return reported.length > 0
    ? yes('Drifted', 'DriftFound', `changed by hand: ${reported.map(describeDrift).join('; ')}${blind}`)
    : no('Drifted', 'ReconciliationSucceeded', `as applied${blind}`);
};
