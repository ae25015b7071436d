import type { KubeObject } from '../api/meta.ts';
import {
  childOf,
  difference,
  type FieldSet,
  intersection,
  isEmpty,
  isRecord,
  isWhole,
  mergeKeysOf,
  namesIndex,
  nonEmpty,
  notIn,
  pick,
  segmentsOf,
  stepsNamed,
  stepsOf,
  union,
  withChild,
} from './field-set.ts';
import type { IgnoreFields } from './ignore-rules.ts';
import {
  entriesOf,
  fieldsOf,
  fieldsOfVersion,
  isApplyOf,
  isByHand,
  type ManagedFieldsEntry,
  setOf,
} from './managed-fields.ts';

export interface WithoutIgnored {
  /** What is left for us to apply. */
  object: KubeObject;
  /**
   * The managedFields in which we never owned what is left out and has no other owner, to be patched in at the version of
   * `live` before `object` is applied: an apply removes what it leaves out and nobody else owns, or sets it to its
   * default. What nobody owns stays as it is until somebody writes it.
   */
  letGo: ManagedFieldsEntry[] | undefined;
}

/**
 * What we leave to others in an object that exists; a new one is better applied whole, for others to start from. Items
 * of lists that are not there yet are applied whole for the same reason. Inside an atomic field nothing can be left out:
 * what is named there is sent as it is now.
 */
export const withoutIgnored = (
  desired: KubeObject,
  live: KubeObject,
  rules: IgnoreFields,
  ourManager: string,
): WithoutIgnored => {
  // Without any entry nothing is known, not even that the object is made of parts.
  const known = nonEmpty(fieldsOf(entriesOf(live)));
  const pointers = rules.fields.map(segmentsOf);
  const filled = pointers.reduce<unknown>(
    (object, segments) => withLive({ value: object, live, known }, segments),
    desired,
  );
  const named = pointers.map((segments) => fieldsNamed({ value: filled, live, known }, segments));
  const owned = entriesOf(live)
    .filter(({ manager }) => rules.managers.includes(manager) && manager !== ourManager)
    .map((entry) => fieldsOwned(setOf(entry), { value: filled, live, known: fieldsOfVersion(live, entry.apiVersion) }));
  const yielded = withoutMergeKeys(union([...named, ...owned]));
  // Also what Git has left out already: it is let go of, and not removed.
  const there = pointers.map((segments) => fieldsNamed({ value: live, live, known }, segments));
  const orphans = orphansOf(live, union([yielded, withoutMergeKeys(union(there))]), ourManager);
  return {
    object: withIdentity(without(filled, yielded), desired),
    letGo: isEmpty(orphans) ? undefined : letGoOf(live, orphans, ourManager),
  };
};

/**
 * The object without what was added by hand and belongs to nobody else: an apply leaves it, and one that takes over what
 * was edited by hand removes it. Labels, annotations and what the rules leave to others stay.
 */
export const withoutAdditions = (object: KubeObject, rules: IgnoreFields): KubeObject => {
  const byHand = isByHand(rules.managers);
  const entries = entriesOf(object);
  const { 'f:metadata': _, ...edited } = fieldsOf(entries.filter(byHand));
  const others = fieldsOf(entries.filter((entry) => !byHand(entry)));
  // What is applied to a Secret's stringData is its data.
  const theirs = others['f:stringData'] ? union([others, { 'f:data': others['f:stringData'] }]) : others;
  const added = notIn(edited, theirs);
  const known = nonEmpty(fieldsOf(entries));
  const place = { value: object, live: object, known };
  const left = union(rules.fields.map((pointer) => fieldsNamed(place, segmentsOf(pointer))));
  return without(object, difference(added, left)) as KubeObject;
};

/** A place in an object: what we want there, what is there, and which fields somebody owns there. */
interface Place {
  value: unknown;
  live: unknown;
  known: FieldSet | undefined;
}

const placeBelow = ({ value, live, known }: Place, step: string): Place => ({
  value: childOf(value, step),
  live: childOf(live, step),
  known: known?.[step],
});

/** A list or map that is owned as a whole, by whoever owns it. */
const isAtomic = ({ live, known }: Place): boolean =>
  known !== undefined && stepsOf(known).length === 0 && typeof live === 'object' && live !== null && !isEmpty(live);

const withLive = (place: Place, segments: readonly string[]): unknown => {
  const [segment, ...rest] = segments;
  if (segment === undefined) return place.value;
  if (isAtomic(place)) return withLiveInside(place.value, place.live, segments);
  return stepsNamed(segment, place.value, place.known ?? {}).reduce<unknown>(
    (value, step) => withChild(value, step, withLive(placeBelow(place, step), rest)),
    place.value,
  );
};

const withLiveInside = (value: unknown, live: unknown, [segment, ...rest]: readonly string[]): unknown => {
  if (segment === undefined) return live;
  if (Array.isArray(value)) {
    // Items of an atomic list have no name: with another number of them, nobody knows which is which.
    if (!Array.isArray(live) || live.length !== value.length) return value;
    return value.map((item, index) => (namesIndex(segment, index) ? withLiveInside(item, live[index], rest) : item));
  }
  const step = `f:${segment}`;
  const liveChild = childOf(live, step);
  return liveChild === undefined
    ? value
    : withChild(value, step, withLiveInside(childOf(value, step), liveChild, rest));
};

/** What a pointer names of the value, unless it is inside an atomic field. */
const fieldsNamed = (place: Place, [segment, ...rest]: readonly string[]): FieldSet => {
  if (segment === undefined || isAtomic(place)) return {};
  return pick(stepsNamed(segment, place.value, place.known ?? {}), (step) =>
    rest.length === 0 ? {} : nonEmpty(fieldsNamed(placeBelow(place, step), rest)),
  );
};

/** What a manager owns of the value: the fields at the ends, not the maps and the items of lists that they are in. */
const fieldsOwned = (fields: FieldSet, place: Place): FieldSet =>
  pick(stepsOf(fields), (step) => {
    const below = placeBelow(place, step);
    const owned = fields[step] ?? {};
    if (below.value === undefined) return undefined;
    if (stepsOf(owned).length > 0) return nonEmpty(fieldsOwned(owned, below));
    // An empty map that others filled, and an empty one: the manager has nothing in it.
    const isParent = stepsOf(below.known ?? {}).length > 0 || isEmpty(below.live);
    return isParent || step.startsWith('k:') || step.startsWith('i:') ? undefined : {};
  });

/** Without them, an item could not be found. */
const withoutMergeKeys = (fields: FieldSet, keys: Record<string, unknown> = {}): FieldSet =>
  pick(Object.keys(fields), (step) => {
    if (step.startsWith('f:') && Object.hasOwn(keys, step.slice(2))) return undefined;
    const below = fields[step] ?? {};
    return isEmpty(below) ? below : nonEmpty(withoutMergeKeys(below, mergeKeysOf(step)));
  });

/** Maps and lists that are emptied by this go as well: an empty one would be a claim on it. */
const without = (value: unknown, fields: FieldSet): unknown =>
  stepsOf(fields).reduce<unknown>((rest, step) => {
    const below = fields[step] ?? {};
    const left = isWhole(below) ? undefined : without(childOf(rest, step), below);
    return withChild(rest, step, isEmpty(left) ? undefined : left);
  }, value);

/** The value with what names its object, and nothing else, put right. */
const withIdentity = (value: unknown, { apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { name, namespace } = metadata;
  const fields = isRecord(value) ? value : {};
  return {
    ...fields,
    apiVersion,
    kind,
    metadata: {
      ...(isRecord(fields.metadata) ? fields.metadata : {}),
      name,
      ...(namespace === undefined ? {} : { namespace }),
    },
  };
};

/** What would have no owner any more without us. */
const orphansOf = (live: KubeObject, yielded: FieldSet, ourManager: string): FieldSet => {
  const isOurs = isApplyOf(ourManager);
  const [ours, others] = [entriesOf(live).filter(isOurs), entriesOf(live).filter((entry) => !isOurs(entry))];
  return notIn(intersection(fieldsOf(ours), yielded), fieldsOf(others));
};

const letGoOf = (live: KubeObject, orphans: FieldSet, ourManager: string): ManagedFieldsEntry[] =>
  entriesOf(live).map((entry) =>
    isApplyOf(ourManager)(entry) ? { ...entry, fieldsV1: difference(entry.fieldsV1 ?? {}, orphans) } : entry,
  );
