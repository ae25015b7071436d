import { annotations, fieldManagerOf, labels } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import { describeKey, type KubeObject, keyOf, keyString } from '../api/meta.ts';
import { isOptedIn } from '../api/optin.ts';
import type { Reason } from '../api/reasons.ts';
import { isWorkloadKind } from '../api/workload.ts';
import {
  type Discovery,
  isRejected,
  type KubeClient,
  KubeError,
  type ResourceType,
  type WatchCache,
} from '../kube/index.ts';
import { ensureHistory, type SnapshotStore, templateOf } from '../snapshot/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { batchesOf, stageOf } from './order.ts';
import { type OwnedObjects, ownerLabel } from './owned.ts';
import type { PlannedObject } from './plan.ts';
import { type SyncState, versionSeen } from './state.ts';

export interface ApplyPorts {
  client: KubeClient;
  discovery: Discovery;
  owned: OwnedObjects;
  namespaces: WatchCache;
  snapshots: SnapshotStore;
  lock: <T>(key: string, work: () => Promise<T>) => Promise<T>;
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

const CONCURRENCY = 20;

/** Applies the objects class by class. One that is refused stops nobody else; each is named in the problems. */
export const applyAll = async (
  sync: GitSync,
  planned: readonly PlannedObject[],
  context: { commit: string; state: SyncState; all: readonly PlannedObject[] },
  ports: ApplyPorts,
): Promise<ApplyProblem[]> => {
  const problems: ApplyProblem[] = [];
  for (const batch of batchesOf(
    planned.map((p) => Object.assign({ apiVersion: p.object.apiVersion, kind: p.object.kind }, { planned: p })),
  )) {
    const queue = batch.map((b) => b.planned);
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        ports.signal.throwIfAborted();
        const problem = await applyOne(sync, next, context, ports).catch((error) => problemOf(next, error));
        if (problem) problems.push(problem);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, worker));
    if (batch.some((b) => stageOf(b) === 0)) await ports.discovery.refresh();
  }
  return problems;
};

const problemOf = ({ key, object }: PlannedObject, error: unknown): ApplyProblem => {
  const what = describeKey(keyOf(object));
  if (error instanceof KubeError) {
    return { key, reason: 'ObjectRejected', message: `${what}: ${error.message}`, permanent: isRejected(error) };
  }
  throw error;
};

const applyOne = async (
  sync: GitSync,
  planned: PlannedObject,
  { commit, state, all }: { commit: string; state: SyncState; all: readonly PlannedObject[] },
  ports: ApplyPorts,
): Promise<ApplyProblem | undefined> => {
  const { key, object } = planned;
  const type = await ports.discovery.find(object.apiVersion, object.kind);
  if (!type) return unknownKind(planned);
  const owned = await ports.owned.of(type);
  const owner = ownerLabel({ namespace: sync.metadata.namespace ?? '', name: sync.metadata.name });
  return ports.lock(key, async () => {
    const live = owned.get(object.metadata);
    const otherOwner = live?.metadata.labels?.[labels.sync];
    if (otherOwner !== undefined && otherOwner !== owner) return ownedByAnother(planned, otherOwner);
    const policy =
      live?.metadata.annotations?.[annotations.pause] === 'true'
        ? 'ignore'
        : object.metadata.annotations?.[annotations.apply];
    if (policy === 'ignore' || (policy === 'create-only' && live)) return undefined;
    const digest = planned.digests?.sourceDigest;
    // The rollback lane was here between plan and apply: what it put there stays.
    if (digest !== undefined && ports.isRejectedNow(object, digest)) return undefined;
    const prepared = await prepare(sync, planned, { commit, live, owner, all }, ports);
    const result = await send(sync, type, prepared, ports);
    ports.metrics.applied.inc({ result: 'applied' });
    state.drifted.delete(key);
    state.applied.set(key, {
      hash: planned.hash,
      version: versionSeen(result.metadata),
      uid: result.metadata.uid ?? '',
      ...(digest === undefined ? {} : { sourceDigest: digest }),
    });
    return undefined;
  });
};

const send = async (
  sync: GitSync,
  type: ResourceType,
  object: KubeObject,
  { client, metrics }: ApplyPorts,
): Promise<KubeObject> => {
  const { namespace = '', name } = sync.metadata;
  const account = sync.spec.serviceAccountName;
  const writer =
    account === undefined ? client : client.impersonate({ userName: `system:serviceaccount:${namespace}:${account}` });
  const options = { fieldManager: fieldManagerOf({ namespace, name }), force: true };
  try {
    return await writer.apply(type, object, options);
  } catch (error) {
    metrics.applied.inc({ result: 'rejected' });
    const replace = object.metadata.annotations?.[annotations.apply] === 'force-replace';
    if (!(replace && error instanceof KubeError && error.status === 422)) throw error;
    await writer.delete(type, object.metadata, { propagationPolicy: 'Foreground' });
    return writer.apply(type, object, options);
  }
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

/** The object as it is sent: with the owner's label and, for a workload, with what its release is. */
const prepare = async (
  sync: GitSync,
  planned: PlannedObject,
  {
    commit,
    live,
    owner,
    all,
  }: { commit: string; live: KubeObject | undefined; owner: string; all: readonly PlannedObject[] },
  ports: ApplyPorts,
): Promise<KubeObject> => {
  const { object, digests, hold } = planned;
  const labelled = withMetadata(object, { labels: { [labels.sync]: owner } });
  // A held target comes from its snapshot, which has its annotations already.
  if (hold && isWorkloadKind(object.kind))
    return withMetadata(labelled, { annotations: { [annotations.snapshot]: hold.spec.target.snapshot } });
  if (!digests) return labelled;
  const was = live?.metadata.annotations ?? {};
  const same = was[annotations.sourceDigest] === digests.sourceDigest;
  const stamped = withMetadata(labelled, {
    annotations: {
      [annotations.sourceDigest]: digests.sourceDigest,
      // A release knows the commit in which its digest appeared first.
      [annotations.commit]: (same ? was[annotations.commit] : undefined) ?? commit,
    },
  });
  const namespace = ports.namespaces.get({ name: object.metadata.namespace ?? '' })?.metadata;
  const template = (templateOf(object) as { metadata?: object } | undefined)?.metadata;
  const workload = { annotations: { ...object.metadata.annotations, ...live?.metadata.annotations } };
  if (!isOptedIn({ template, workload, namespace })) return stamped;
  const snapshot = await writeSnapshot(sync, stamped, digests, all, ports);
  return withMetadata(stamped, { annotations: { [annotations.snapshot]: snapshot } });
};

/** Before the apply: whatever happens after it, there is something to come back to. */
const writeSnapshot = async (
  sync: GitSync,
  workload: KubeObject,
  digests: NonNullable<PlannedObject['digests']>,
  all: readonly PlannedObject[],
  { client, snapshots }: ApplyPorts,
): Promise<string> => {
  const { namespace = '', name } = workload.metadata;
  const kind = workload.kind as 'Deployment';
  const history = await ensureHistory(client, { namespace, name, kind });
  const owner = workload.metadata.labels?.[labels.sync] ?? '';
  const sent = new Map(all.map((p) => [p.key, p.object]));
  const config = digests.references.map((o) =>
    withMetadata(sent.get(keyString(keyOf(o))) ?? o, { labels: { [labels.sync]: owner } }),
  );
  const fieldManager = fieldManagerOf({ namespace: sync.metadata.namespace ?? '', name: sync.metadata.name });
  const commit = workload.metadata.annotations?.[annotations.commit];
  return snapshots.write(history, {
    workload,
    config,
    fieldManager,
    sourceDigest: digests.sourceDigest,
    ...(commit === undefined ? {} : { commit }),
  });
};

const withMetadata = (
  object: KubeObject,
  add: { labels?: Record<string, string>; annotations?: Record<string, string> },
): KubeObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    ...(add.labels ? { labels: { ...object.metadata.labels, ...add.labels } } : {}),
    ...(add.annotations ? { annotations: { ...object.metadata.annotations, ...add.annotations } } : {}),
  },
});
