import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../../src/api/meta.ts';
import { KubeError, type Name, type ResourceType, resources, type WatchEvent } from '../../../src/kube/index.ts';
import { BUILT_IN, definedBy, hasGeneration, isNewGeneration, kindOf } from './kinds.ts';

export interface Change {
  version: number;
  type: ResourceType;
  before: KubeObject | undefined;
  after: KubeObject | undefined;
}

/** All objects at one moment. Moments share what did not change between them. */
export interface Moment {
  readonly version: number;
  readonly objects: ReadonlyMap<string, ReadonlyMap<string, KubeObject>>;
  readonly defined: ReadonlyMap<string, ResourceType[]>;
  /** How often an object of a name was made. */
  readonly made: ReadonlyMap<string, number>;
}

export interface Store {
  /** What is stored now, to come back to; costs nothing. */
  moment(): Moment;
  /** Goes back, or to where another store was. Watches are not told: none should be open. */
  restore(moment: Moment): void;
  /** Kinds that are served now. */
  types(): ResourceType[];
  get(type: ResourceType, name: Name): KubeObject | undefined;
  list(type: ResourceType): KubeObject[];
  version(): number;
  /** Stores it under a new resourceVersion (and generation); what says nothing new is left as it is. */
  put(type: ResourceType, object: KubeObject): KubeObject;
  /** With finalizers it is only marked. */
  remove(type: ResourceType, object: KubeObject): void;
  /** Changes since that version, and those that come; undefined ends it. Throws 410 when they are forgotten. */
  follow(since: number, signal: AbortSignal): AsyncIterable<Change | 'bookmark'>;
  bookmark(): void;
  /** Watches end, as the server ends them every few minutes; with `forget`, none can be resumed. */
  endWatches(options?: { forget?: boolean }): void;
}

type Follower = (change: Change | 'bookmark' | 'end') => void;

export const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** @param frozen objects are handed out as they are stored, and nobody can change them; else each answer is a copy */
export const createStore = (now: () => number, { frozen = false } = {}): Store => {
  let objects: ReadonlyMap<string, ReadonlyMap<string, KubeObject>> = new Map();
  let defined: ReadonlyMap<string, ResourceType[]> = new Map();
  let made: ReadonlyMap<string, number> = new Map();
  const handOut: <T>(value: T) => T = frozen ? (value) => value : copyOf;
  const keep: <T>(value: T) => T = frozen ? deepFrozen : (value) => value;
  const followers = new Set<Follower>();
  let changes: Change[] = [];
  let version = 1000;
  /** Who asks for changes since an older version missed some. */
  let oldest = version;

  const all = (type: ResourceType): ReadonlyMap<string, KubeObject> => objects.get(kindOf(type)) ?? NONE;
  /** Maps are never changed: a moment that somebody holds stays as it is. */
  const set = (type: ResourceType, id: string, object: KubeObject | undefined): void => {
    const of = new Map(all(type));
    if (object) of.set(id, keep(object));
    else of.delete(id);
    objects = new Map(objects).set(kindOf(type), of);
  };
  const idOf = (type: ResourceType, { namespace, name }: Name): string =>
    `${type.namespaced ? (namespace ?? '') : ''}/${name}`;

  /** The same object made as often has the same UID: what a test saw once it sees again. */
  const uidOf = (type: ResourceType, object: KubeObject): string => {
    const id = `${kindOf(type)}/${idOf(type, object.metadata)}`;
    const times = (made.get(id) ?? 0) + 1;
    const hex = hash('sha1', `${id} ${times}`, 'hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
  };

  const tell = (type: ResourceType, before: KubeObject | undefined, after: KubeObject | undefined): void => {
    const change = { version, type, before, after };
    changes.push(change);
    for (const follower of followers) follower(change);
  };

  /** With what only the server writes; the resourceVersion as it was, so that it can be seen whether anything is new. */
  const stamped = (type: ResourceType, before: KubeObject | undefined, object: KubeObject): KubeObject => {
    const { generation: _, resourceVersion: __, deletionTimestamp: ___, ...metadata } = object.metadata;
    const { resourceVersion, generation = 0 } = before?.metadata ?? {};
    const { deletionTimestamp, deletionGracePeriodSeconds }: Ending = before?.metadata ?? {};
    const isNew = !before || isNewGeneration(type, before, object);
    const kept = {
      uid: before?.metadata.uid ?? uidOf(type, object),
      creationTimestamp: before?.metadata.creationTimestamp ?? secondsOf(now()),
      resourceVersion,
      deletionTimestamp,
      deletionGracePeriodSeconds,
      generation: hasGeneration(type) ? generation + (isNew ? 1 : 0) : undefined,
    };
    return copyOf({ ...object, metadata: { ...metadata, ...kept } } as KubeObject);
  };

  const drop = (type: ResourceType, object: KubeObject): void => {
    version += 1;
    set(type, idOf(type, object.metadata), undefined);
    tell(type, { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }, undefined);
    const { name, namespace } = object.metadata;
    const isCrd = kindOf(type) === kindOf(resources.crds);
    for (const made of isCrd ? (defined.get(name) ?? []) : [])
      for (const one of [...all(made).values()]) drop(made, one);
    if (isCrd) defined = new Map([...defined].filter(([crd]) => crd !== name));
    const home = all(resources.namespaces).get(`/${namespace}`);
    if (home?.metadata.deletionTimestamp && contentOf(home).length === 0) drop(resources.namespaces, home);
  };

  const store: Store = {
    types: () => [...BUILT_IN, ...[...defined.values()].flat()],
    moment: () => ({ version, objects, defined, made }),
    restore(moment) {
      ({ version, objects, defined, made } = moment);
      changes = [];
      oldest = version;
    },
    get: (type, name) => handOut(all(type).get(idOf(type, name)) ?? null) ?? undefined,
    list: (type) => [...all(type).values()].map(handOut),
    version: () => version,
    put(type, object) {
      const before = all(type).get(idOf(type, object.metadata));
      const after = stamped(type, before, object);
      if (before && isDeepStrictEqual(before, after)) return handOut(before);
      // The update that takes the last finalizer off is the end of the object, and no change before it.
      if (before?.metadata.deletionTimestamp && !after.metadata.finalizers?.length) {
        drop(type, before);
        return handOut(after);
      }
      version += 1;
      after.metadata.resourceVersion = String(version);
      if (kindOf(type) === kindOf(resources.crds)) {
        after.status = { conditions: [{ type: 'Established', status: 'True' }] };
        defined = new Map(defined).set(after.metadata.name, definedBy(after));
      }
      set(type, idOf(type, after.metadata), after);
      if (!before) {
        const id = `${kindOf(type)}/${idOf(type, after.metadata)}`;
        made = new Map(made).set(id, (made.get(id) ?? 0) + 1);
      }
      tell(type, before, after);
      return handOut(after);
    },
    remove(type, object) {
      const isNamespace = kindOf(type) === kindOf(resources.namespaces);
      const content = isNamespace ? contentOf(object) : [];
      if (!object.metadata.finalizers?.length && content.length === 0) return drop(type, object);
      if (object.metadata.deletionTimestamp !== undefined) return;
      version += 1;
      const { generation } = object.metadata;
      const metadata = { ...object.metadata, ...graceOf(now()), resourceVersion: String(version) };
      if (generation !== undefined) metadata.generation = generation + 1;
      const after = { ...object, metadata, ...(isNamespace ? { status: { phase: 'Terminating' } } : {}) };
      set(type, idOf(type, metadata), after);
      tell(type, object, after);
      for (const [of, one] of content) store.remove(of, one);
    },
    async *follow(since, signal) {
      if (since < oldest) throw new KubeError('too old resource version', { status: 410, reason: 'Expired' });
      const waiting: (Change | 'bookmark' | 'end')[] = changes.filter((change) => change.version > since);
      let wake = Promise.withResolvers<void>();
      const follower: Follower = (change) => {
        waiting.push(change);
        wake.resolve();
      };
      followers.add(follower);
      const onAbort = (): void => follower('end');
      signal.addEventListener('abort', onAbort);
      try {
        while (!signal.aborted) {
          for (let next = waiting.shift(); next; next = waiting.shift()) {
            if (next === 'end') return;
            yield next;
          }
          await wake.promise;
          wake = Promise.withResolvers();
        }
      } finally {
        followers.delete(follower);
        signal.removeEventListener('abort', onAbort);
      }
    },
    bookmark() {
      for (const follower of followers) follower('bookmark');
    },
    endWatches({ forget = false } = {}) {
      if (forget) {
        changes = [];
        version += 1;
        oldest = version;
      }
      for (const follower of followers) follower('end');
    },
  };
  const contentOf = (namespace: KubeObject): [ResourceType, KubeObject][] =>
    store
      .types()
      .filter((type) => type.namespaced)
      .flatMap((type) => [...all(type).values()].map((object): [ResourceType, KubeObject] => [type, object]))
      .filter(([, { metadata }]) => metadata.namespace === namespace.metadata.name);
  return store;
};

interface Ending {
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
}
const graceOf = (now: number): Required<Ending> => ({
  deletionTimestamp: secondsOf(now),
  deletionGracePeriodSeconds: 0,
});

const NONE: ReadonlyMap<string, KubeObject> = new Map();

const deepFrozen = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFrozen(part);
  return Object.freeze(value);
};

export const secondsOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** What a watch tells of a change: an object that no longer matches is gone to whoever watches. */
export const eventOf = (
  { before, after }: Change,
  matches: (object: KubeObject) => boolean,
): Exclude<WatchEvent, { type: 'BOOKMARK' }> | undefined => {
  const was = before && matches(before);
  const is = after && matches(after);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: after };
  if (!was) return undefined;
  // As it was last seen, at the version in which it went out of sight.
  const { resourceVersion } = (after ?? before).metadata;
  const metadata = { ...before.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  return { type: 'DELETED', object: { ...before, metadata } };
};
