import { annotations } from '../api/annotations.ts';
import type { RollbackHold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { isConflict, type KubeClient, type ResourceType, resources, workloadResource } from '../kube/index.ts';
import { liveDigest, type Snapshot, templateOf, withPins } from '../snapshot/index.ts';
import { REPLICAS } from '../ssa/ignore-rules.ts';
import { withoutIgnored } from '../ssa/release-fields.ts';
import { replaceManagedFields } from '../ssa/replace-managed-fields.ts';
import type { EnforcePorts } from './types.ts';

/** With the rights with which it was written before: those of the GitSync's ServiceAccount, where it has one. */
export const applySnapshot = async (
  hold: RollbackHold,
  live: KubeObject,
  snapshot: Snapshot,
  ports: EnforcePorts,
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
  const workload = withSnapshotName(pinned, hold.spec.target.snapshotRef.name);
  const type = workloadResource(hold.spec.workloadRef.kind);
  await letGoOfReplicas(type, workload, snapshot, { client: ports.client, writer });
  const result = await writer.apply(type, workload, options);
  // By content: a Deployment's generation also counts changes of its annotations.
  const templateChanged = liveDigest(templateOf(result)) !== liveDigest(templateOf(live));
  if (!templateChanged && before.some((b) => b.changed)) {
    // Restored configuration restarts nothing by itself. Under a manager of its own, so that no later apply takes it off.
    return [...before.map((b) => b.object), await restart(type, workload, { ...ports, writer })];
  }
  return [...before.map((b) => b.object), result];
};

const restart = (
  type: ResourceType,
  { metadata }: KubeObject,
  { clock, writer }: Pick<EnforcePorts, 'clock'> & { writer: KubeClient },
): Promise<KubeObject> => {
  const notes = { [annotations.restartedAt]: new Date(clock.now()).toISOString() };
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
export const patchTemplate = (
  live: KubeObject,
  snapshot: Snapshot,
  { client }: Pick<EnforcePorts, 'client'>,
): Promise<KubeObject> =>
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
