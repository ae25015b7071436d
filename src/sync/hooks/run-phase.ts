import type { GitSync } from '../../api/gitsync.ts';
import type { HookPhase } from '../../api/hooks.ts';
import type { ApplyProblem } from '../objects/problem.ts';
import type { HookRun } from '../state/hook-run.ts';
import type { Hook } from './hook.ts';
import { askedBeforeFailure, describeEntry, entriesIn, isOver, keyOfEntry, markOf, withEntry } from './run.ts';
import { followUnknown, type HookPorts, neverMade, takeStep } from './step.ts';

/** How far the hooks of one phase have come. */
export interface PhaseEnd {
  hooks: HookRun;
  /** The one that runs, or waits, in words. */
  waitsFor?: string;
  /** Since when it does. */
  since?: string | undefined;
  /** The one that failed, in words. */
  failed?: string;
  /** Of one that could not be made. */
  problem?: ApplyProblem;
}

/** One hook after the other: the next one begins when the one before it has succeeded. */
export const runPhase = async (
  sync: GitSync,
  before: HookRun,
  { phase, hooks: known }: { phase: HookPhase; hooks: readonly Hook[] },
  ports: HookPorts,
): Promise<PhaseEnd> => {
  let hooks = before;
  const mark = markOf(before, phase);
  for (const entry of entriesIn(before, phase)) {
    if (entry.state === 'Failed') return { hooks, failed: wordsOf(phase, entry) };
    if (isOver(entry.state)) continue;
    const key = keyOfEntry(entry);
    const hook = known.find((each) => each.key === key);
    const step = hook
      ? await takeStep(sync, { hook, entry, mark }, ports)
      : await followUnknown(sync, entry, key, ports);
    if ('problem' in step) {
      // The sync has failed anyway, and its run is to end: a person asks for another one then.
      if (phase !== 'SyncFail' || !step.problem.permanent) return { hooks, problem: step.problem };
      const failed = neverMade(entry, step.problem, ports.clock.now());
      return { hooks: withEntry(hooks, failed), failed: wordsOf(phase, failed) };
    }
    hooks = withEntry(hooks, step.entry);
    if (step.entry.state === 'Failed') {
      // A hook of the phase SyncFail comes after the failure.
      const seen = phase === 'SyncFail' ? hooks : askedBeforeFailure(hooks, sync);
      return { hooks: seen, failed: wordsOf(phase, step.entry) };
    }
    const { startTime = step.since } = step.entry;
    if (!isOver(step.entry.state)) return { hooks, waitsFor: wordsOf(phase, step.entry), since: startTime };
  }
  return { hooks };
};

/** `PreSync hook Job shop/migrate: BackoffLimitExceeded`. */
const wordsOf = (phase: HookPhase, entry: Parameters<typeof describeEntry>[0]): string =>
  `${phase} hook ${describeEntry(entry)}: ${entry.message ?? (entry.state === 'Running' ? 'it runs' : entry.state)}`;
