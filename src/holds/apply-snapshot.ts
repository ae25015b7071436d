import { annotations } from '../api/annotations.ts';
import type { RollbackHold } from '../api/hold.ts';
import { describeKey, type KubeObject, keyOf, keyString } from '../api/meta.ts';
import { isRejected, type KubeClient, KubeError, type ResourceType, workloadResource } from '../kube/index.ts';
import { liveDigest, runningRelease, type Snapshot, templateOf } from '../snapshot/index.ts';
import { REPLICAS } from '../ssa/ignore-rules.ts';
import { type ManagedFieldsEntry, withoutHandEdits } from '../ssa/managed-fields.ts';
import { withoutIgnored } from '../ssa/release-fields.ts';
import { replaceManagedFields } from '../ssa/replace-managed-fields.ts';
import { atVersionOf, whileFaster } from './at-version.ts';
import { newestOf, partResource, readPart } from './newest.ts';
import { planRollback } from './rollback-plan.ts';
import type { Account, EnforcePorts } from './types.ts';

/** What was applied, and what people should know of it. */
export interface AppliedSnapshot {
  objects: KubeObject[];
  notes: string[];
}

/**
 * What the rollback plan says, applied in the name of the GitSync that owns it. Rejects with a conflict when the
 * workload runs another release meanwhile.
 */
export const applySnapshot = async (
  hold: RollbackHold,
  live: KubeObject,
  snapshot: Snapshot,
  account: Account,
  { client, clock }: Pick<EnforcePorts, 'client' | 'clock'>,
): Promise<AppliedSnapshot> => {
  const { writer } = account;
  const options = { fieldManager: account.fieldManager, force: true };
  const newest = await newestOf(live, snapshot, { client, writer });
  const plan = planRollback(hold.spec.target, snapshot, newest);
  const type = workloadResource(hold.spec.workloadRef.kind);
  const parts: Part[] = [...plan.configuration, ...plan.selectors].map((object) => ({
    object,
    was: newest.objects.get(keyString(keyOf(object))),
  }));
  const [configuration, selectors] = [
    parts.slice(0, plan.configuration.length),
    parts.slice(plan.configuration.length),
  ];
  // What refuses the workload is heard before its configuration is touched.
  const preview = configuration.length > 0 ? await tryOut(writer, type, plan.workload, options) : undefined;
  const before = await Promise.all(configuration.map((part) => applyPart(part, options, account, client)));
  const found = await Promise.all(
    selectors.map((part) => applyPart(part, options, account, client).catch(refusalOf(part.object))),
  );
  const isNew = before.some(({ changed }) => changed) || runningRelease(live).digest !== hold.spec.target.sourceDigest;
  const restartIfSame = async (after: KubeObject | undefined): Promise<KubeObject | undefined> =>
    configuration.length > 0 && isNew && after && isSameTemplate(after, live)
      ? whileFaster(async () => restart(writer, type, await reread(type, live, client), clock.now()))
      : undefined;
  // Before the workload says that it is the target: a crash in between restarts it twice, rather than never.
  await restartIfSame(preview);
  const result = await whileFaster(async () => {
    const read = await stillRunning(type, live, client);
    const mine = await owned(type, plan.workload, read, account);
    return writer.apply(type, atVersionOf(plan.workload, mine), options);
  });
  const restarted = preview ? undefined : await restartIfSame(result);
  const done = found.filter((each) => typeof each !== 'string');
  return {
    objects: [...[...before, ...done].map(({ object }) => object), restarted ?? result],
    notes: [...plan.notes, ...found.filter((each) => typeof each === 'string')],
  };
};

interface Part {
  object: KubeObject;
  /** As it is in the cluster. */
  was: KubeObject | undefined;
}

const applyPart = async (
  part: Part,
  options: { fieldManager: string; force: boolean },
  account: Account,
  client: KubeClient,
): Promise<{ object: KubeObject; changed: boolean }> => {
  const { object } = part;
  const { writer } = account;
  const type = partResource(object);
  let { was } = part;
  const is = await whileFaster(
    async () => {
      const mine = was && (await withOwners(type, was, handEditsOf(object, was, account), writer));
      return writer.apply(type, atVersionOf(object, mine), options);
    },
    async () => {
      was = await readPart(object, { client, writer });
    },
  );
  return { object: is, changed: was?.metadata.resourceVersion !== is.metadata.resourceVersion };
};

/** The pods are more urgent than what finds them. The next sync applies it too, and says what refuses it. */
const refusalOf =
  (selector: KubeObject) =>
  (error: unknown): string => {
    if (!(error instanceof KubeError && isRejected(error))) throw error;
    return `${describeKey(keyOf(selector))} is not applied: ${error.message}`;
  };

/** The very same workload as it is now, whatever it runs. Rejects with a conflict where it is another one. */
const reread = async (type: ResourceType, live: KubeObject, client: KubeClient): Promise<KubeObject> => {
  const read = await client.get(type, live.metadata);
  if (read && read.metadata.uid === live.metadata.uid) return read;
  throw changedMeanwhile(live);
};

/** The workload as it is now. Rejects with a conflict where it is another one, or runs another release. */
const stillRunning = async (type: ResourceType, live: KubeObject, client: KubeClient): Promise<KubeObject> => {
  const read = await reread(type, live, client);
  if (runningRelease(read).digest === runningRelease(live).digest) return read;
  throw changedMeanwhile(live);
};

const changedMeanwhile = (object: KubeObject): KubeError =>
  new KubeError(`${describeKey(keyOf(object))} was changed meanwhile`, { status: 409, reason: 'Conflict' });

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
  const { uid, resourceVersion } = metadata;
  const body = { metadata: { uid, resourceVersion }, spec: { template: { metadata: { annotations: notes } } } };
  return writer.patch(type, metadata, { type: 'merge', body }, { fieldManager: 'metricops-restart' });
};

/**
 * The workload with its fields owned as the apply needs it. What was added by hand is ours, so that the apply takes it
 * off: a drift that is only reported is no part of the release. Replicas are not ours: snapshots hold none, and an apply
 * without them would reset them to 1. So nobody's scaling is undone, not even one that happens meanwhile.
 */
const owned = (type: ResourceType, workload: KubeObject, live: KubeObject, account: Account): Promise<KubeObject> => {
  const taken = handEditsOf(workload, live, account);
  const base = taken ? { ...live, metadata: { ...live.metadata, managedFields: taken } } : live;
  const rules = { fields: [REPLICAS], managers: [] };
  const entries = withoutIgnored(workload, base, rules, account.fieldManager).letGo ?? taken;
  return withOwners(type, live, entries, account.writer);
};

/** Its managedFields with what was edited by hand as ours; undefined where nothing was. */
const handEditsOf = (object: KubeObject, live: KubeObject, { fieldManager, leavesTo }: Account) =>
  withoutHandEdits(live, { manager: fieldManager, apiVersion: object.apiVersion }, leavesTo(object));

const withOwners = async (
  type: ResourceType,
  live: KubeObject,
  entries: readonly ManagedFieldsEntry[] | undefined,
  writer: KubeClient,
): Promise<KubeObject> => (entries ? replaceManagedFields(writer, type, live, entries) : live);
