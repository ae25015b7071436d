import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../api/meta.ts';
import { readJson } from '../json.ts';

/**
 * Fields of an object, in the form of the API server (fieldsV1). The steps: `f:` and the name of a field, `k:` and the
 * merge keys of a list's item, `v:` and the value of a set's item, `i:` and an index. `.` is the parent itself, which
 * is written `{}` where nothing below it is meant.
 */
export interface FieldSet {
  [step: string]: FieldSet;
}

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

/** The steps to what is below, without the parent itself. */
export const stepsOf = (fields: FieldSet): string[] =>
  isRecord(fields) ? Object.keys(fields).filter((step) => step !== '.') : [];

export const union = (sets: readonly FieldSet[]): FieldSet => sets.reduce(unionOfTwo, {});

const unionOfTwo = (a: FieldSet, b: FieldSet): FieldSet => {
  const steps = new Set([a, b].filter(isRecord).flatMap((set) => Object.keys(set)));
  return Object.fromEntries([...steps].map((step) => [step, unionBelow(a?.[step], b?.[step])]));
};

/** `{}` is the field itself, and stays a part of the union as `.` when the other set has fields below it. */
const unionBelow = (a: FieldSet | undefined, b: FieldSet | undefined): FieldSet => {
  if (!a || !b) return a ?? b ?? {};
  const both = unionOfTwo(a, b);
  return isEmpty(a) === isEmpty(b) ? both : { '.': {}, ...both };
};

/** What the entries own, taken together. */
export const fieldsOf = (entries: readonly ManagedFieldsEntry[]): FieldSet => union(entries.map(setOf));

/** What an entry owns. */
export const setOf = ({ fieldsV1 }: ManagedFieldsEntry): FieldSet => (isRecord(fieldsV1) ? fieldsV1 : {});

/** The same field may be whole in one version of an API and made of parts in another: versions are not mixed. */
export const fieldsOfVersion = (object: KubeObject, apiVersion: string): FieldSet =>
  fieldsOf(entriesOf(object).filter((entry) => entry.apiVersion === apiVersion));

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** The merge keys of a `k:` step: `{ name: 'c' }`. None for other steps. */
export const mergeKeysOf = (step: string): Record<string, unknown> =>
  step.startsWith('k:') ? recordOf(valueOfStep(step)) : {};

const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

/** The JSON of a `k:` or `v:` step; undefined where it is none, which leads to nothing. */
const valueOfStep = (step: string): unknown => {
  try {
    return readJson(step.slice(2));
  } catch {
    return undefined;
  }
};

/** The one merge key of Kubernetes' own lists that manifests may leave out. */
const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { protocol: 'TCP' };

const isItem = (step: string, item: unknown, index: number): boolean => {
  switch (step.slice(0, 2)) {
    case 'k:':
      return (
        isRecord(item) &&
        !isEmpty(mergeKeysOf(step)) &&
        Object.entries(mergeKeysOf(step)).every(([key, value]) =>
          isDeepStrictEqual(item[key] ?? KEY_DEFAULTS[key], value),
        )
      );
    case 'v:':
      return isDeepStrictEqual(item, valueOfStep(step));
    case 'i:':
      return index === Number(step.slice(2));
    default:
      return false;
  }
};

/** What a step leads to; undefined when it is not there. */
export const childOf = (value: unknown, step: string): unknown => {
  if (Array.isArray(value)) return value.find((item, index) => isItem(step, item, index));
  const name = step.slice(2);
  return step.startsWith('f:') && isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
};

/** A copy of the value with something else where a step leads; without it when that is undefined. */
export const withChild = (value: unknown, step: string, child: unknown): unknown => {
  if (Array.isArray(value)) {
    const items = value.map((item, index) => (isItem(step, item, index) ? child : item));
    return items.filter((item) => item !== undefined);
  }
  if (!isRecord(value)) return value;
  const name = step.slice(2);
  if (child !== undefined) return { ...value, [name]: child };
  const { [name]: _, ...rest } = value;
  return rest;
};

export const segmentsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Whether a segment of a pointer names this index; `*` names all of them. */
export const namesIndex = (segment: string, index: number): boolean => segment === '*' || segment === String(index);

/** The steps that a segment of a pointer stands for. Which step an item of a list has, only a known set of fields can tell. */
export const stepsNamed = (segment: string, value: unknown, known: FieldSet): string[] => {
  if (!Array.isArray(value)) return childOf(value, `f:${segment}`) === undefined ? [] : [`f:${segment}`];
  return stepsOf(known).filter((step) =>
    value.some((item, index) => namesIndex(segment, index) && isItem(step, item, index)),
  );
};

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

export type Tool = 'kubectl apply' | 'Helm' | 'Flux' | 'Argo CD';

/** The names that the tools apply under. An edit by hand (kubectl-edit, kubectl-patch …) is none of theirs. */
const MANAGERS: Readonly<Record<Tool, readonly string[]>> = {
  // kubectl-last-applied owns the annotation after `kubectl apply --server-side`; before-first-apply is what an object
  // without managedFields had when somebody applied it first.
  'kubectl apply': ['kubectl-client-side-apply', 'kubectl', 'kubectl-last-applied', 'before-first-apply'],
  Helm: ['helm'],
  Flux: ['kustomize-controller', 'helm-controller'],
  'Argo CD': ['argocd-controller', 'argocd-application-controller', 'kubectl-client-side-apply'],
};

/** Whether an entry came from the tool's applies, for `migrated`. */
export const isToolsManager =
  (tool: Tool) =>
  ({ manager, operation }: ManagedFieldsEntry): boolean =>
    // As `kubectl`, commands like scale and create write by Update.
    MANAGERS[tool].includes(manager) && (manager !== 'kubectl' || operation === 'Apply');

/** Who applies this live object today, by what it left there. Flux and Argo CD first: they also leave traces of the others. */
export const toolOf = (object: KubeObject): Tool | undefined => {
  const [labels, notes] = [recordOf(object.metadata.labels), recordOf(object.metadata.annotations)];
  if ('kustomize.toolkit.fluxcd.io/name' in labels || 'helm.toolkit.fluxcd.io/name' in labels) return 'Flux';
  if ('argocd.argoproj.io/instance' in labels || 'argocd.argoproj.io/tracking-id' in notes) return 'Argo CD';
  if (labels['app.kubernetes.io/managed-by'] === 'Helm' && 'meta.helm.sh/release-name' in notes) return 'Helm';
  const entries = entriesOf(object);
  // By default it tracks by app.kubernetes.io/instance, a label that Helm and others set, too.
  if (entries.some((e) => e.manager.startsWith('argocd-') && isToolsManager('Argo CD')(e))) return 'Argo CD';
  const byKubectl =
    'kubectl.kubernetes.io/last-applied-configuration' in notes ||
    entries.some((e) => e.manager === 'kubectl-client-side-apply' || isApplyOf('kubectl')(e));
  return byKubectl ? 'kubectl apply' : undefined;
};
