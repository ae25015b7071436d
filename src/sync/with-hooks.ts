import type { GitSync } from '../api/gitsync.ts';
import type { HookPhase } from '../api/hooks.ts';
import { ReasonError } from '../api/reason-error.ts';
import { cleanUp, retire } from './hooks/clean.ts';
import { dueOf, type Hooked } from './hooks/due.ts';
import type { Hook } from './hooks/hook.ts';
import {
  carriedOver,
  describeEntry,
  entriesIn,
  entriesOf,
  isAskedAgain,
  isDue,
  isOver,
  keyOfEntry,
  neverRun,
  newRun,
  versionIn,
  withEntry,
  withState,
  withStaying,
} from './hooks/run.ts';
import { type PhaseEnd, runPhase } from './hooks/run-phase.ts';
import type { HookPorts } from './hooks/step.ts';
import type { Hashes } from './plan/hashes.ts';
import type { Plan } from './plan/types.ts';
import type { HookRun } from './state/hook-run.ts';
import type { SyncState } from './state/sync-state.ts';
import type { SyncOutcome } from './status/outcome.ts';

export interface WithHooksPorts extends HookPorts {
  hashes: Hashes;
}

export type { Hooked };

/** What was an ordinary object in an earlier revision, and is run as a hook by now, is not applied over that. */
export const withoutHooks = (plan: Plan, { hooks }: SyncState): Plan => {
  const run = new Set(hooks?.entries.map(keyOfEntry));
  return { ...plan, apply: plan.apply.filter(({ key }) => !run.has(key)) };
};

/** No watch tells of hooks: they are asked often while they are young, and seldom later. */
const AGAIN_MS = { least: 1_000, most: 10_000 };

/**
 * The hooks of the phase PreSync. Rejects with ReasonError when one failed: then nothing of the revision is applied.
 * @returns what the sync waits for, or could not make; undefined: it may be applied
 */
export const beforeApply = async (
  sync: GitSync,
  state: SyncState,
  hooked: Hooked,
  ports: WithHooksPorts,
): Promise<SyncOutcome | undefined> => {
  const { hooks, plan } = hooked;
  const before = state.hooks ?? undefined;
  if ((!before && hooks.length === 0) || plan.emptyRefused) return undefined;
  const due = dueOf(sync, state, hooked, ports.hashes);
  const again = before && isAskedAgain(before, due, sync) ? before : undefined;
  if (again || hooks.length === 0 || isDue(before, due)) {
    const first = hooks.length === 0 ? null : newRun(sync, hooks, due, again);
    const next = first && before ? withStaying(first, before, hooks) : first;
    const running = before && (await retire(sync, before, next, ports));
    if (running !== undefined) {
      const message = `hook ${describeEntry(running)} of ${before?.run.revision} has not ended`;
      return waiting(hooked, message, againIn(running.startTime, ports.clock.now()));
    }
    state.hooks = next;
  } else {
    state.hooks = before ? carriedOver(before, due, sync.status?.lastAppliedRevision) : neverRun(sync, hooks, due);
  }
  return state.hooks?.run.version === due.version ? preSync(sync, state, hooked, ports) : undefined;
};

const waiting = ({ commit, revision }: Hooked, message: string, againInMs: number): SyncOutcome => ({
  kind: 'waiting',
  message,
  of: { kind: 'attempted', commit, revision },
  quiet: false,
  againInMs,
});

const againIn = (since: string | undefined, now: number): number => {
  const at = Date.parse(since ?? '');
  return Number.isNaN(at) ? AGAIN_MS.least : Math.min(Math.max((now - at) / 10, AGAIN_MS.least), AGAIN_MS.most);
};

const preSync = async (
  sync: GitSync,
  state: SyncState,
  hooked: Hooked,
  ports: WithHooksPorts,
): Promise<SyncOutcome | undefined> => {
  const { waitsFor, since, failed, problem } = await phase(sync, state, 'PreSync', hooked.hooks, ports);
  if (problem) {
    const { reason, message, permanent } = problem;
    return { kind: 'failed', reason, message, permanent, of: attempted(hooked) };
  }
  if (waitsFor !== undefined) return waiting(hooked, waitsFor, againIn(since, ports.clock.now()));
  if (failed === undefined) return undefined;
  await afterFailure(sync, state, hooked.hooks, ports);
  throw new ReasonError('HookFailed', `nothing of ${hooked.revision} is applied: ${failed}`);
};

const attempted = ({ commit, revision }: Hooked): SyncOutcome => ({ kind: 'attempted', commit, revision });

const current = ({ hooks }: SyncState): HookRun => {
  if (!hooks) throw new TypeError('no hooks are run');
  return hooks;
};

/** Takes the phase as far as it goes now. */
const phase = async (
  sync: GitSync,
  state: SyncState,
  name: HookPhase,
  hooks: readonly Hook[],
  ports: HookPorts,
): Promise<PhaseEnd> => {
  const end = await runPhase(sync, current(state), { phase: name, hooks }, ports);
  state.hooks = end.hooks;
  // Of an ordinary object of before that was deleted for it.
  for (const { key } of hooks) state.drifted.delete(key);
  return end;
};

/** The hooks of the phase SyncFail, once for a run; whatever becomes of them, the sync has failed. */
const syncFail = async (
  sync: GitSync,
  state: SyncState,
  hooks: readonly Hook[],
  ports: HookPorts,
): Promise<'pending' | 'done'> => {
  const before = current(state);
  if (entriesIn(before, 'SyncFail').length === 0) {
    const added = entriesOf(hooks, ['SyncFail'], before.run.isInstall);
    state.hooks = { run: before.run, entries: [...before.entries, ...added] };
  }
  const { waitsFor, since, problem } = await phase(sync, state, 'SyncFail', hooks, ports);
  if (waitsFor === undefined && !problem) return 'done';
  if (waitsFor !== undefined) state.hooksAgainInMs = againIn(since, ports.clock.now());
  return 'pending';
};

/** A hook of this run failed: the run ends with that. */
const afterFailure = async (
  sync: GitSync,
  state: SyncState,
  hooks: readonly Hook[],
  ports: HookPorts,
): Promise<void> => {
  if (current(state).run.state !== 'Running') return;
  if ((await syncFail(sync, state, hooks, ports)) === 'done') await end(sync, state, 'Failed', hooks, ports);
};

const end = async (
  sync: GitSync,
  state: SyncState,
  how: 'Succeeded' | 'Failed',
  hooks: readonly Hook[],
  ports: HookPorts,
): Promise<void> => {
  if (await cleanUp(sync, state, current(state), hooks, ports)) state.hooks = withState(current(state), how);
  else state.hooksAgainInMs = AGAIN_MS.least;
};

/** Whether hooks are still to run once the revision is healthy. */
export const awaitsHealth = ({ hooks }: SyncState): boolean =>
  hooks?.run.state === 'Running' && entriesIn(hooks, 'PostSync').some(({ state }) => !isOver(state));

/** The hooks of the phases PostSync and SyncFail, by how the sync itself ended. */
export const afterApply = async (
  sync: GitSync,
  state: SyncState,
  outcome: SyncOutcome,
  { hooked, ports }: { hooked: Hooked; ports: WithHooksPorts },
): Promise<SyncOutcome> => {
  const { hooks, plan } = hooked;
  if (!state.hooks || outcome.kind === 'waiting') return outcome;
  if (state.hooks.run.version !== versionIn(sync, state, hooked.commit)) return outcome;
  const ended = endOf(outcome);
  if (ended !== 'applied') {
    if (ended === 'failed' && state.hooks.run.state === 'Running') await syncFail(sync, state, hooks, ports);
    return outcome;
  }
  if (state.hooks.run.state === 'Running' && plan.held.length > 0) skipPostSync(state);
  const { waitsFor, since, failed, problem } = await phase(sync, state, 'PostSync', hooks, ports);
  if (problem) {
    const { reason, message, permanent } = problem;
    return { kind: 'failed', reason, message, permanent, of: outcome };
  }
  if (waitsFor !== undefined) {
    const againInMs = againIn(since, ports.clock.now());
    return { kind: 'waiting', message: waitsFor, of: outcome, quiet: false, againInMs };
  }
  if (failed === undefined) {
    if (current(state).run.state === 'Running') await end(sync, state, 'Succeeded', hooks, ports);
    return outcome;
  }
  await afterFailure(sync, state, hooks, ports);
  if (plan.held.length > 0) return outcome; // what was checked does not run any more
  const message = `${hooked.revision} is applied, and a check after it failed: ${failed}`;
  return { kind: 'failed', reason: 'HookFailed', message, permanent: true, of: outcome };
};

/** Whether all of it was applied; what is tried again has not failed yet. */
const endOf = (outcome: SyncOutcome): 'applied' | 'failed' | 'incomplete' => {
  if (outcome.kind === 'failed') return 'failed';
  if (outcome.kind !== 'applied' || outcome.problems.length === 0) return 'applied';
  return outcome.problems.every(({ permanent }) => permanent) ? 'failed' : 'incomplete';
};

/** What they would check does not run: an earlier release does. */
const skipPostSync = (state: SyncState): void => {
  for (const entry of entriesIn(current(state), 'PostSync').filter((each) => each.state === 'Pending')) {
    const message = 'a part of the revision is held';
    state.hooks = withEntry(current(state), { ...entry, state: 'Skipped', message });
  }
};
