import type { KubeObject } from '../api/meta.ts';
import { childOf, type FieldSet, isEmpty, isRecord, segmentsOf, stepsNamed, stepsOf, union } from './field-set.ts';

export interface ManagedFieldsEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  /** RFC 3339. The API server leaves it out where a request changed owners and no values. */
  time?: string;
  fieldsType: 'FieldsV1';
  fieldsV1?: FieldSet;
  subresource?: string;
}

/** None where it is no list of entries: an aggregated API server may answer anything. */
export const entriesOf = ({ metadata }: Pick<KubeObject, 'metadata'>): readonly ManagedFieldsEntry[] =>
  Array.isArray(metadata.managedFields) ? metadata.managedFields.filter(isEntry) : [];

const isEntry = (entry: unknown): entry is ManagedFieldsEntry => isRecord(entry) && typeof entry.manager === 'string';

/** What the manager applied to the object itself, not to a subresource: it has one such entry at most. */
export const isApplyOf =
  (manager: string) =>
  (entry: ManagedFieldsEntry): boolean =>
    entry.manager === manager && entry.operation === 'Apply' && !entry.subresource;

/** What the entries own, taken together. */
export const fieldsOf = (entries: readonly ManagedFieldsEntry[]): FieldSet => union(entries.map(setOf));

/** What an entry owns. */
export const setOf = ({ fieldsV1 }: ManagedFieldsEntry): FieldSet => (isRecord(fieldsV1) ? fieldsV1 : {});

/** The same field may be whole in one version of an API and made of parts in another: versions are not mixed. */
export const fieldsOfVersion = (object: KubeObject, apiVersion: string): FieldSet =>
  fieldsOf(entriesOf(object).filter((entry) => entry.apiVersion === apiVersion));

/**
 * Whether the entry owns the field of the object that a JSON pointer (RFC 6901) names, or anything below it. Items of
 * lists are named by index, or all by `*`.
 */
export const ownsPath = (entry: ManagedFieldsEntry, object: KubeObject, pointer: string): boolean => {
  const { apiVersion } = entry;
  const fields = setOf(entry);
  if (isEmpty(fields)) return false;
  return owns(fields, { value: object, known: fieldsOfVersion(object, apiVersion) }, segmentsOf(pointer));
};

const owns = (
  fields: FieldSet,
  { value, known }: { value: unknown; known: FieldSet },
  [segment, ...rest]: readonly string[],
): boolean => {
  if (segment === undefined) return true;
  // An atomic field is owned as a whole. An empty map that others filled looks the same, but they own parts of it.
  if (stepsOf(fields).length === 0) return stepsOf(known).length === 0;
  return stepsNamed(segment, value, fields).some((step) => {
    const below = fields[step];
    return below !== undefined && owns(below, { value: childOf(value, step), known: known[step] ?? {} }, rest);
  });
};

/** The names of the managers that own the field or anything below it, each once. */
export const managersOf = (object: KubeObject, pointer: string): string[] => [
  ...new Set(
    entriesOf(object)
      .filter((entry) => ownsPath(entry, object, pointer))
      .map((entry) => entry.manager),
  ),
];

/**
 * The managedFields with which `to` has applied all that the entries in question own: its next apply then also removes
 * what it leaves out, as the old tool's would have. That includes kubectl's last-applied annotation, which those entries
 * own. Entries of subresources stay. undefined when there is nothing to take over.
 */
export const migrated = (
  object: KubeObject,
  { from, to }: { from: (entry: ManagedFieldsEntry) => boolean; to: { manager: string; apiVersion: string } },
): ManagedFieldsEntry[] | undefined => {
  const entries = entriesOf(object);
  const isOurs = isApplyOf(to.manager);
  const taken = entries.filter((entry) => !entry.subresource && !isOurs(entry) && from(entry));
  if (taken.length === 0) return undefined;
  const merged = entries.filter((entry) => isOurs(entry) || taken.includes(entry));
  const time = merged
    .flatMap((entry) => entry.time ?? [])
    .sort()
    .at(-1);
  return [
    {
      ...to,
      operation: 'Apply',
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsOf(merged),
    },
    ...entries.filter((entry) => !merged.includes(entry)),
  ];
};

/**
 * What people change with kubectl. Not `kubectl-annotate`, `kubectl-label` and `kubectl-rollout`: what those say is meant
 * to stay beside what Git says.
 */
const BY_HAND = ['kubectl-edit', 'kubectl-patch', 'kubectl-replace', 'kubectl-set', 'kubectl-client-side-apply'];
const TAKEN = 'metricops-taken';

/** Whether an entry is an edit by hand. */
export const isByHand =
  (except: readonly string[]) =>
  ({ manager, operation, subresource }: ManagedFieldsEntry): boolean =>
    !subresource && operation === 'Update' && BY_HAND.includes(manager) && !except.includes(manager);

/**
 * The managedFields with which `to` owns what was edited by hand, so that its next apply removes what was added, an item
 * of a list for example. Labels and annotations stay with who wrote them. undefined when nothing was edited by hand.
 * @param except managers whose fields are left to them
 */
export const withoutHandEdits = (
  object: KubeObject,
  to: { manager: string; apiVersion: string },
  except: readonly string[] = [],
): ManagedFieldsEntry[] | undefined => {
  const managedFields = entriesOf(object).flatMap((entry) => {
    if (!isByHand(except)(entry)) return [entry];
    const { 'f:metadata': metadata, ...rest } = setOf(entry);
    return [
      ...(metadata ? [{ ...entry, fieldsV1: { 'f:metadata': metadata } }] : []),
      ...(isEmpty(rest) ? [] : [{ ...entry, manager: TAKEN, fieldsV1: rest }]),
    ];
  });
  const split = { ...object, metadata: { ...object.metadata, managedFields } };
  return migrated(split, { from: ({ manager }) => manager === TAKEN, to });
};
