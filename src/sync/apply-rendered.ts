import type { GitSync } from '../api/gitsync.ts';
import { keyOf, parseKey } from '../api/meta.ts';
import type { Rendered } from '../render/index.ts';
import type { Head } from '../source/heads.ts';
import { recordPending } from './apply/record-release.ts';
import { type CarryOutPorts, carryOut } from './carry-out.ts';
import { forgetIgnoredBefore, forgetRefused, recheckReported } from './forget.ts';
import { type HealthPorts, waitForHealth } from './health-gate.ts';
import { divideHooks, runsHelmHooks } from './hooks/hook.ts';
import { versionIn } from './hooks/run.ts';
import type { Handover } from './inventory/handover.ts';
import { type InventoryPorts, rebuildInventory } from './inventory/inventory.ts';
import { type RecallPorts, recallApplied } from './inventory/recall.ts';
import { type MakePlanPorts, makePlan } from './make-plan.ts';
import { holdManualUndos, type ManualUndoPorts } from './manual-undos.ts';
import { fingerprintOf, type NewsPorts, namespacesIn } from './nothing-new.ts';
import type { Plan } from './plan/types.ts';
import { originFor } from './resume.ts';
import type { Renderings } from './state/renderings.ts';
import { type SyncState, versionOf } from './state/sync-state.ts';
import type { SyncOutcome } from './status/outcome.ts';
import { afterApply, awaitsHealth, beforeApply, type Hooked, type WithHooksPorts, withoutHooks } from './with-hooks.ts';

export interface ApplyRenderedPorts
  extends NewsPorts,
    ManualUndoPorts,
    InventoryPorts,
    Omit<RecallPorts, 'scaled' | 'namespaces'>,
    MakePlanPorts,
    CarryOutPorts,
    HealthPorts,
    WithHooksPorts {
  holdController: NewsPorts['holdController'] &
    ManualUndoPorts['holdController'] &
    MakePlanPorts['holdController'] &
    CarryOutPorts['holdController'];
  handover: Handover;
  renderings: Renderings;
}

/** `isOver`: it was applied before, and is only kept as it was: hooks are none of it. */
export type Target = Head & { isOver?: boolean };

/** From rendered objects to an outcome: what is ours, what to do, do it, record it, remember it, wait for it. */
export const applyRendered = async (
  sync: GitSync,
  state: SyncState,
  at: Target & { rendered: Rendered },
  ports: ApplyRenderedPorts,
): Promise<SyncOutcome> => {
  const { source, id: commit, revision, rendered } = at;
  const { inputs, hooks: notRun, unmatched, random = [] } = rendered;
  const { objects, hooks } = divideHooks(rendered.objects, { helm: runsHelmHooks(sync) });
  const touched = namespacesIn([...state.inventory.keys()].map(parseKey).concat(objects.map(keyOf)));
  // Before the first await: what changes meanwhile is news for the next reconcile.
  const fingerprint = fingerprintOf(sync, state, touched, ports);

  recheckReported(sync, state);
  forgetIgnoredBefore(sync, state, objects);
  const isKnown = state.inventory.size > 0 && !state.unread;
  const unread = isKnown ? [] : await rebuildInventory(sync, state, objects, ports);
  forgetRefused(sync, state, objects, ports.policy());

  const newPlan = (): Promise<Plan> => makePlan(sync, state, { objects, touched }, ports);
  // Before anybody can say what a person undid, it is known what was applied.
  const first = state.recalled ? undefined : await recallApplied(sync, state, await newPlan(), ports);
  const undone = await holdManualUndos(sync, state, ports);
  const whole = first && !undone ? first : await newPlan();
  const made = at.isOver ? withoutHooks(whole, state) : whole;
  ports.handover.note(sync, made, { commit, inputs });
  const hooked: Hooked = { commit, revision, objects, hooks, plan: made };
  const comesFirst = at.isOver ? undefined : await beforeApply(sync, state, hooked, ports);
  if (comesFirst) {
    ports.renderings.keep(sync, versionOf(state, commit), rendered);
    return comesFirst;
  }
  const { problems: met, blocked } = await carryOut(sync, state, made, { commit, hooks }, ports);
  await recordPending(sync, state, made, ports);

  const unrecorded = [...state.unrecorded.values()].some(({ again }) => again);
  const problems = [...met, ...unread];
  if (problems.length === 0 && !blocked && !made.emptyRefused && !unrecorded) {
    const version = versionIn(sync, state, commit);
    state.planned = { source, commit, version, fingerprint, inputs, origin: await originFor(made, fingerprint, ports) };
    ports.renderings.keep(sync, versionOf(state, commit), rendered);
  } else {
    delete state.planned;
    // Each retry would make other values otherwise, and roll pods. What nobody serves yet has no place yet, either.
    if (random.length > 0 && problems.every(({ reason }) => reason !== 'NoKindMatch'))
      ports.renderings.keep(sync, versionOf(state, commit), rendered);
  }
  const reported = sync.spec.drift === 'Report' ? [...state.reported.values()] : undefined;
  const said = { problems, blocked, reported, hooks: notRun, unmatched, random };
  const outcome = { kind: 'applied', commit, revision, plan: made, ...said } as const;
  if (at.isOver) return waitForHealth(sync, state, outcome, ports);
  const waits = awaitsHealth(state) ? { ...sync, spec: { ...sync.spec, wait: true } } : sync;
  const ended = await waitForHealth(waits, state, outcome, ports);
  return afterApply(sync, state, ended, { hooked, ports });
};
