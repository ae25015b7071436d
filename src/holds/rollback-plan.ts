import { isSwitchedOn } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import { isAlwaysApplied } from '../api/apply-rule.ts';
import type { HoldTarget } from '../api/hold.ts';
import { describeKey, type KubeObject, keyOf, keyString } from '../api/meta.ts';
import {
  accountOf,
  deadPortsOf,
  hasSameContent,
  hasSameRole,
  isBinding,
  isFoundBy,
  isSelector,
  referencedConfig,
  type Snapshot,
  withAccountOf,
  withPins,
} from '../snapshot/index.ts';

/** What a rollback finds: rendered from Git where a sync plans it, live where a Hold is enforced without Git. */
export interface Newest {
  /** The workload in the release that must not run. */
  rejected: KubeObject;
  /** By keyString: the newest version of each object of the snapshot that there is; there may be others, too. */
  objects: ReadonlyMap<string, KubeObject>;
  /** Workloads that may read the same configuration. */
  workloads: readonly KubeObject[];
  /** How many pods Git asks for; undefined: as many as there are. */
  replicas?: number | undefined;
}

/** Which objects a rollback applies: the configuration first, for pods that start read it, and the workload last. */
export interface RollbackPlan {
  configuration: KubeObject[];
  selectors: KubeObject[];
  workload: KubeObject;
  /** Of `Newest.objects`: stay as they are in the cluster, for the newest version would find no pod of the target. */
  keep: KubeObject[];
  /** In words, for the people who look after the workload. */
  notes: string[];
}

/** The release that a Hold goes back to. */
type Chosen = Pick<HoldTarget, 'snapshotRef' | 'images'>;

/**
 * What goes back with a workload: the only place where that is decided. Its configuration does, whoever else reads it.
 * What finds its pods (a Service, PodDisruptionBudget, NetworkPolicy or HorizontalPodAutoscaler) does where the newest
 * version no longer finds those of the target; otherwise it stays at its newest version. A RoleBinding or
 * ClusterRoleBinding gives its role to their account again, and to nobody else who lost it. Pure.
 */
export const planRollback = (chosen: Chosen, target: Snapshot, newest: Newest): RollbackPlan => {
  const { config, selectors: recorded = [] } = target;
  const newestOf = (object: KubeObject): KubeObject | undefined => newest.objects.get(keyString(keyOf(object)));
  const isPaused = (object: KubeObject): boolean => isSwitchedOn(newestOf(object)?.metadata, annotations.pause);

  const isPossible = (object: KubeObject): boolean =>
    !isBinding(object) || hasSameRole(newestOf(object) ?? object, object);

  const configuration = config.filter((object) => !isPaused(object));
  const lost = recorded.filter((object) => !stillFinds(newestOf(object), object, target));
  const back = lost.filter((object) => !isPaused(object) && isAlwaysApplied(newestOf(object) ?? object));
  const [selectors, changed] = [back.filter(isPossible), back.filter((object) => !isPossible(object))];
  const known = new Set(recorded.map((object) => keyString(keyOf(object))));
  const keep = [...newest.objects]
    .filter(([key, object]) => isSelector(object) && !isBinding(object) && !known.has(key))
    .map(([, object]) => object)
    .filter((object) => isFoundBy(newest.rejected, object) && !isFoundBy(target.workload, object));
  return {
    configuration,
    selectors: selectors.map((object) =>
      isBinding(object) ? withAccountOf(target.workload, object, newestOf(object)) : object,
    ),
    workload: withReplicas(chosenWorkload(chosen, target), newest.replicas),
    keep,
    notes: [
      ...configuration.flatMap((object) => sharedWords(object, newestOf(object), target, newest)),
      ...selectors.map((object) => lostWords(object, newestOf(object), target)),
      ...changed.map((object) => `${nameOf(object)} has another role now, and does not name ${accountIn(target)}`),
      ...keep.map((object) => `${nameOf(object)} is held with it: its new version would not select the held pods`),
    ],
  };
};

/** A named port that the old pods do not declare leads nowhere, though the labels match. */
const stillFinds = (now: KubeObject | undefined, recorded: KubeObject, { workload }: Snapshot): boolean => {
  if (now === undefined || !isFoundBy(workload, now)) return false;
  const before = deadPortsOf(recorded, workload);
  return deadPortsOf(now, workload).every((port) => before.includes(port));
};

/** The workload of the release, with its pins. */
export const chosenWorkload = (chosen: Chosen, { workload }: Snapshot): KubeObject =>
  stamped(withPins(workload, chosen.images), chosen);

/** A snapshot has no replicas: how many there should be is Git's newest word, not the old release's. */
export const withReplicas = (workload: KubeObject, replicas: number | undefined): KubeObject =>
  replicas === undefined ? workload : { ...workload, spec: { ...(workload.spec as object), replicas } };

/** The workload says which snapshot it runs, as after any other apply. */
const stamped = (workload: KubeObject, { snapshotRef }: Chosen): KubeObject => {
  const notes = { ...workload.metadata.annotations, [annotations.snapshot]: snapshotRef.name };
  return { ...workload, metadata: { ...workload.metadata, annotations: notes } };
};

const sharedWords = (
  config: KubeObject,
  now: KubeObject | undefined,
  { workload }: Snapshot,
  { workloads }: Newest,
): string[] => {
  if (now !== undefined && hasSameContent(now, config)) return [];
  const users = workloads
    .filter((other) => !isSame(other, workload) && referencedConfig(other, [config]).length > 0)
    .map(nameOf);
  return users.length === 0 ? [] : [`${nameOf(config)} is held with it, and also used by ${users.join(', ')}`];
};

const lostWords = (selector: KubeObject, now: KubeObject | undefined, target: Snapshot): string => {
  if (isBinding(selector))
    return `${nameOf(selector)} is held with it: it names ${accountIn(target)} again, with whose rights the held pods run`;
  return now === undefined
    ? `${nameOf(selector)} is held with it: it was removed, and found the held pods`
    : `${nameOf(selector)} is held with it: its new version would not select the held pods`;
};

const accountIn = ({ workload }: Snapshot): string => describeKey({ kind: 'ServiceAccount', ...accountOf(workload) });

const nameOf = (object: KubeObject): string => describeKey(keyOf(object));

const isSame = (a: KubeObject, b: KubeObject): boolean => keyString(keyOf(a)) === keyString(keyOf(b));
