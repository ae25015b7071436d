import { annotations } from '../api/annotations.ts';
import type { RollbackHold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { type KubeClient, KubeError, type ResourceType, resources, workloadResource } from '../kube/index.ts';
import { liveDigest, type Snapshot, templateOf, withPins } from '../snapshot/index.ts';
import { REPLICAS } from '../ssa/ignore-rules.ts';
import { withoutIgnored } from '../ssa/release-fields.ts';
import { replaceManagedFields } from '../ssa/replace-managed-fields.ts';
import { atVersionOf, whileFaster } from './at-version.ts';
import { currentDigest } from './live.ts';
import type { Account, EnforcePorts } from './types.ts';

type ApplyPorts = Pick<EnforcePorts, 'client' | 'clock'>;

/**
 * The objects of the snapshot, applied in the name of the GitSync that owns them. Rejects with a conflict when the
 * workload runs another release meanwhile.
 */
export const applySnapshot = async (
  hold: RollbackHold,
  live: KubeObject,
  snapshot: Snapshot,
  account: Account,
  { client, clock }: ApplyPorts,
): Promise<KubeObject[]> => {
  const { writer } = account;
  const options = { fieldManager: account.fieldManager, force: true };
  const type = workloadResource(hold.spec.workloadRef.kind);
  const pinned = withPins(snapshot.workload, hold.spec.target.images);
  const workload = withSnapshotName(pinned, hold.spec.target.snapshotRef.name);
  // What refuses the workload is heard before its configuration is touched.
  const preview = snapshot.config.length > 0 ? await tryOut(writer, type, workload, options) : undefined;
  // Config first: pods that start read it.
  const config = await Promise.all(
    snapshot.config.map((object) =>
      whileFaster(async () => {
        const type = object.kind === 'Secret' ? resources.secrets : resources.configMaps;
        const was = await client.get(type, object.metadata);
        const is = await writer.apply(type, atVersionOf(object, was), options);
        return { changed: was?.metadata.resourceVersion !== is.metadata.resourceVersion, object: is };
      }),
    ),
  );
  const isNew = config.some(({ changed }) => changed) || currentDigest(live) !== hold.spec.target.sourceDigest;
  const restartIfSame = async (after: KubeObject | undefined): Promise<KubeObject | undefined> =>
    config.length > 0 && isNew && after && isSameTemplate(after, live)
      ? restart(writer, type, workload, clock.now())
      : undefined;
  // Before the workload says that it is the target: a crash in between restarts it twice, rather than never.
  const restarted = await restartIfSame(preview);
  const result = await whileFaster(async () => {
    const read = await client.get(type, workload.metadata);
    if (!read || read.metadata.uid !== live.metadata.uid || currentDigest(read) !== currentDigest(live))
      throw new KubeError(`${workload.metadata.name} was changed meanwhile`, { status: 409, reason: 'Conflict' });
    const mine = await letGoOfReplicas(type, workload, read, account);
    return writer.apply(type, atVersionOf(workload, mine), options);
  });
  const objects = config.map(({ object }) => object);
  return [...objects, restarted || preview ? result : ((await restartIfSame(result)) ?? result)];
};

/** What the apply would make of it; undefined where an admission webhook allows no dry run. */
const tryOut = (
  writer: KubeClient,
  type: ResourceType,
  object: KubeObject,
  options: { fieldManager: string; force: boolean },
): Promise<KubeObject | undefined> =>
  writer.apply(type, object, { ...options, dryRun: true }).catch((error: unknown) => {
    if (error instanceof KubeError && /does not support dry run/.test(error.message)) return undefined;
    throw error;
  });

/** By content: a Deployment's generation also counts changes of its annotations. */
const isSameTemplate = (a: KubeObject, b: KubeObject): boolean =>
  liveDigest(templateOf(a)) === liveDigest(templateOf(b));

/** Restored configuration restarts nothing by itself. Under a manager of its own, so that no later apply takes it off. */
const restart = (
  writer: KubeClient,
  type: ResourceType,
  { metadata }: KubeObject,
  now: number,
): Promise<KubeObject> => {
  const notes = { [annotations.restartedAt]: new Date(now).toISOString() };
  const body = { spec: { template: { metadata: { annotations: notes } } } };
  return writer.patch(type, metadata, { type: 'merge', body }, { fieldManager: 'metricops-restart' });
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
  live: KubeObject,
  { writer, fieldManager }: Account,
): Promise<KubeObject> => {
  const rules = { fields: [REPLICAS], managers: [] };
  const entries = withoutIgnored(workload, live, rules, fieldManager).letGo;
  return entries ? replaceManagedFields(writer, type, live, entries) : live;
};
