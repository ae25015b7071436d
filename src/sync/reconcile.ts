import { annotations } from '../api/annotations.ts';
import type { DriftEntry, GitSync } from '../api/gitsync.ts';
import { keyOfSync } from '../api/gitsync-names.ts';
import type { Hold } from '../api/hold.ts';
import { describeKey, type KubeObject, keyOf, keyString, type ObjectKey, parseKey } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Clock } from '../clock.ts';
import type { HealthThread } from '../health/thread.ts';
import type { HoldController } from '../holds/controller.ts';
import { holdForManualUndo } from '../holds/manual-undo.ts';
import { type EventRecorder, KubeError } from '../kube/index.ts';
import { refusalOfObject } from '../policy/platform.ts';
import type { Rendered } from '../render/index.ts';
import { type Digests, digestsOf, hashOf } from '../snapshot/index.ts';
import type { Head, Sources } from '../source/heads.ts';
import { describeDrift } from '../ssa/diff.ts';
import { ignoreRulesChanged } from '../ssa/ignore-rules.ts';
import type { Log } from '../telemetry/index.ts';
import { type ApplyPorts, applyAll } from './apply/apply.ts';
import { waveOf } from './apply/apply-order.ts';
import type { ApplyProblem } from './apply/problem.ts';
import { recordPending } from './apply/record-release.ts';
import { isBackedOff, noteCorrection } from './drift/backoff.ts';
import { pollUnwatched } from './drift/unwatched.ts';
import type { Hashes } from './hashes.ts';
import type { Handover } from './inventory/handover.ts';
import { rebuildInventory, rememberInventory } from './inventory/inventory.ts';
import { isPending, type Kept, keptFor } from './inventory/kept.ts';
import { pruneAll } from './inventory/prune.ts';
import type { Rediscovery } from './inventory/rediscover.ts';
import { neededVersions } from './inventory/referenced-versions.ts';
import type { WithRender } from './large.ts';
import { renderSync, type SourcePorts } from './manifests.ts';
import type { Outcome, Unhealthy } from './outcome.ts';
import { type Plan, plan } from './plan.ts';
import type { Renderings } from './renderings.ts';
import { retrySyncIn } from './retry.ts';
import type { SyncState } from './state.ts';
import { isHopeless, isOfTheCommit, unlessUnrenderable } from './unrenderable.ts';
import { unhealthyOf, waitForHealth } from './wait.ts';

export interface ReconcilePorts extends SourcePorts, ApplyPorts {
  health: HealthThread;
  sources: Sources;
  lost: Rediscovery;
  lane: HoldController;
  handover: Handover;
  renderings: Renderings;
  hashes: Hashes;
  withRender: WithRender;
  /** Where the controller itself is installed. */
  systemNamespace: string;
  clock: Clock;
  events: EventRecorder;
  log: Log;
}

/**
 * One sync: the cluster made equal to where the ref stands, with rejected releases kept out.
 * @returns undefined when the repository was not looked at yet: the sync hears of it
 */
export const reconcileOnce = async (
  sync: GitSync,
  state: SyncState,
  ports: ReconcilePorts,
): Promise<Outcome | undefined> => {
  const head = ports.sources.head(sync);
  if (head === undefined) {
    ports.sources.refresh(sync, { tell: true });
    return undefined;
  }
  try {
    if (head instanceof Error) throw head;
    return await bringTo(sync, state, head, ports);
  } catch (error) {
    const problem = failureOf(error);
    if (!problem) throw error;
    if (problem.permanent && !(head instanceof Error)) ports.handover.stuck(sync, head.id);
    // What was applied last is kept against drift, whatever is wrong with the newest commit or with the server.
    await correctDrift(sync, state, ports).catch((err) =>
      ports.log.warn({ err, sync: keyOfSync(sync) }, 'drift correction failed'),
    );
    return problem;
  }
};

const correctDrift = async (sync: GitSync, state: SyncState, ports: ReconcilePorts): Promise<void> => {
  const { planned } = state;
  if (!planned || state.drifted.size === 0) return;
  const at = { source: planned.source, id: planned.commit, revision: sync.status?.lastAppliedRevision ?? '' };
  await bringTo(sync, state, at, ports);
};

const bringTo = async (sync: GitSync, state: SyncState, at: Head, ports: ReconcilePorts): Promise<Outcome> => {
  const { id: commit, revision } = at;
  await pollUnwatched(sync, state, ports);
  if (isPlanned(sync, state, at, ports)) {
    return waitForHealth(sync, state, { kind: 'unchanged', commit, revision }, ports);
  }
  const kept = ports.renderings.get(sync, commit);
  if (kept) return applyPlan(sync, state, { ...at, rendered: kept }, ports);
  const render = async (): Promise<Rendered> => {
    const rendered = await unlessUnrenderable(sync, state, { commit, policy: ports.policy() }, () =>
      renderSync(sync, at.source, commit, state.inventory.keys(), ports),
    );
    state.renderedBytes = rendered.bytes;
    return rendered;
  };
  return ports.withRender(sync.metadata.namespace ?? '', state.renderedBytes ?? 0, render, (rendered) =>
    applyPlan(sync, state, { ...at, rendered }, ports),
  );
};

const applyPlan = async (
  sync: GitSync,
  state: SyncState,
  at: Head & { rendered: Rendered },
  ports: ReconcilePorts,
): Promise<Outcome> => {
  const { id: commit, revision, rendered } = at;
  const touched = namespacesIn([...state.inventory.keys()].map(parseKey).concat(rendered.objects.map(keyOf)));
  const fingerprint = fingerprintOf(sync, touched, ports);
  if (sync.spec.drift === 'Correct') for (const id of state.reported.keys()) state.drifted.add(id); // since now
  await noticeUndone(sync, state, ports);
  forgetRuledAnew(sync, state, rendered.objects);
  const isKnown = state.inventory.size > 0 && !state.unread;
  const unread = isKnown ? [] : await rebuildInventory(sync, state, rendered.objects, ports);
  forgetRefused(sync, state, rendered.objects, ports);
  const digests = digestsOfRendered(rendered.objects, ports.digestKey);
  await ports.hashes.prepare(rendered.objects);
  const made = plan({
    rendered: rendered.objects,
    digestsOf: digests.of,
    hashOf: ports.hashes.of,
    holds: await ports.lane.holdsIn(touched, digests.isRejectedBy),
    applied: new Map([...state.applied].map(([id, a]) => [id, a.hash])),
    drifted: new Set([...state.drifted].filter((id) => !isBackedOff(state, id, ports.clock.now()))),
    inventory: [...state.inventory.keys()],
    settled: settledIn(state),
    prune: sync.spec.prune,
    allowEmpty: sync.spec.allowEmpty,
    maxPrune: Number.parseInt(sync.spec.maxPrune, 10),
    confirmed: sync.metadata.annotations?.[annotations.pruneConfirmed],
  });
  const { inputs } = rendered;
  ports.handover.note(sync, made, { commit, inputs });
  const { problems: met, blocked } = await execute(sync, state, made, commit, ports);
  await recordPending(sync, state, made, ports);
  const unrecorded = [...state.unrecorded.values()].some(({ again }) => again);
  const problems = [...met, ...unread];
  if (problems.length === 0 && !blocked && !made.emptyRefused && !unrecorded) {
    state.planned = { source: at.source, commit, fingerprint, inputs };
    ports.renderings.keep(sync, commit, rendered);
  } else delete state.planned;
  const reported = sync.spec.drift === 'Report' ? [...state.reported.values()] : undefined;
  const outcome = { kind: 'applied', commit, revision, plan: made, problems, blocked, reported } as const;
  return waitForHealth(sync, state, outcome, ports);
};

/** What stays for a reason of its own, and not because much would go: it was lost before. */
const settledIn = ({ kept }: SyncState): Set<string> =>
  new Set([...kept.values()].filter(({ reason }) => SETTLED.has(reason)).map(({ key }) => key));

const SETTLED: ReadonlySet<string> = new Set(['PruneDisabled', 'ConfirmationRequired', 'HandoverPending']);
/** Each computed once, and only where somebody asks. */
const digestsOfRendered = (rendered: readonly KubeObject[], key: Uint8Array) => {
  const known = new Map<KubeObject, Digests>();
  const of = (workload: KubeObject): Digests => {
    const digests = known.get(workload) ?? digestsOf(workload, rendered, key);
    known.set(workload, digests);
    return digests;
  };
  const isRejectedBy = ({ metadata, spec }: Hold): boolean => {
    const held = keyString({ group: 'apps', ...spec.workloadRef, namespace: metadata.namespace ?? '' });
    const workload = rendered.find((object) => keyString(keyOf(object)) === held);
    return workload !== undefined && spec.rejectedDigests.includes(of(workload).sourceDigest);
  };
  return { of, isRejectedBy };
};

/** What the platform does not allow any more counts as not applied: its refusal is told also where Git says nothing new. */
const forgetRefused = (
  sync: GitSync,
  { applied }: SyncState,
  rendered: readonly KubeObject[],
  { policy }: ReconcilePorts,
): void => {
  for (const object of rendered) if (refusalOfObject(sync, object, policy())) applied.delete(keyString(keyOf(object)));
};

/** Objects of which other fields are ours now are applied again. */
const forgetRuledAnew = ({ spec }: GitSync, state: SyncState, objects: readonly KubeObject[]): void => {
  const { ignoreDifferences = spec.ignoreDifferences } = state;
  for (const object of objects) {
    if (ignoreRulesChanged(ignoreDifferences, spec.ignoreDifferences, object))
      state.applied.delete(keyString(keyOf(object)));
  }
  state.ignoreDifferences = spec.ignoreDifferences;
};

/** Nothing that the last plan was made from is different now. */
const isPlanned = (
  sync: GitSync,
  { planned, inventory, drifted, kept }: SyncState,
  at: Head,
  ports: ReconcilePorts,
): boolean => {
  if (!planned || drifted.size > 0 || [...kept.values()].some(isPending)) return false;
  const same = planned.commit === at.id || ports.sources.holds(sync, planned.inputs);
  return same && planned.fingerprint === fingerprintOf(sync, namespacesIn([...inventory.keys()].map(parseKey)), ports);
};

/** Of everything that a plan depends on beside the commit. */
const fingerprintOf = (sync: GitSync, namespaces: ReadonlySet<string>, { lane, policy }: ReconcilePorts): string =>
  hashOf([sync.spec, policy(), lane.inForce(namespaces).map((h) => [h.metadata.uid, h.metadata.generation])]);

/** Wave after wave: one begins when all of the waves before it are healthy. What is gone from Git goes last. */
const execute = async (
  sync: GitSync,
  state: SyncState,
  made: Plan,
  commit: string,
  ports: ReconcilePorts,
): Promise<{ problems: ApplyProblem[]; blocked?: Unhealthy | undefined }> => {
  const onCorrected = (difference: DriftEntry): void => {
    noteCorrection(state, difference, ports.clock.now());
    const note = `put right: ${describeDrift(difference)}`;
    ports.events.record(sync, { type: 'Normal', reason: 'DriftCorrected', action: 'Correct', note });
  };
  const onReported = (difference: DriftEntry): void =>
    ports.events.record(sync, {
      type: 'Warning',
      reason: 'DriftFound',
      action: 'Report',
      note: `changed by hand: ${describeDrift(difference)}`,
    });
  const waves = Map.groupBy(made.apply, ({ object }) => waveOf(object));
  for (const wave of [...waves.keys()].toSorted((a, b) => a - b)) {
    const before = made.desired.filter(({ object }) => waveOf(object) < wave);
    const unhealthy = before.length > 0 ? await unhealthyOf(sync, state, before.map(toKey), ports) : undefined;
    if (unhealthy) {
      const message = `wave ${wave} waits for ${unhealthy.message}`;
      stopAt(state, made, message);
      return { problems: [], blocked: { ...unhealthy, message } };
    }
    const problems = await applyAll(
      sync,
      waves.get(wave) ?? [],
      { commit, state, all: made.desired, onCorrected, onReported },
      ports,
    );
    if (problems.length === 0) continue;
    stopAt(state, made, `until ${namesOf(problems)} can be applied`);
    if (waves.size === 1 && problems.every((p) => p.permanent)) await ports.lane.settle(made);
    return { problems };
  }
  return pruneLast(sync, state, made, commit, ports);
};

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
  ports: ReconcilePorts,
): Promise<{ problems: ApplyProblem[] }> => {
  const needed = await neededVersions(made.prune, ports);
  const keys = made.prune.filter((key) => !needed.has(key));
  const { problems, kept } = await pruneAll(sync, state, { keys, commit }, ports);
  remember(state, made, kept, [...needed, ...problems.map((p) => p.key)]);
  await ports.lane.settle(made);
  return { problems };
};

const remember = (state: SyncState, made: Plan, more: readonly Kept[], undeleted: readonly string[]): void => {
  const kept = [...made.kept, ...more];
  rememberInventory(state, made, [...kept.map(({ key }) => key), ...undeleted]);
  if (!made.emptyRefused) state.kept = new Map(kept.map((each) => [each.key, each]));
};

/** Holds for what people rolled back by hand, in force before the plan is made. */
const noticeUndone = async (
  sync: GitSync,
  state: SyncState,
  { client, events, lane, snapshots }: ReconcilePorts,
): Promise<void> => {
  for (const id of state.drifted) {
    const rejected = state.applied.get(id)?.sourceDigest;
    const hold =
      rejected === undefined ? undefined : await holdForManualUndo(parseKey(id), rejected, { client, snapshots });
    if (!hold) continue;
    const note = `Deployment ${hold.metadata.namespace}/${hold.spec.workloadRef.name} was rolled back by hand: held at release ${hold.spec.target.release}`;
    events.record(sync, { type: 'Normal', reason: 'ReleaseHeld', action: 'Hold', note });
    await lane.seen(hold);
  }
};

const namespacesIn = (keys: readonly { namespace: string }[]): Set<string> => new Set(keys.map((k) => k.namespace));

const failureOf = (error: unknown): (Outcome & { kind: 'failed' }) | undefined => {
  if (error instanceof ReasonError) {
    return { kind: 'failed', reason: error.code, message: error.message, permanent: isOfTheCommit(error.code) };
  }
  if (error instanceof KubeError) {
    return { kind: 'failed', reason: 'ReconciliationFailed', message: error.message, permanent: false };
  }
  return undefined;
};

/** Milliseconds until the sync is tried again by itself; undefined when only news can change anything. */
export const requeueAfter = (
  sync: GitSync,
  state: SyncState,
  outcome: Outcome,
  { sources, clock, random }: { sources: Sources; clock: Clock; random: () => number },
): number | undefined => {
  if (outcome.kind === 'waiting') return outcome.againInMs;
  const times = [...state.kept.values()].flatMap(({ untilMs }) =>
    untilMs === undefined ? [] : [Math.max(0, untilMs - clock.now())],
  );
  const retry = retryOf(sync, state, outcome, { sources, random });
  if (retry !== undefined) times.push(retry);
  return times.length > 0 ? Math.min(...times) : undefined;
};

const retryOf = (
  sync: GitSync,
  state: SyncState,
  outcome: Outcome,
  { sources, random }: { sources: Sources; random: () => number },
): number | undefined => {
  const unrecorded = [...state.unrecorded.values()].some(({ again }) => again);
  const failed =
    outcome.kind === 'failed' || (outcome.kind === 'applied' && (outcome.problems.length > 0 || unrecorded));
  if (!failed) {
    delete state.failing;
    return undefined;
  }
  const head = sources.head(sync);
  const commit = head && 'id' in head ? head.id : '';
  // What can't be rendered needs another commit, spec or policy: each of them is news.
  const hopeless = outcome.kind === 'failed' && outcome.permanent && !outcome.of && isHopeless(outcome.reason);
  return hopeless && state.drifted.size === 0 ? undefined : retrySyncIn(sync, state, commit, random);
};
