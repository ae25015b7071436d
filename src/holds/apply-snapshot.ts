import { annotations } from '../api/annotations.ts';
import type { RollbackHold } from '../api/hold.ts';
import { describeKey, type KubeObject, keyOf, keyString } from '../api/meta.ts';
import {
  isConflict,
  isRejected,
  type KubeClient,
  KubeError,
  type ResourceType,
  workloadResource,
} from '../kube/index.ts';
import { liveDigest, type Snapshot, templateOf } from '../snapshot/index.ts';
import { REPLICAS } from '../ssa/ignore-rules.ts';
import { withoutIgnored } from '../ssa/release-fields.ts';
import { replaceManagedFields } from '../ssa/replace-managed-fields.ts';
import { newestOf, partResource } from './newest.ts';
import { planRollback } from './rollback-plan.ts';
import type { EnforcePorts } from './types.ts';

/** What was applied, and what people should know of it. */
export interface AppliedSnapshot {
  objects: KubeObject[];
  notes: string[];
}

/** With the rights with which it was written before: those of the GitSync's ServiceAccount, where it has one. */
export const applySnapshot = async (
  hold: RollbackHold,
  live: KubeObject,
  snapshot: Snapshot,
  ports: EnforcePorts,
): Promise<AppliedSnapshot> => {
  const { client } = ports;
  const writer = ports.writerOf(snapshot.fieldManager);
  const options = { fieldManager: snapshot.fieldManager, force: true };
  const newest = await newestOf(live, snapshot, ports);
  const plan = planRollback(hold.spec.target, snapshot, newest);
  const before = await Promise.all(
    plan.configuration.map(async (config) => {
      const was = newest.objects.get(keyString(keyOf(config)));
      const is = await writer.apply(partResource(config), config, options);
      return { changed: was?.metadata.resourceVersion !== is.metadata.resourceVersion, object: is };
    }),
  );
  const found = await Promise.all(
    plan.selectors.map((selector) =>
      writer.apply(partResource(selector), selector, options).catch((error: unknown) => {
        // The pods are more urgent than what finds them. The next sync applies it too, and says what refuses it.
        if (!(error instanceof KubeError && isRejected(error))) throw error;
        return `${describeKey(keyOf(selector))} is not applied: ${error.message}`;
      }),
    ),
  );
  const type = workloadResource(hold.spec.workloadRef.kind);
  await letGoOfReplicas(type, plan.workload, snapshot, { client, writer });
  const result = await writer.apply(type, plan.workload, options);
  const parts = [...before.map((b) => b.object), ...found.filter((each) => typeof each !== 'string')];
  const notes = [...plan.notes, ...found.filter((each) => typeof each === 'string')];
  // By content: a Deployment's generation also counts changes of its annotations.
  const templateChanged = liveDigest(templateOf(result)) !== liveDigest(templateOf(live));
  if (!templateChanged && before.some((b) => b.changed)) {
    // Restored configuration restarts nothing by itself. Under a manager of its own, so that no later apply takes it off.
    return { objects: [...parts, await restart(type, plan.workload, { ...ports, writer })], notes };
  }
  return { objects: [...parts, result], notes };
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
