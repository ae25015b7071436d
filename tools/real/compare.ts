import type { KubeObject, ObjectKey } from '../../src/api/meta.ts';
import { describeKey, groupOf } from '../../src/api/meta.ts';
import type { Discovery, ResourceType } from '../../src/kube/index.ts';
import { comparable } from './comparable.ts';
import { differencesBetween, isBelow } from './differences.ts';
import { idOf } from './manifests.ts';
import type { Sides } from './try-case.ts';

export interface Comparing {
  /** As manifests have them, with or without a namespace. */
  objects: readonly KubeObject[];
  /** Of what metricops says that it applied. */
  ids: readonly (ObjectKey & { version: string })[];
  /** Of namespaced objects that name none. */
  namespace: string;
  /** Places that each render writes otherwise, by object. */
  random: ReadonlyMap<string, ReadonlySet<string>>;
  timeoutMs: number;
}

export interface Compared {
  differences: string[];
  counts: { objects: number; refusedObjects: string[]; random: number };
  /** All that were compared, in their namespaces. */
  objects: KubeObject[];
}

/** Compares until all are the same, for controllers write to both at their own pace; at the deadline says what differs. */
export const compareObjects = async (sides: Sides, comparing: Comparing): Promise<Compared> => {
  const deadline = Date.now() + comparing.timeoutMs;
  for (;;) {
    const compared = await compareOnce(sides, comparing);
    if (compared.differences.length === 0 || Date.now() > deadline) return compared;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};

const compareOnce = async (sides: Sides, comparing: Comparing): Promise<Compared> => {
  const objects = await placed(comparing, sides.theirs.discovery);
  const differences: string[] = [];
  const refusedObjects: string[] = [];
  const compare = async ({ object, random }: Placed): Promise<void> => {
    const { kind, metadata } = object;
    const what = describeKey({ kind, name: metadata.name, namespace: metadata.namespace ?? '' });
    const [ours, theirs] = await Promise.all([read(sides.ours, object), read(sides.theirs, object)]);
    if (ours && theirs) differences.push(...fieldsThatDiffer(ours, theirs, random).map((field) => `${what} ${field}`));
    else if (ours || theirs) differences.push(`${what} is only where ${ours ? 'metricops' : 'kubectl'} applied`);
    else refusedObjects.push(what);
  };
  for (let i = 0; i < objects.length; i += AT_ONCE) await Promise.all(objects.slice(i, i + AT_ONCE).map(compare));
  const random = objects.reduce((sum, one) => sum + one.random.size, 0);
  const counts = { objects: objects.length - refusedObjects.length, refusedObjects, random };
  return { differences, counts, objects: objects.map(({ object }) => object) };
};

/** The values of a Secret are not shown. */
const fieldsThatDiffer = (ours: KubeObject, theirs: KubeObject, random: ReadonlySet<string>): string[] =>
  differencesBetween(comparable(ours), comparable(theirs))
    .filter(({ path }) => !random.has('') && !isBelow(path, random))
    .map(({ path, ours: a, theirs: b }) =>
      ours.kind === 'Secret' ? path : `${path}: metricops ${JSON.stringify(a)}, kubectl ${JSON.stringify(b)}`,
    );

const AT_ONCE = 8;

interface Placed {
  object: KubeObject;
  random: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** Each once, with its namespace where it is in one. */
const placed = async ({ objects, ids, namespace, random }: Comparing, discovery: Discovery): Promise<Placed[]> => {
  const found = new Map<string, Placed>();
  for (const object of objects) {
    const type = await find(discovery, object);
    const { namespace: own, ...metadata } = object.metadata;
    // Of a kind that is not served nobody knows whether it has one.
    const at = type?.namespaced === false ? undefined : own || (type && namespace);
    const one: KubeObject = { ...object, metadata: at === undefined ? metadata : { ...metadata, namespace: at } };
    found.set(idOf(one), { object: one, random: random.get(idOf(object)) ?? NONE });
  }
  for (const { group, kind, name, namespace: at, version } of ids) {
    const apiVersion = group === '' ? version : `${group}/${version}`;
    const object: KubeObject = { apiVersion, kind, metadata: { name, ...(at === '' ? {} : { namespace: at }) } };
    if (!found.has(idOf(object))) found.set(idOf(object), { object, random: NONE });
  }
  return [...found.values()];
};

export const find = async (discovery: Discovery, { apiVersion, kind }: KubeObject): Promise<ResourceType | undefined> =>
  (await discovery.find(apiVersion, kind).catch(() => undefined)) ??
  discovery.findKind(groupOf(apiVersion), kind).catch(() => undefined);

const read = async (plane: Sides['ours'], object: KubeObject): Promise<KubeObject | undefined> => {
  const type = await find(plane.discovery, object);
  if (!type) return undefined;
  const found = await plane.client.get(type, object.metadata);
  return found?.metadata.deletionTimestamp === undefined ? found : undefined;
};
