import { annotations } from '../api/annotations.ts';
import type { RollbackHold } from '../api/hold.ts';
import { describeKey, type KubeObject, keyOf, keyString } from '../api/meta.ts';
import {
  isRejected,
  type KubeClient,
  KubeError,
  mayBeWritten,
  type ResourceType,
  workloadResource,
} from '../kube/index.ts';
import { liveDigest, runningRelease, type Snapshot, templateOf } from '../snapshot/index.ts';
import { recordOf } from '../ssa/field-set.ts';
import { REPLICAS } from '../ssa/ignore-rules.ts';
import { entriesOf, isApplyOf, type ManagedFieldsEntry, ownsPath, withoutHandEdits } from '../ssa/managed-fields.ts';
import { replaceManagedFields } from '../ssa/replace-managed-fields.ts';
import { atVersionOf, whileFaster } from './at-version.ts';
import { partResource, readPart } from './newest.ts';
import { chosenWorkload, type Newest, planRollback, withReplicas } from './rollback-plan.ts';
import type { Account, EnforcePorts } from './types.ts';

/** What is known before anything is changed. */
interface Known {
  newest: Newest;
  /** What tryOut answered. */
  preview: KubeObject | undefined;
}

/**
 * What the rollback plan says, applied in the name of the GitSync that owns it. Answers what people should know of it.
 * Rejects with a conflict when the workload runs another release meanwhile.
 */
export const applySnapshot = async (
  hold: RollbackHold,
  live: KubeObject,
  snapshot: Snapshot,
  account: Account,
  { newest, preview }: Known,
  { client, clock, onSent }: ApplyPorts,
): Promise<string[]> => {
  const { writer } = account;
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
  const before = await Promise.all(configuration.map((part) => applyPart(part, account, { client, onSent })));
  const found = await Promise.all(
    selectors.map((part) => applyPart(part, account, { client, onSent }).catch(refusalOf(part.object))),
  );
  const isNew = before.some(({ changed }) => changed) || runningRelease(live).digest !== hold.spec.target.sourceDigest;
  const restartIfSame = async (after: KubeObject | undefined, from: KubeObject): Promise<KubeObject | undefined> =>
    configuration.length > 0 && isNew && after && isSameTemplate(after, live)
      ? restart(type, from, { writer, client, clock })
      : undefined;
  // Before the workload says that it is the target: a crash in between restarts it twice, rather than never.
  let now = (await restartIfSame(preview, live)) ?? live;
  assertSameRelease(now, live);
  const result = await whileFaster(
    async () => {
      const mine = await owned(plan.workload, now, account, type);
      const workload = withReplicas(plan.workload, ownReplicasOf(mine, account));
      return apply(type, atVersionOf(workload, mine), account, onSent);
    },
    async () => {
      now = await reread(type, live, client);
      assertSameRelease(now, live);
    },
  );
  if (!preview) await restartIfSame(result, result);
  return [...plan.notes, ...found.filter((each) => typeof each === 'string')];
};

type ApplyPorts = Pick<EnforcePorts, 'client' | 'clock' | 'onSent'>;

const optionsOf = ({ fieldManager }: Account) => ({ fieldManager, force: true });

const apply = async (
  type: ResourceType,
  object: KubeObject,
  account: Account,
  onSent: EnforcePorts['onSent'],
): Promise<KubeObject> => {
  const sent = () => onSent(account.fieldManager, object);
  const result = await account.writer.apply(type, object, optionsOf(account)).catch((error: unknown) => {
    if (mayBeWritten(error)) sent();
    throw error;
  });
  sent();
  return result;
};

interface Part {
  object: KubeObject;
  /** As it is in the cluster. */
  was: KubeObject | undefined;
}

const applyPart = async (
  part: Part,
  account: Account,
  { client, onSent }: Pick<EnforcePorts, 'client' | 'onSent'>,
): Promise<{ changed: boolean }> => {
  const { object } = part;
  const { writer } = account;
  const type = partResource(object);
  let { was } = part;
  const is = await whileFaster(
    async () => {
      const mine = was && (await withOwners(type, was, handEditsOf(object, was, account), writer));
      return apply(type, atVersionOf(object, mine), account, onSent);
    },
    async () => {
      was = await readPart(object, { client, writer });
    },
  );
  return { changed: was?.metadata.resourceVersion !== is.metadata.resourceVersion };
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

/** Throws a conflict where the workload runs another release than when it was read. */
const assertSameRelease = (now: KubeObject, live: KubeObject): void => {
  if (runningRelease(now).digest !== runningRelease(live).digest) throw changedMeanwhile(live);
};

const changedMeanwhile = (object: KubeObject): KubeError =>
  new KubeError(`${describeKey(keyOf(object))} was changed meanwhile`, { status: 409, reason: 'Conflict' });

/** What the apply would make of the workload; undefined where an admission webhook allows no dry run. */
export const tryOut = (
  { spec }: RollbackHold,
  snapshot: Snapshot,
  account: Account,
): Promise<KubeObject | undefined> => {
  const type = workloadResource(spec.workloadRef.kind);
  return applyDry(type, chosenWorkload(spec.target, snapshot), account);
};

/** The same of what goes back with the workload. Rejects with the first refusal. */
export const tryOutParts = async (
  { spec }: RollbackHold,
  snapshot: Snapshot,
  account: Account,
  newest: Newest,
): Promise<void> => {
  const { configuration, selectors } = planRollback(spec.target, snapshot, newest);
  const parts = [...configuration, ...selectors];
  await Promise.all(parts.map((object) => applyDry(partResource(object), object, account)));
};

const applyDry = (type: ResourceType, object: KubeObject, account: Account): Promise<KubeObject | undefined> =>
  account.writer.apply(type, object, { ...optionsOf(account), dryRun: true }).catch((error: unknown) => {
    if (error instanceof KubeError && /does not support dry run/.test(error.message)) return undefined;
    throw error;
  });

/** By content: a Deployment's generation also counts changes of its annotations. */
const isSameTemplate = (a: KubeObject, b: KubeObject): boolean =>
  liveDigest(templateOf(a)) === liveDigest(templateOf(b));

/**
 * Restored configuration restarts nothing by itself. Under a manager of its own, so that no later apply takes it off.
 * @param read the workload as it was read last
 */
const restart = (
  type: ResourceType,
  read: KubeObject,
  { writer, client, clock }: { writer: KubeClient } & Pick<EnforcePorts, 'client' | 'clock'>,
): Promise<KubeObject> => {
  const notes = { [annotations.restartedAt]: new Date(clock.now()).toISOString() };
  let { metadata } = read;
  return whileFaster(
    () => {
      const { uid, resourceVersion } = metadata;
      const body = { metadata: { uid, resourceVersion }, spec: { template: { metadata: { annotations: notes } } } };
      return writer.patch(type, metadata, { type: 'merge', body }, { fieldManager: 'metricops-restart' });
    },
    async () => {
      ({ metadata } = await reread(type, read, client));
    },
  );
};

/** The workload with what was added by hand as ours, so that the apply takes it off: a drift is no part of a release. */
const owned = (workload: KubeObject, live: KubeObject, account: Account, type: ResourceType): Promise<KubeObject> =>
  withOwners(type, live, handEditsOf(workload, live, account), account.writer);

/**
 * How many replicas there are, where we alone say it; undefined where others do, or nobody. Snapshots hold none, and an
 * apply that leaves out what it owned alone resets it to 1. Applied at the version that was read, no scaling is undone.
 */
const ownReplicasOf = (live: KubeObject, { fieldManager }: Account): number | undefined => {
  const { replicas } = recordOf(live.spec);
  const owners = entriesOf(live).filter((entry) => ownsPath(entry, live, REPLICAS));
  return typeof replicas === 'number' && owners.length > 0 && owners.every(isApplyOf(fieldManager))
    ? replicas
    : undefined;
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
