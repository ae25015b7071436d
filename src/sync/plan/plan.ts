import type { RollbackHold } from '../../api/hold.ts';
import { describeKey, type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { isWorkloadKind } from '../../api/workload.ts';
import type { HeldWorkload, HoldWithTarget } from '../../holds/index.ts';
import { type Digests, hashOf, referencedConfig, type Snapshot, templateOf, withPins } from '../../snapshot/index.ts';
import { isRecord } from '../../ssa/field-set.ts';
import { type Kept, keptFor } from './kept.ts';

export interface PlanInput {
  /** With their namespaces set. */
  rendered: readonly KubeObject[];
  digestsOf: (workload: KubeObject) => Digests;
  /** Of an object's content. */
  hashOf: (object: KubeObject) => string;
  /** Of the namespaces of the rendered workloads; others do not matter. */
  holds: readonly HoldWithTarget[];
  /** keyString → hash of what this process applied last. Empty after a restart. */
  applied: ReadonlyMap<string, string>;
  /** keyStrings that somebody else changed since. */
  drifted: ReadonlySet<string>;
  /** keyStrings of what an earlier revision applied. */
  inventory: readonly string[];
  /** keyStrings of the part of it that stays whatever Git says: it does not count as lost. */
  settled: ReadonlySet<string>;
  prune: boolean;
  allowEmpty: boolean;
  /** Percent of the inventory that one plan may delete without a person's word. */
  maxPrune: number;
  /** What a person confirmed: the `confirm` of the plan that they saw. */
  confirmed: string | undefined;
}

export interface PlannedObject {
  key: string;
  object: KubeObject;
  hash: string;
  /** Only of workloads: what it will be. */
  digests?: Digests;
  /** It stands in for a rejected release. */
  hold?: RollbackHold;
}

export interface Plan {
  /** Everything that should be there, in no order: the next inventory. */
  desired: PlannedObject[];
  /** The part of it that has to be sent. */
  apply: PlannedObject[];
  /** Stays in the inventory as it is in the cluster. */
  keep: { key: string; reason: string }[];
  /** keyStrings to delete. */
  prune: string[];
  /** What left Git and stays, each with the reason. */
  kept: Kept[];
  held: HeldWorkload[];
  /** Holds whose workload is rendered with a digest that they do not reject. */
  passed: { hold: RollbackHold; digest: string }[];
  /** Pruning everything was refused. */
  emptyRefused: boolean;
  /** More than maxPrune would go: what a person writes to let it go. */
  confirm?: string;
}

/**
 * What to do so that the cluster equals Git, with rejected releases kept out. Pure: the same input gives the same plan,
 * and a plan made again after a crash comes to the same end.
 */
export const plan = (input: PlanInput): Plan => {
  const desired = new Map<string, PlannedObject>();
  for (const object of input.rendered) {
    const key = keyString(keyOf(object));
    const digests = isWorkload(object) ? input.digestsOf(object) : undefined;
    // A workload whose configuration changed is a new release, though its own object is the same.
    const hash = hashOf([input.hashOf(object), digests?.sourceDigest]);
    desired.set(key, { key, object, hash, ...(digests ? { digests } : {}) });
  }

  const { held, passed } = matchHolds(desired, input.holds);
  const keep = new Map<string, string>();
  for (const entry of held) substitute(entry, input, desired, keep);

  const all = [...desired.values()];
  const emptyRefused = input.rendered.length === 0 && input.inventory.length > 0 && !input.allowEmpty;
  const wanted = new Set([...desired.keys(), ...keep.keys()]);
  const gone = input.inventory.filter((key) => !wanted.has(key));
  const divided = emptyRefused ? { prune: [], kept: [] } : divide(gone, desired, held, input);
  return {
    desired: all,
    apply: all.filter((o) => input.applied.get(o.key) !== o.hash || input.drifted.has(o.key)),
    keep: [...keep].map(([key, reason]) => ({ key, reason })),
    ...divided,
    held: held.map(({ target: _, ...rest }) => rest),
    passed,
    emptyRefused,
  };
};

/** Of what left Git, what may be deleted, and what stays for which reason. */
const divide = (
  gone: string[],
  desired: ReadonlyMap<string, PlannedObject>,
  held: readonly Match[],
  { prune, maxPrune, confirmed, inventory, settled, rendered }: PlanInput,
): Pick<Plan, 'prune' | 'kept' | 'confirm'> => {
  if (!prune) return { prune: [], kept: keptFor(gone, 'PruneOff', 'spec.prune is off') };
  const whole = held.find(({ hold }) => hold.spec.scope === 'GitSync');
  if (whole) {
    const why = `the whole sync is held with ${whole.workload.kind} ${whole.workload.name}`;
    return { prune: [], kept: keptFor(gone, 'ReleaseHeld', why) };
  }
  const known = new Set(inventory);
  const successors = new Set([...desired.keys()].filter((key) => !known.has(key)).map(familyOf));
  const lost = gone.filter((key) => !settled.has(key) && !successors.has(familyOf(key)));
  const confirm = hashOf(lost.toSorted()).slice(0, CONFIRM_LENGTH);
  // An empty render was allowed in words already.
  const isMuch = inventory.length >= MANY && lost.length * 100 > inventory.length * maxPrune && rendered.length > 0;
  if (!isMuch || confirmed === confirm) return { prune: gone, kept: [] };
  const why = `with ${lost.length} of ${inventory.length} objects, more than spec.maxPrune (${maxPrune}%)`;
  return { prune: [], kept: keptFor(gone, 'PruneLimitExceeded', why), confirm };
};

/** Fewer are counted by nobody: of two objects, one is half. */
const MANY = 10;
const CONFIRM_LENGTH = 10;

/** Names that end in the hash of their content follow one another: `settings-7f2k9m4d6b` is no loss when another one comes. */
const familyOf = (key: string): string => key.replace(/-[0-9a-z]{10}(?=_[^_]*_[^_]*$)/, '-');

const isWorkload = (object: KubeObject): boolean =>
  object.apiVersion.startsWith('apps/') && isWorkloadKind(object.kind);

type Match = HeldWorkload & { key: string; target: Snapshot | undefined };

const matchHolds = (
  desired: ReadonlyMap<string, PlannedObject>,
  holds: readonly HoldWithTarget[],
): { held: Match[]; passed: Plan['passed'] } => {
  const held: Match[] = [];
  const passed: Plan['passed'] = [];
  for (const { hold, target } of holds) {
    const namespace = hold.metadata.namespace ?? '';
    const workload = { ...hold.spec.workloadRef, namespace };
    const key = keyString({ group: 'apps', ...workload });
    const digest = desired.get(key)?.digests?.sourceDigest;
    if (digest === undefined) continue; // not of this sync, or gone from Git
    if (hold.spec.rejectedDigests.includes(digest)) held.push({ workload, hold, digest, notes: [], key, target });
    else passed.push({ hold, digest });
  }
  return { held, passed };
};

/** Puts the target in the place of the rejected release, with everything that its pods need. */
const substitute = (
  match: Match,
  input: PlanInput,
  desired: Map<string, PlannedObject>,
  keep: Map<string, string>,
): void => {
  const rejected = desired.get(match.key);
  if (!rejected) return;
  if (match.hold.spec.scope === 'GitSync') freeze(match, desired, keep);
  desired.delete(match.key);
  const { target } = match;
  if (!target) {
    keep.set(match.key, `rejected, and its target's snapshot is not there`);
    match.notes.push('the snapshot to go back to is missing or damaged: the workload is left as it is');
    return;
  }
  const hold = match.hold;
  const object = withPins(withReplicasOf(rejected.object, target.workload), hold.spec.target.images);
  desired.set(match.key, { key: match.key, object, hash: hashOf([object]), hold });
  keep.delete(match.key);
  for (const config of target.config) {
    const key = keyString(keyOf(config));
    const others = usersOf(config, input.rendered, match.key);
    const wanted = desired.get(key)?.object;
    const changed = wanted === undefined || input.hashOf(wanted) !== input.hashOf(config);
    if (others.length > 0 && changed)
      match.notes.push(`${describeKey(keyOf(config))} is held with it, and also used by ${others.join(', ')}`);
    desired.set(key, { key, object: config, hash: hashOf([config]), hold });
    keep.delete(key);
  }
  for (const guard of selectorsThatNoLongerMatch(rejected.object, target.workload, desired)) {
    desired.delete(guard.key);
    keep.set(guard.key, `its new version does not select the pods of the held release`);
    match.notes.push(
      `${describeKey(keyOf(guard.object))} is held with it: its new version would not select the held pods`,
    );
  }
};

/** Scope GitSync: nothing of the commit goes through; what is there stays as it is. */
const freeze = (match: Match, desired: Map<string, PlannedObject>, keep: Map<string, string>): void => {
  for (const [key, planned] of desired) {
    if (planned.hold) continue;
    desired.delete(key);
    keep.set(key, `the whole sync is held with ${match.workload.kind} ${match.workload.name}`);
  }
};

/** A snapshot has no replicas: how many there should be is Git's newest word, not the old release's. */
const withReplicasOf = (rendered: KubeObject, target: KubeObject): KubeObject => {
  const replicas = (rendered.spec as { replicas?: number } | undefined)?.replicas;
  return replicas === undefined ? target : { ...target, spec: { ...(target.spec as object), replicas } };
};

const usersOf = (config: KubeObject, rendered: readonly KubeObject[], except: string): string[] =>
  rendered
    .filter((o) => isWorkload(o) && keyString(keyOf(o)) !== except && referencedConfig(o, [config]).length > 0)
    .map((o) => describeKey(keyOf(o)));

type Labels = Record<string, string>;

const podLabels = (workload: KubeObject): Labels =>
  (templateOf(workload) as { metadata?: { labels?: Labels } } | undefined)?.metadata?.labels ?? {};

/** Objects that select pods by label and would no longer find the held ones. */
const selectorsThatNoLongerMatch = (
  rejected: KubeObject,
  target: KubeObject,
  desired: ReadonlyMap<string, PlannedObject>,
): PlannedObject[] =>
  [...desired.values()].filter(({ object }) => {
    if (object.metadata.namespace !== rejected.metadata.namespace) return false;
    const selector = selectorOf(object);
    return selector !== undefined && selects(selector, podLabels(rejected)) && !selects(selector, podLabels(target));
  });

/** By labels; undefined where it has none, or they are no text: null and numbers are what a commit may have there. */
const selectorOf = (object: KubeObject): Labels | undefined => {
  const { selector, podSelector } = isRecord(object.spec) ? object.spec : {};
  if (object.kind === 'Service') return isRecord(selector) ? (selector as Labels) : undefined;
  const by = { PodDisruptionBudget: selector, NetworkPolicy: podSelector }[object.kind];
  const { matchLabels } = isRecord(by) ? by : {};
  return isRecord(matchLabels) ? (matchLabels as Labels) : undefined;
};

const selects = (selector: Labels, labels: Labels): boolean =>
  Object.keys(selector).length > 0 && Object.entries(selector).every(([name, value]) => labels[name] === value);
