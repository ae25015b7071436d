/** Who owns which field: the API server's own bookkeeping (structured-merge-diff), as far as the tests need it. */

type Json = Record<string, unknown>;

/** Paths of owned fields. A path is a list of steps as in fieldsV1 (`f:spec`, `k:{"name":"c"}`, `v:"x"`), joined. */
export type FieldSet = Set<string>;

export interface FieldsV1 {
  [step: string]: FieldsV1;
}

const BETWEEN = '\u0001';
export const join = (steps: readonly string[]): string => steps.join(BETWEEN);
export const split = (path: string): string[] => path.split(BETWEEN);
const isBelow = (path: string, parent: string): boolean => path.startsWith(`${parent}${BETWEEN}`);
export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Lists that are merged item by item, by the field that holds them; all others are replaced as a whole. */
const KEYED: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  imagePullSecrets: ['name'],
  volumeMounts: ['mountPath'],
  conditions: ['type'],
  ownerReferences: ['uid'],
  claims: ['name'],
  hostAliases: ['ip'],
  resourceClaims: ['name'],
  schedulingGates: ['name'],
  secrets: ['name'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  volumeDevices: ['devicePath'],
};
const SETS = new Set(['finalizers', 'values']);
/** Maps that are owned as a whole. */
const ATOMIC = new Set(
  'selector matchLabels podSelector labelSelector namespaceSelector nodeSelector resourceFieldRef secretKeyRef configMapKeyRef fieldRef fileKeyRef secretRef nodePublishSecretRef dataSource preference requiredDuringSchedulingIgnoredDuringExecution'.split(
    ' ',
  ),
);

/** How a field is merged and owned, where that is not field by field: for the test that asks kube-apiserver. */
export type Merge = { by: readonly string[] } | 'set' | 'whole' | undefined;

export const mergeOf = (steps: readonly string[]): Merge => {
  const by = keysOf(steps);
  if (by) return { by };
  if (SETS.has(nameOf(steps))) return 'set';
  return ATOMIC.has(nameOf(steps)) ? 'whole' : undefined;
};

const nameOf = (steps: readonly string[]): string => (steps.at(-1) ?? '').slice(2);

/** The merge keys of the list at this place; undefined where it is no such list. Ports of a Service have another one. */
const keysOf = (steps: readonly string[]): readonly string[] | undefined => {
  if (nameOf(steps) !== 'ports') return KEYED[nameOf(steps)];
  return steps.some((step) => step.startsWith('k:')) ? ['containerPort', 'protocol'] : ['port', 'protocol'];
};

const isMap = (value: unknown, steps: readonly string[]): value is Json => isJson(value) && !ATOMIC.has(nameOf(steps));

/** Items of a list that is merged, by their steps; undefined where it is replaced as a whole. */
const itemsOf = (value: unknown, steps: readonly string[]): Map<string, unknown> | undefined => {
  if (!Array.isArray(value)) return undefined;
  if (SETS.has(nameOf(steps))) return new Map(value.map((item) => [`v:${JSON.stringify(item)}`, item]));
  const keys = keysOf(steps);
  if (!keys || !value.every(isJson)) return undefined;
  const stepOf = (item: Json): string =>
    `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, item[key] ?? (key === 'protocol' ? 'TCP' : undefined)])))}`;
  return new Map(value.map((item) => [stepOf(item), item]));
};

/** What the API server writes itself has no owner. */
const UNOWNED = ['apiVersion', 'kind'];
const UNOWNED_METADATA =
  'name namespace uid resourceVersion generation creationTimestamp managedFields deletionTimestamp deletionGracePeriodSeconds'.split(
    ' ',
  );

/** The object without what has no owner. */
export const ownable = (object: Json): Json => {
  const { metadata = {}, ...rest } = object;
  const own = (value: Json, except: readonly string[]): Json =>
    Object.fromEntries(Object.entries(value).filter(([name]) => !except.includes(name)));
  return { ...own(rest, UNOWNED), metadata: own(metadata as Json, UNOWNED_METADATA) };
};

/** Go writes these of built-in kinds also where they are empty: nobody makes them. */
const ALWAYS_THERE = new Set('spec template jobTemplate status strategy updateStrategy containers'.split(' '));

/**
 * The value of every field, by its path. `whole`: maps and merged lists as fields of their own too, which an update owns where it made
 * them; `built-in` kinds have some of them from the start.
 */
export const valuesOf = (value: unknown, { whole }: { whole?: 'built-in' | 'custom' } = {}): Map<string, unknown> => {
  const isMade = (at: unknown, steps: readonly string[], children: unknown): boolean => {
    if (whole === undefined || children === undefined) return false;
    const isOfMetadata = steps[0] === 'f:metadata';
    if (!isMap(at, steps)) return isOfMetadata || (whole === 'built-in' && !ALWAYS_THERE.has(nameOf(steps)));
    return whole === 'custom' || !(ALWAYS_THERE.has(nameOf(steps)) || nameOf(steps) === 'metadata');
  };
  const found = new Map<string, unknown>();
  const visit = (at: unknown, steps: readonly string[], path: string): void => {
    const children = isMap(at, steps)
      ? Object.entries(at).map(([name, child]): [string, unknown] => [`f:${name}`, child])
      : itemsOf(at, steps);
    const below = [...(children ?? [])];
    const isItem = steps.at(-1)?.startsWith('k:') ?? false;
    if (steps.length > 0 && (below.length === 0 || isItem || isMade(at, steps, children))) found.set(path, at);
    for (const [step, child] of below)
      visit(child, [...steps, step], steps.length === 0 ? step : `${path}${BETWEEN}${step}`);
  };
  visit(value, [], '');
  found.delete('f:metadata');
  return found;
};

/** Every field of a value. */
export const fieldsOf = (value: unknown): FieldSet => new Set(valuesOf(value).keys());

const childOf = (value: unknown, steps: readonly string[], step: string): unknown =>
  step.startsWith('f:') ? (isJson(value) ? value[step.slice(2)] : undefined) : itemsOf(value, steps)?.get(step);

export const valueAt = (value: unknown, path: string): unknown => {
  const steps = split(path);
  return steps.reduce<unknown>((at, step, i) => childOf(at, steps.slice(0, i), step), value);
};

/** Whether the value that is at the path is made of fields of its own: then its value is not what is owned. */
export const hasParts = (at: unknown, path: string): boolean => {
  const steps = split(path);
  return isMap(at, steps) ? Object.keys(at).length > 0 : (itemsOf(at, steps)?.size ?? 0) > 0;
};

/** The live value with the applied one over it. */
export const merged = (live: unknown, applied: unknown, steps: readonly string[] = []): unknown => {
  if (isMap(applied, steps)) {
    const below = isJson(live) ? live : {};
    const parts = Object.entries(applied).map(([name, value]) => [
      name,
      merged(below[name], value, [...steps, `f:${name}`]),
    ]);
    return { ...below, ...Object.fromEntries(parts) };
  }
  const items = itemsOf(applied, steps);
  if (!items) return applied;
  const all = new Map(itemsOf(live, steps));
  for (const [step, item] of items) all.set(step, merged(all.get(step), item, [...steps, step]));
  return [...all.values()];
};

/** Without these fields; what is empty then goes with them, but never metadata. */
export const without = (value: unknown, paths: FieldSet, steps: readonly string[] = []): unknown => {
  const here = join(steps);
  if (steps.length > 0 && paths.has(here)) return undefined;
  if (![...paths].some((path) => steps.length === 0 || isBelow(path, here))) return value;
  if (isJson(value)) {
    const kept = Object.entries(value)
      .map(([name, child]): [string, unknown] => [name, without(child, paths, [...steps, `f:${name}`])])
      .filter(([, child]) => child !== undefined);
    return kept.length > 0 || here === 'f:metadata' ? Object.fromEntries(kept) : undefined;
  }
  const items = itemsOf(value, steps);
  if (!items) return value;
  const kept = [...items].map(([step, item]) => without(item, paths, [...steps, step])).filter((i) => i !== undefined);
  return kept.length > 0 ? kept : undefined;
};

/** Whether others own something below this field, so that it may not go as a whole. */
export const isShared = (path: string, others: readonly FieldSet[]): boolean =>
  others.some((set) => set.has(path) || [...set].some((other) => isBelow(other, path)));

/** The same set, where nothing is taken from it. */
export const minus = (set: FieldSet, other: Pick<FieldSet, 'has'>): FieldSet => {
  const left = [...set].filter((path) => !other.has(path));
  return left.length === set.size ? set : new Set(left);
};

interface Node {
  own: boolean;
  below: Map<string, Node>;
}

export const toV1 = (set: FieldSet): FieldsV1 => {
  const root: Node = { own: false, below: new Map() };
  for (const path of [...set].toSorted()) {
    let at = root;
    for (const step of split(path)) {
      const next = at.below.get(step) ?? { own: false, below: new Map() };
      at.below.set(step, next);
      at = next;
    }
    at.own = true;
  }
  const write = ({ own, below }: Node): FieldsV1 => ({
    ...(own && below.size > 0 ? { '.': {} } : {}),
    ...Object.fromEntries([...below].map(([step, node]) => [step, write(node)])),
  });
  return write(root);
};

export const fromV1 = (fields: unknown, steps: readonly string[] = []): FieldSet => {
  if (!isJson(fields)) return new Set();
  const names = Object.keys(fields);
  const own = steps.length > 0 && (names.length === 0 || names.includes('.'));
  const below = names.filter((step) => step !== '.').flatMap((step) => [...fromV1(fields[step], [...steps, step])]);
  return new Set([...(own ? [join(steps)] : []), ...below]);
};

/** `.spec.template.spec.containers[name="c"].image`: as conflicts name a field. */
export const describe = (path: string): string =>
  split(path)
    .map((step) => {
      if (step.startsWith('f:')) return `.${step.slice(2)}`;
      if (step.startsWith('v:')) return `[=${step.slice(2)}]`;
      const keys = Object.entries(JSON.parse(step.slice(2)) as Json);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
