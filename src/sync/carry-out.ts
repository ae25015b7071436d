import type { DriftEntry, GitSync } from '../api/gitsync.ts';
import { describeKey, type ObjectKey, parseKey } from '../api/meta.ts';
import type { Occurred } from '../api/occurrence.ts';
import type { Clock } from '../clock.ts';
import type { HoldController } from '../holds/index.ts';
import { describeDrift } from '../ssa/diff.ts';
import { applyAll } from './apply/apply.ts';
import type { ApplyPorts } from './apply/types.ts';
import { noteCorrection } from './drift/backoff.ts';
import { type HealthPorts, unhealthyOf } from './health-gate.ts';
import type { Hook } from './hooks/hook.ts';
import { rememberInventory } from './inventory/inventory.ts';
import { type PrunePorts, pruneAll } from './inventory/prune.ts';
import { neededVersions, type VersionPorts } from './inventory/referenced-versions.ts';
import { keptForReleases, type ReleaseNeedsPorts } from './inventory/release-needs.ts';
import type { ApplyProblem } from './objects/problem.ts';
import { waveOf } from './plan/apply-order.ts';
import { type Kept, keptFor } from './plan/kept.ts';
import type { Plan, PlannedObject } from './plan/types.ts';
import type { SyncState } from './state/sync-state.ts';
import type { Unhealthy } from './status/outcome.ts';
import { keptForSuccessors } from './successors.ts';

export interface CarryOutPorts extends ApplyPorts, PrunePorts, VersionPorts, ReleaseNeedsPorts, HealthPorts {
  clock: Clock;
  occurred: Occurred;
  handover: ApplyPorts['handover'] & PrunePorts['handover'];
  holdController: Pick<HoldController, 'settle' | 'refused'>;
}

/** Wave after wave: one begins when all of the waves before it are healthy. What is gone from Git goes last. */
export const carryOut = async (
  sync: GitSync,
  state: SyncState,
  made: Plan,
  { commit, hooks }: { commit: string; hooks: readonly Hook[] },
  ports: CarryOutPorts,
): Promise<{ problems: ApplyProblem[]; blocked?: Unhealthy | undefined }> => {
  const byKey = new Map(made.desired.map((planned) => [planned.key, planned]));
  const run = hooks.map(({ object }) => object);
  const context = { commit, state, all: made.desired, byKey, hooks: run, ...driftNews(sync, state, ports) };
  const waves = Map.groupBy(made.apply, ({ object }) => waveOf(object));
  for (const wave of [...waves.keys()].toSorted((a, b) => a - b)) {
    const before = made.desired.filter(({ object }) => waveOf(object) < wave);
    const unhealthy = before.length > 0 ? await unhealthyOf(sync, state, before.map(toKey), ports) : undefined;
    if (unhealthy) {
      const message = `wave ${wave} waits for ${unhealthy.message}`;
      stopAt(state, made, message);
      return { problems: [], blocked: { ...unhealthy, message } };
    }
    const planned = waves.get(wave) ?? [];
    const problems = withoutHolds(await applyAll(sync, planned, context, ports), planned, ports);
    if (problems.length === 0) continue;
    stopAt(state, made, `until ${namesOf(problems)} can be applied`);
    if (waves.size === 1 && problems.every((p) => p.permanent)) ports.holdController.settle(made);
    return { problems };
  }
  return pruneLast(sync, state, made, commit, ports);
};

/** What is refused of a Hold's target is the Hold's failure, and costs the rest of the GitSync nothing. */
const withoutHolds = (
  problems: readonly ApplyProblem[],
  planned: readonly PlannedObject[],
  { holdController }: Pick<CarryOutPorts, 'holdController'>,
): ApplyProblem[] => {
  const holds = new Map(planned.flatMap(({ key, hold }) => (hold ? [[key, hold]] : [])));
  return problems.filter(({ key, message }) => {
    const hold = holds.get(key);
    if (hold) holdController.refused(hold, message);
    return !hold;
  });
};

/** Events about what an apply corrected, and about what it only found. */
const driftNews = (
  sync: GitSync,
  state: SyncState,
  { clock, occurred }: Pick<CarryOutPorts, 'clock' | 'occurred'>,
) => ({
  onCorrected(difference: DriftEntry): void {
    noteCorrection(state, difference, clock.now());
    const message = `reverted to Git: ${describeDrift(difference)}`;
    occurred({ regarding: sync, severity: 'info', reason: 'DriftCorrected', action: 'Correct', message });
  },
  onReported(difference: DriftEntry): void {
    const message = `changed by hand: ${describeDrift(difference)}`;
    occurred({ regarding: sync, severity: 'warning', reason: 'DriftFound', action: 'Report', message });
  },
});

const namesOf = (problems: readonly ApplyProblem[]): string => {
  const names = problems.slice(0, 3).map(({ key }) => describeKey(parseKey(key)));
  return problems.length > 3 ? `${names.join(', ')} and ${problems.length - 3} more` : names.join(', ');
};

const toKey = ({ key }: { key: string }): ObjectKey => parseKey(key);

/**
 * What is not applied yet is in the inventory all the same: it is wanted. Nothing is pruned: what was refused may be
 * there to replace what would go.
 */
const stopAt = (state: SyncState, made: Plan, why: string): void =>
  remember(state, made, keptFor(made.prune, 'PruneBlocked', why), []);

const pruneLast = async (
  sync: GitSync,
  state: SyncState,
  made: Plan,
  commit: string,
  ports: CarryOutPorts,
): Promise<{ problems: ApplyProblem[] }> => {
  const needed = await neededVersions(made.prune, ports);
  const awaiting = await keptForSuccessors(sync, state, made, ports);
  const forReleases = await keptForReleases(sync, made.prune, ports);
  const early = new Map([...forReleases, ...awaiting].map((each) => [each.key, each]));
  const staying = new Set([...needed, ...early.keys()]);
  const keys = made.prune.filter((key) => !staying.has(key));
  const { problems, kept } = await pruneAll(sync, state, { keys, commit }, ports);
  remember(state, made, [...early.values(), ...kept], [...needed, ...problems.map((p) => p.key)]);
  ports.holdController.settle(made);
  return { problems };
};

const remember = (state: SyncState, made: Plan, more: readonly Kept[], undeleted: readonly string[]): void => {
  const kept = [...made.kept, ...more];
  rememberInventory(state, made, [...kept.map(({ key }) => key), ...undeleted]);
  if (made.emptyRefused) return;
  const withSuccessors = (each: Kept): Kept => {
    const successors = made.departures.get(each.key);
    return successors ? { ...each, successors } : each;
  };
  state.kept = new Map(kept.map((each) => [each.key, withSuccessors(each)]));
};
