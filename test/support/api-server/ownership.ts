import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../../src/api/meta.ts';
import { isBuiltIn } from '../../../src/sync/plan/apply-order.ts';
import {
  describe,
  type FieldSet,
  fieldsOf,
  fromV1,
  hasParts,
  isShared,
  merged,
  minus,
  ownable,
  toV1,
  valueAt,
  valuesOf,
  without,
} from './field-sets.ts';

export interface Writer {
  manager: string;
  apiVersion: string;
  subresource?: string | undefined;
  /** RFC 3339. */
  time: string;
}

interface Entry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time?: string;
  subresource?: string;
  set: FieldSet;
}

const entriesOf = ({ metadata }: KubeObject): Entry[] =>
  ((metadata.managedFields ?? []) as (Entry & { fieldsV1?: unknown })[])
    .filter((entry) => entry.manager !== undefined)
    .map(({ fieldsV1, ...entry }) => ({ ...entry, set: setOf(fieldsV1) }));

/** Objects that are stored are never changed: what was read of them once needs no second look. */
const once = <Of extends object, Result>(read: (of: Of) => Result): ((of: Of) => Result) => {
  const known = new WeakMap<Of, Result>();
  return (of) => {
    const found = known.get(of) ?? read(of);
    known.set(of, found);
    return found;
  };
};
const readOnce = once(fromV1);
const setOf = (fields: unknown): FieldSet =>
  typeof fields === 'object' && fields !== null ? readOnce(fields) : new Set();
const wholeOf = (object: KubeObject): Map<string, unknown> =>
  valuesOf(ownable(object), { whole: isBuiltIn(object.apiVersion) ? 'built-in' : 'custom' });
const wholeOnce = once(wholeOf);
const writtenOnce = once(toV1);

const withEntries = (object: KubeObject, entries: readonly Entry[]): KubeObject => {
  const managedFields = entries
    .filter(({ set }) => set.size > 0)
    .toSorted((a, b) =>
      a.operation < b.operation ? -1 : a.operation > b.operation ? 1 : a.manager < b.manager ? -1 : 1,
    )
    .map(({ set, ...entry }) => ({ ...entry, fieldsType: 'FieldsV1', fieldsV1: writtenOnce(set) }));
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: managedFields.length > 0 ? { ...metadata, managedFields } : metadata };
};

const isOf = (entry: Entry, operation: Entry['operation'], { manager, apiVersion, subresource }: Writer): boolean =>
  entry.manager === manager &&
  entry.operation === operation &&
  entry.subresource === subresource &&
  // An apply has one entry, whatever its version.
  (operation === 'Apply' || entry.apiVersion === apiVersion);

const entryOf = (
  operation: Entry['operation'],
  { manager, apiVersion, subresource, time }: Writer,
  set: FieldSet,
): Entry => ({
  manager,
  operation,
  apiVersion,
  time,
  ...(subresource === undefined ? {} : { subresource }),
  set,
});

export interface Conflict {
  manager: string;
  apiVersion: string;
  operation: string;
  field: string;
}

/** What nobody is known to own when it is applied for the first time belongs to who was there before. */
const appliersOf = (live: KubeObject): Entry[] => {
  if (live.metadata.managedFields?.length) return entriesOf(live);
  const { apiVersion, metadata } = live;
  const writer = { manager: 'before-first-apply', apiVersion, time: metadata.creationTimestamp ?? '' };
  return [entryOf('Update', writer, new Set(wholeOnce(live).keys()))];
};

/** Server-side apply: the merged object, with who owns what afterwards; or the conflicts, where it is not forced. */
export const applied = (
  live: KubeObject | undefined,
  config: KubeObject,
  writer: Writer,
  force: boolean,
): { object: KubeObject } | { conflicts: Conflict[] } => {
  const entries = live ? appliersOf(live) : [];
  const before = entries.find((entry) => isOf(entry, 'Apply', writer));
  const others = entries.filter((entry) => entry !== before);
  const set = fieldsOf(ownable(config));
  const wanted = merged(live ?? {}, config) as KubeObject;
  const isChanged = (path: string): boolean => !isDeepStrictEqual(valueAt(live, path), valueAt(wanted, path));
  const taken = new Set([...set].filter((path) => !hasParts(valueAt(config, path), path) && isChanged(path)));
  const conflicts = others.flatMap(({ manager, apiVersion, operation, set: theirs }) =>
    [...taken]
      .filter((path) => theirs.has(path))
      .map((path) => ({ manager, apiVersion, operation, field: describe(path) })),
  );
  if (conflicts.length > 0 && !force) return { conflicts };
  const staying = others.map((entry) => ({ ...entry, set: minus(entry.set, taken) }));
  const left = [...(before ? minus(before.set, set) : [])];
  const gone = new Set(left.filter((path) => !isShared(path, [...staying.map((e) => e.set), set])));
  const object = (gone.size > 0 ? without(wanted, gone) : wanted) as KubeObject;
  const own = entryOf('Apply', writer, set);
  const same = before && before.apiVersion === own.apiVersion && isDeepStrictEqual(before.set, set);
  if (same && live && before.time !== undefined && isDeepStrictEqual(ownable(object), ownable(live)))
    own.time = before.time;
  return { object: withEntries(object, [...staying, own]) };
};

/** Any other write: what it changed is its own now, what it removed nobody's. managedFields that it brings count as they are. */
export const updated = (live: KubeObject | undefined, object: KubeObject, writer: Writer): KubeObject => {
  const brought = object.metadata.managedFields;
  const own = live && !isDeepStrictEqual(brought, live.metadata.managedFields);
  const entries = own && brought !== undefined ? entriesOf(object) : live ? entriesOf(live) : [];
  const before = live ? wholeOnce(live) : new Map<string, unknown>();
  const after = wholeOf(object);
  const isNew = ([path, value]: [string, unknown]): boolean =>
    !before.has(path) || (!hasParts(value, path) && !isDeepStrictEqual(before.get(path), value));
  const changed = new Set([...after].filter(isNew).map(([path]) => path));
  const removed = minus(new Set(before.keys()), after);
  const mine = entries.find((entry) => isOf(entry, 'Update', writer));
  const others = entries
    .filter((entry) => entry !== mine)
    .map((entry) => ({ ...entry, set: minus(minus(entry.set, changed), removed) }));
  const set = minus(new Set([...(mine?.set ?? []), ...changed]), removed);
  const entry = changed.size > 0 || !mine ? entryOf('Update', writer, set) : { ...mine, set };
  return withEntries(object, [...others, entry]);
};
