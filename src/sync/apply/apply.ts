import { isDeepStrictEqual } from 'node:util';
import { annotations } from '../../api/annotations.ts';
import type { DriftEntry, GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import type { Clock } from '../../clock.ts';
import type { FairSemaphore } from '../../fair-semaphore.ts';
import type { Discovery, KubeClient, ResourceType } from '../../kube/index.ts';
import { refusalOfObject } from '../../policy/platform.ts';
import type { SnapshotStore } from '../../snapshot/index.ts';
import { markOf } from '../../ssa/marks.ts';
import type { Metrics } from '../../telemetry/index.ts';
import { noteWatch } from '../drift/unwatched.ts';
import type { Handover } from '../inventory/handover.ts';
import { type OwnedObjects, ownerOf } from '../objects/owned-objects.ts';
import { type ApplyProblem, notAdopted, ownedByAnother, problemOf, unknownKind } from '../objects/problem.ts';
import { readsOf } from '../objects/reads.ts';
import { batchesOf, stageOf } from '../plan/apply-order.ts';
import type { PlannedObject } from '../plan/plan.ts';
import type { SyncState } from '../state/sync-state.ts';
import { applyFirst, inherit, takeOver } from './adopt.ts';
import type { Autoscaled } from './autoscaled.ts';
import { awaitEstablished } from './crd-established.ts';
import { askEachTime, type ForeignObjects } from './foreign-objects.ts';
import { type PreparePorts, prepare } from './prepare.ts';
import { recordOutstanding, recordRelease } from './record-release.ts';
import { compare, send } from './send.ts';

export interface ApplyPorts extends PreparePorts {
  client: KubeClient;
  clock: Clock;
  discovery: Discovery;
  owned: OwnedObjects;
  foreign: ForeignObjects;
  /** The GitSync of this owner label, if it exists. */
  ownerOf: (label: string) => GitSync | undefined;
  handover: Pick<Handover, 'mayTake'>;
  scaled: Autoscaled;
  lock: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  /** By namespace of the GitSync: one whose requests hang leaves connections for the others. */
  turns: FairSemaphore;
  /** What the operator of the platform allows. */
  policy: () => PlatformPolicySpec;
  /** Whether a Hold that came since the plan rejects this digest of the workload. */
  isRejectedNow: (workload: KubeObject, digest: string) => boolean;
  metrics: Metrics;
  snapshots: SnapshotStore;
  /** Aborted when this process may no longer write: another one leads. */
  signal: AbortSignal;
}

export interface ApplyContext {
  commit: string;
  state: SyncState;
  /** Everything that the plan wants, not only what is sent. */
  all: readonly PlannedObject[];
  /** Told of what an apply put right. */
  onCorrected: (difference: DriftEntry) => void;
  /** Told of a difference that is only reported, when it is new. */
  onReported: (difference: DriftEntry) => void;
}

const CONCURRENCY = 20;

/** Applies the objects class by class. One that is refused stops nobody else; each is named in the problems. */
export const applyAll = async (
  sync: GitSync,
  planned: readonly PlannedObject[],
  context: ApplyContext,
  ports: ApplyPorts,
): Promise<ApplyProblem[]> => {
  const problems: ApplyProblem[] = [];
  for (const batch of batchesOf(planned)) {
    const queue = [...batch];
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        ports.signal.throwIfAborted();
        const problem = await applyOne(sync, next, context, ports).catch(problemOf(next, ports.discovery));
        if (problem) problems.push(problem);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, worker));
    if (batch.some(({ object }) => stageOf(object) === 0)) await awaitEstablished(batch, ports);
  }
  return problems.toSorted((a, b) => (a.key < b.key ? -1 : 1)); // the same words at each try
};

const applyOne = async (
  sync: GitSync,
  planned: PlannedObject,
  context: ApplyContext,
  given: ApplyPorts,
): Promise<ApplyProblem | undefined> => {
  const { key, object } = planned;
  if (policyOf(object) === 'ignore') return leaveAlone(context.state, key);
  const refused = refusalOfObject(sync, object, given.policy());
  if (refused) return { key, ...refused, permanent: true };
  const type = await given.discovery.find(object.apiVersion, object.kind);
  // Served only since the render, which could not know its scope: placed at the next try.
  if (!type || (type.namespaced && object.metadata.namespace === undefined))
    return unknownKind(planned, given.discovery);
  const reads = await readsOf(sync, type, given);
  noteWatch(context.state, type, reads, given.clock.now());
  // What the controller may not read, everything below asks as the account that writes it.
  const ports = reads.watched ? given : { ...given, client: reads.client, foreign: askEachTime(reads.client) };
  const work = async (): Promise<ApplyProblem | undefined> => {
    const live = await reads.get(object.metadata);
    const owner = ownerOf(live);
    if (owner !== undefined && owner !== ownerLabelOf(sync)) {
      const other = ports.ownerOf(owner);
      if (other && (isPaused(live) || !ports.handover.mayTake(sync, other, key))) return ownedByAnother(planned, owner);
      await inherit(sync, type, object, owner, ports);
    }
    if (owner === undefined) {
      const isThere = async () => (live ?? (await ports.client.get(type, object.metadata))) !== undefined;
      if (policyOf(object) === 'create-only' && (await isThere())) return leaveAlone(context.state, key);
      // A label without the apply that it tells of: no list of what nobody owns has it.
      const refused = await takeOver(sync, type, object, { now: live !== undefined }, ports);
      if (refused !== undefined) return notAdopted(planned, refused);
    }
    if (isLeftAlone(object, live)) return void context.state.drifted.delete(key);
    return applyOurs(sync, type, planned, { ...context, live }, ports);
  };
  return ports.lock(key, () => ports.turns(sync.metadata.namespace ?? '', work));
};

/** What may be applied; whether another tool has it after all, a first apply finds out. */
const applyOurs = async (
  sync: GitSync,
  type: ResourceType,
  planned: PlannedObject,
  context: ApplyContext & { live: KubeObject | undefined },
  ports: ApplyPorts,
): Promise<ApplyProblem | undefined> => {
  const { object, digests } = planned;
  // The rollback lane was here between plan and apply: what it put there stays.
  if (digests && ports.isRejectedNow(object, digests.sourceDigest)) return undefined;
  const { object: prepared, recording } = prepare(sync, planned, { ...context, owner: ownerLabelOf(sync) }, ports);
  await recordOutstanding(planned.key, context.state, ports);
  let seen: KubeObject | undefined;
  const apply = async (force: boolean): Promise<KubeObject | undefined> => {
    seen = await applyOrCompare(sync, type, planned, { ...context, prepared, force }, ports);
    return seen;
  };
  const refused =
    ownerOf(context.live) === undefined ? await applyFirst(sync, type, object, apply, ports) : void (await apply(true));
  if (refused !== undefined) {
    context.state.applied.delete(planned.key);
    return notAdopted(planned, refused);
  }
  await recordRelease(planned.key, { recording, applied: seen }, context.state, ports);
  return undefined;
};

const policyOf = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[annotations.apply];

/** By the annotations: paused in the cluster, or never to be applied again by Git's own word. */
const isLeftAlone = (object: KubeObject, live: KubeObject | undefined): boolean => {
  return isPaused(live) || (policyOf(object) === 'create-only' && live !== undefined);
};

const isPaused = (live: KubeObject | undefined): boolean => live?.metadata.annotations?.[annotations.pause] === 'true';

/** By Git's own word it is none of ours. */
const leaveAlone = (state: SyncState, key: string): undefined => {
  state.drifted.delete(key);
  state.untouched.add(key);
};

const applyOrCompare = async (
  sync: GitSync,
  type: ResourceType,
  planned: PlannedObject,
  context: ApplyContext & { live: KubeObject | undefined; prepared: KubeObject; force: boolean },
  ports: ApplyPorts,
): Promise<KubeObject | undefined> => {
  const { key } = planned;
  const { state, live, all, prepared, force } = context;
  if (isOnlyReported(sync, planned, live, context)) {
    const { difference, seen } = await compare(sync, type, prepared, all, ports);
    const known = state.reported.get(key) ?? sync.status?.drift?.find(({ id }) => id === key);
    if (difference && !isDeepStrictEqual(difference, known)) context.onReported(difference);
    if (difference) state.reported.set(key, difference);
    else state.reported.delete(key);
    remember(state, { owner: ownerLabelOf(sync), now: ports.clock.now() }, planned, seen);
    return seen;
  }
  const how = { all, drifted: state.drifted.has(key), force };
  const { result, corrected } = await send(sync, type, prepared, how, ports);
  if (corrected) context.onCorrected(corrected);
  state.reported.delete(key);
  remember(state, { owner: ownerLabelOf(sync), now: ports.clock.now() }, planned, result);
  return result;
};

const remember = (
  state: SyncState,
  { owner, now }: { owner: string; now: number },
  { key, hash, digests }: PlannedObject,
  seen: KubeObject | undefined,
): void => {
  state.drifted.delete(key);
  state.untouched.delete(key);
  state.applied.set(key, {
    hash,
    mark: seen ? markOf(seen, owner) : '',
    resourceVersion: seen?.metadata.resourceVersion ?? '',
    generation: seen?.metadata.generation ?? 0,
    at: now,
    uid: seen?.metadata.uid ?? '',
    ...(digests === undefined ? {} : { sourceDigest: digests.sourceDigest }),
  });
};

/** With drift Report, what Git says now is what was applied already: a difference is then somebody else's change. */
const isOnlyReported = (
  { spec, status }: GitSync,
  { key, hash }: PlannedObject,
  live: KubeObject | undefined,
  { state, commit }: ApplyContext,
): boolean => {
  if (spec.drift !== 'Report') return false;
  if (live) return live.metadata.annotations?.[annotations.appliedHash] === hash;
  const applied = state.applied.get(key);
  if (applied) return applied.hash === hash;
  // Deleted, and an earlier process may have applied it.
  return status?.lastAppliedRevision?.endsWith(`@${commit}`) === true && state.inventory.has(key);
};
