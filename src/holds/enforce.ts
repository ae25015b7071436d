import { annotations } from '../api/annotations.ts';
import type { Hold } from '../api/hold.ts';
import { describeKey, type KubeObject, keyString } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import {
  type Discovery,
  isConflict,
  isRejected,
  type KubeClient,
  KubeError,
  type ResourceType,
  resources,
  workloadResource,
} from '../kube/index.ts';
import {
  LIVE_MANAGER,
  liveDigest,
  type Snapshot,
  type SnapshotStore,
  templateOf,
  withPins,
} from '../snapshot/index.ts';
import { REPLICAS } from '../ssa/ignore-rules.ts';
import { withoutIgnored } from '../ssa/release-fields.ts';
import { replaceManagedFields } from '../ssa/replace-managed-fields.ts';
import { toolOf } from '../ssa/tools.ts';
import type { Metrics } from '../telemetry/index.ts';
import { type Outcome, writeHoldStatus } from './status.ts';
import { readTarget, TargetError } from './target.ts';

export interface HoldPorts {
  client: KubeClient;
  discovery: Discovery;
  snapshots: SnapshotStore;
  clock: Clock;
  lock: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  metrics: Metrics;
  /** Aborted when this process may no longer write. */
  signal: AbortSignal;
  /** With whose rights the objects of this field manager are written. */
  writerOf: (fieldManager: string) => KubeClient;
  /** Told of the objects that were applied and of their field manager. */
  onApplied: (hold: Hold, fieldManager: string, objects: readonly KubeObject[]) => void;
}

/**
 * The rollback lane: brings a Hold's target back from its snapshot. It needs no Git, no render and no other GitSync,
 * and it does not wait for any of them. Level-triggered: doing it twice is doing it once.
 *
 * What the API server refuses is said in the status. Rejects with KubeError when it is worth another try.
 */
export const enforceHold = async (hold: Hold, ports: HoldPorts): Promise<void> => {
  if (hold.status?.observedGeneration === hold.metadata.generation && hold.status?.phase !== 'Pending') return;
  try {
    await conclude(hold, await bringBack(hold, ports), ports);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const phase = isRejected(error) ? 'Failed' : 'Pending';
    const message = `release ${hold.spec.target.release} is not applied: ${error.message}`;
    const said = hold.status?.conditions?.find(({ type }) => type === 'Held');
    if (hold.status?.phase !== phase || said?.message !== message) {
      await conclude(hold, { phase, reason: 'HoldFailed', message }, ports);
    }
    if (phase === 'Pending') throw error;
  }
};

const conclude = async (hold: Hold, outcome: Outcome, ports: HoldPorts): Promise<void> => {
  ports.metrics.holdsApplied.inc({ result: outcome.phase.toLowerCase() });
  await writeHoldStatus(hold, outcome, ports);
};

const bringBack = async (hold: Hold, ports: HoldPorts): Promise<Outcome> => {
  const namespace = hold.metadata.namespace ?? '';
  const { kind, name } = hold.spec.workloadRef;
  const what = describeKey({ kind, namespace, name });
  return ports.lock(keyString({ group: 'apps', kind, namespace, name }), async () => {
    const [live, snapshot] = await Promise.all([
      ports.client.get(workloadResource(kind), { namespace, name }),
      readTarget(hold, ports.snapshots).catch((error: unknown) => {
        if (error instanceof TargetError) return error;
        throw error;
      }),
    ]);
    if (!live) return { phase: 'Failed', reason: 'WorkloadMissing', message: `${what} does not exist` };
    const digest = currentDigest(live);
    if (!hold.spec.rejectedDigests.includes(digest) && digest !== hold.spec.target.sourceDigest) {
      return { phase: 'Lifted', reason: 'Dormant', message: `${what} runs a release that is not rejected`, digest };
    }
    if (snapshot instanceof TargetError) {
      return { phase: 'Failed', reason: snapshot.reason, message: snapshot.message };
    }
    const tool = otherToolOf(live);
    if (tool !== undefined)
      return {
        phase: 'Failed',
        reason: 'OwnedByOtherTool',
        message: `${what} is applied by ${tool}, which would undo it`,
      };
    const applied =
      snapshot.fieldManager === LIVE_MANAGER
        ? [await patchTemplate(live, snapshot, ports)]
        : await applySnapshot(hold, live, snapshot, ports);
    ports.onApplied(hold, snapshot.fieldManager, applied);
    if (kind === 'StatefulSet') await deleteStuckPods(live, ports);
    const digestNow = hold.spec.target.sourceDigest;
    return {
      phase: 'Held',
      reason: 'RolledBack',
      message: `${what} is back at release ${hold.spec.target.release}`,
      digest: digestNow,
    };
  });
};

/** What the workload runs now: by our annotation, or by its live template where no GitSync wrote one. */
export const currentDigest = (live: KubeObject): string =>
  live.metadata.annotations?.[annotations.sourceDigest] ?? liveDigest(templateOf(live));

/** With the rights with which it was written before: those of the GitSync's ServiceAccount, where it has one. */
const applySnapshot = async (
  hold: Hold,
  live: KubeObject,
  snapshot: Snapshot,
  ports: HoldPorts,
): Promise<KubeObject[]> => {
  const writer = ports.writerOf(snapshot.fieldManager);
  const options = { fieldManager: snapshot.fieldManager, force: true };
  // Config first: pods that start read it.
  const before = await Promise.all(
    snapshot.config.map(async (config) => {
      const type = config.kind === 'Secret' ? resources.secrets : resources.configMaps;
      const was = await ports.client.get(type, config.metadata);
      const is = await writer.apply(type, config, options);
      return { changed: was?.metadata.resourceVersion !== is.metadata.resourceVersion, object: is };
    }),
  );
  const pinned = withPins(snapshot.workload, hold.spec.target.images);
  const workload = withSnapshotName(pinned, hold.spec.target.snapshot);
  const type = workloadResource(hold.spec.workloadRef.kind);
  await letGoOfReplicas(type, workload, snapshot, { client: ports.client, writer });
  const result = await writer.apply(type, workload, options);
  // By content: a Deployment's generation also counts changes of its annotations.
  const templateChanged = liveDigest(templateOf(result)) !== liveDigest(templateOf(live));
  if (!templateChanged && before.some((b) => b.changed)) {
    // Restored configuration restarts nothing by itself. Under a manager of its own, so that no later apply takes it off.
    const restart = {
      spec: {
        template: {
          metadata: { annotations: { [annotations.restartedAt]: new Date(ports.clock.now()).toISOString() } },
        },
      },
    };
    const restarted = await writer.patch(
      type,
      workload.metadata,
      { type: 'merge', body: restart },
      { fieldManager: 'metricops-restart' },
    );
    return [...before.map((b) => b.object), restarted];
  }
  return [...before.map((b) => b.object), result];
};

const withSnapshotName = (workload: KubeObject, snapshot: string): KubeObject => ({
  ...workload,
  metadata: {
    ...workload.metadata,
    annotations: { ...workload.metadata.annotations, [annotations.snapshot]: snapshot },
  },
});

/**
 * Snapshots hold no replicas, and an apply without them would reset what our manager owns to 1: it lets go of them first.
 * So nobody's scaling is undone, not even one that happens meanwhile.
 */
const letGoOfReplicas = async (
  type: ResourceType,
  workload: KubeObject,
  { fieldManager }: Snapshot,
  { client, writer }: { client: KubeClient; writer: KubeClient },
): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    const live = await client.get(type, workload.metadata);
    const rules = { fields: [REPLICAS], managers: [] };
    const entries = live && withoutIgnored(workload, live, rules, fieldManager).letGo;
    if (!live || !entries) return;
    try {
      await replaceManagedFields(writer, type, live, entries);
      return;
    } catch (error) {
      if (!isConflict(error) || tries >= TRIES) throw error;
    }
  }
};

const TRIES = 5;

/** A workload that no GitSync owns: its template back, if nobody changed it meanwhile. Apply could not remove what others own. */
const patchTemplate = (live: KubeObject, snapshot: Snapshot, { client }: HoldPorts): Promise<KubeObject> =>
  client.patch(
    workloadResource(live.kind as 'Deployment'),
    live.metadata,
    {
      type: 'json',
      body: [
        { op: 'test', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion },
        {
          op: 'replace',
          path: '/spec/template',
          value: templateOf(snapshot.workload),
        },
      ],
    },
    { fieldManager: 'metricops' },
  );

/** The controller never replaces a broken pod of the rejected revision by itself (kubernetes#67250). */
const deleteStuckPods = async (live: KubeObject, { client, signal }: HoldPorts): Promise<void> => {
  const status = live.status as { updateRevision?: string } | undefined;
  const selector = (live.spec as { selector?: { matchLabels?: Record<string, string> } }).selector?.matchLabels ?? {};
  const labelSelector = Object.entries({ ...selector, 'controller-revision-hash': status?.updateRevision ?? '' })
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  const { items } = await client.list(resources.pods, { namespace: live.metadata.namespace ?? '', labelSelector });
  const isReady = (pod: KubeObject): boolean =>
    ((pod.status as { conditions?: { type: string; status: string }[] })?.conditions ?? []).some(
      (c) => c.type === 'Ready' && c.status === 'True',
    );
  for (const pod of items.filter((p) => !isReady(p))) {
    signal.throwIfAborted();
    await client.delete(resources.pods, pod.metadata, pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid });
  }
};

/** Another reconciler that would put the rejected release back. A person with kubectl apply would not. */
export const otherToolOf = (object: KubeObject): string | undefined => {
  const tool = toolOf(object);
  return tool === 'kubectl apply' ? undefined : tool;
};
