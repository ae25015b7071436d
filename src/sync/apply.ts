import { annotations } from '../api/annotations.ts';
import type { DriftEntry, GitSync } from '../api/gitsync.ts';
import { describeKey, type KubeObject, keyOf } from '../api/meta.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import type { Reason } from '../api/reasons.ts';
import type { Clock } from '../clock.ts';
import { type Discovery, isRejected, KubeError, type ResourceType } from '../kube/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { takeOver } from './adopt.ts';
import { refusalOfObject } from './confine.ts';
import { awaitEstablished } from './established.ts';
import type { ForeignObjects } from './foreign.ts';
import { ownerLabelOf } from './names.ts';
import { batchesOf, stageOf } from './order.ts';
import { type OwnedObjects, ownerOf } from './owned.ts';
import type { PlannedObject } from './plan.ts';
import { type PreparePorts, prepare } from './prepare.ts';
import type { Scaled } from './scaled.ts';
import { compare, send } from './send.ts';
import { type SyncState, versionSeen } from './state.ts';

export interface ApplyPorts extends PreparePorts {
  clock: Clock;
  discovery: Discovery;
  owned: OwnedObjects;
  foreign: ForeignObjects;
  scaled: Scaled;
  lock: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  /** What the operator of the platform allows. */
  policy: () => PlatformPolicySpec;
  /** Whether a Hold that came since the plan rejects this digest of the workload. */
  isRejectedNow: (workload: KubeObject, digest: string) => boolean;
  metrics: Metrics;
  /** Aborted when this process may no longer write: another one leads. */
  signal: AbortSignal;
}

export interface ApplyProblem {
  key: string;
  reason: Reason;
  message: string;
  /** Trying the same again is useless until something changes. */
  permanent: boolean;
}

export interface ApplyContext {
  commit: string;
  state: SyncState;
  /** Everything that the plan wants, not only what is sent. */
  all: readonly PlannedObject[];
  /** Told of what an apply put right. */
  onCorrected: (difference: DriftEntry) => void;
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
        const problem = await applyOne(sync, next, context, ports).catch(problemOf(next));
        if (problem) problems.push(problem);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, worker));
    if (batch.some(({ object }) => stageOf(object) === 0)) await awaitEstablished(batch, ports);
  }
  return problems;
};

/** One object's failure, in words; what is no answer of the API server is not the object's. */
const problemOf =
  ({ key, object }: PlannedObject) =>
  (error: unknown): ApplyProblem => {
    if (!(error instanceof KubeError)) throw error;
    const message = `${describeKey(keyOf(object))}: ${error.message}`;
    // A namespace that ends, ends some day, and may then be made again.
    const terminating = /is being terminated/.test(error.message);
    return { key, reason: 'ObjectRejected', message, permanent: isRejected(error) && !terminating };
  };

const applyOne = async (
  sync: GitSync,
  planned: PlannedObject,
  context: ApplyContext,
  ports: ApplyPorts,
): Promise<ApplyProblem | undefined> => {
  const { key, object } = planned;
  const refused = refusalOfObject(sync, object, ports.policy());
  if (refused) return { key, ...refused, permanent: true };
  const type = await ports.discovery.find(object.apiVersion, object.kind);
  if (!type) return unknownKind(planned);
  const owned = await ports.owned.of(type);
  return ports.lock(key, async () => {
    const live = owned.get(object.metadata);
    const problem = await ownershipProblem(sync, type, planned, live, ports);
    if (problem) return problem;
    if (isLeftAlone(object, live)) context.state.drifted.delete(key);
    // The rollback lane was here between plan and apply: what it put there stays.
    else if (!planned.digests || !ports.isRejectedNow(object, planned.digests.sourceDigest)) {
      await applyOrCompare(sync, type, planned, { ...context, live }, ports);
    }
    return undefined;
  });
};

/** Whose it is, before it is touched; another tool's object is taken over where that was asked for. */
const ownershipProblem = async (
  sync: GitSync,
  type: ResourceType,
  planned: PlannedObject,
  live: KubeObject | undefined,
  ports: ApplyPorts,
): Promise<ApplyProblem | undefined> => {
  const owner = ownerOf(live);
  if (owner === ownerLabelOf(sync)) return undefined;
  if (owner !== undefined) return ownedByAnother(planned, owner);
  const refused = await takeOver(sync, type, planned.object, ports);
  return refused === undefined
    ? undefined
    : { key: planned.key, reason: 'NotAdopted', message: refused, permanent: true };
};

/** By the annotations: paused in the cluster, or never to be applied (again) by Git's own word. */
const isLeftAlone = (object: KubeObject, live: KubeObject | undefined): boolean => {
  const policy = object.metadata.annotations?.[annotations.apply];
  const paused = live?.metadata.annotations?.[annotations.pause] === 'true';
  return paused || policy === 'ignore' || (policy === 'create-only' && live !== undefined);
};

const applyOrCompare = async (
  sync: GitSync,
  type: ResourceType,
  planned: PlannedObject,
  context: ApplyContext & { live: KubeObject | undefined },
  ports: ApplyPorts,
): Promise<void> => {
  const { key } = planned;
  const { state, live, all } = context;
  const prepared = await prepare(sync, planned, { ...context, owner: ownerLabelOf(sync) }, ports);
  if (isOnlyReported(sync, planned, live, state)) {
    const { difference, seen } = await compare(sync, type, prepared, all, ports);
    if (difference) state.reported.set(key, difference);
    else state.reported.delete(key);
    return remember(state, planned, seen);
  }
  const { result, corrected } = await send(sync, type, prepared, { all, drifted: state.drifted.has(key) }, ports);
  if (corrected) context.onCorrected(corrected);
  state.reported.delete(key);
  remember(state, planned, result);
};

const remember = (state: SyncState, { key, hash, digests }: PlannedObject, seen: KubeObject | undefined): void => {
  state.drifted.delete(key);
  state.applied.set(key, {
    hash,
    version: seen ? versionSeen(seen.metadata) : GONE,
    uid: seen?.metadata.uid ?? '',
    ...(digests === undefined ? {} : { sourceDigest: digests.sourceDigest }),
  });
};

/** Version of an object that is not there. */
const GONE = '';

/** With drift Report, what Git says now is what was applied already: a difference is then somebody else's change. */
const isOnlyReported = (
  { spec }: GitSync,
  { key, hash }: PlannedObject,
  live: KubeObject | undefined,
  state: SyncState,
): boolean => {
  if (spec.drift !== 'Report') return false;
  if (live) return live.metadata.annotations?.[annotations.appliedHash] === hash;
  return state.applied.get(key)?.hash === hash;
};

const unknownKind = ({ key, object }: PlannedObject): ApplyProblem => ({
  key,
  reason: 'UnknownKind',
  message: `${describeKey(keyOf(object))}: the API server serves no ${object.kind} in ${object.apiVersion}`,
  permanent: false,
});

const ownedByAnother = ({ key, object }: PlannedObject, owner: string): ApplyProblem => ({
  key,
  reason: 'OwnedByAnother',
  message: `${describeKey(keyOf(object))} belongs to GitSync ${owner.replace('.', '/')}`,
  permanent: true,
});
