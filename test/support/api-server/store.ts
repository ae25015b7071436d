import { randomUUID } from 'node:crypto';
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

export interface Store {
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

export const createStore = (now: () => number): Store => {
  const objects = new Map<string, Map<string, KubeObject>>();
  const defined = new Map<string, ResourceType[]>();
  const followers = new Set<Follower>();
  let changes: Change[] = [];
  let version = 1000;
  let oldest = 0;

  const all = (type: ResourceType): Map<string, KubeObject> => {
    const found = objects.get(kindOf(type)) ?? new Map<string, KubeObject>();
    objects.set(kindOf(type), found);
    return found;
  };
  const idOf = (type: ResourceType, { namespace, name }: Name): string =>
    `${type.namespaced ? (namespace ?? '') : ''}/${name}`;

  const tell = (type: ResourceType, before: KubeObject | undefined, after: KubeObject | undefined): void => {
    const change = { version, type, before, after };
    changes.push(change);
    for (const follower of followers) follower(change);
  };

  /** With what only the server writes; the resourceVersion as it was, so that it can be seen whether anything is new. */
  const stamped = (type: ResourceType, before: KubeObject | undefined, object: KubeObject): KubeObject => {
    const { generation: _, resourceVersion: __, deletionTimestamp: ___, ...metadata } = object.metadata;
    const { resourceVersion, deletionTimestamp, generation = 0 } = before?.metadata ?? {};
    const isNew = !before || isNewGeneration(type, before, object);
    const kept = {
      uid: before?.metadata.uid ?? randomUUID(),
      creationTimestamp: before?.metadata.creationTimestamp ?? secondsOf(now()),
      resourceVersion,
      deletionTimestamp,
      generation: hasGeneration(type) ? generation + (isNew ? 1 : 0) : undefined,
    };
    return copyOf({ ...object, metadata: { ...metadata, ...kept } } as KubeObject);
  };

  const drop = (type: ResourceType, object: KubeObject): void => {
    version += 1;
    all(type).delete(idOf(type, object.metadata));
    tell(type, { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }, undefined);
    const { name, namespace } = object.metadata;
    const isCrd = kindOf(type) === kindOf(resources.crds);
    for (const made of isCrd ? (defined.get(name) ?? []) : [])
      for (const one of [...all(made).values()]) drop(made, one);
    if (isCrd) defined.delete(name);
    const home = all(resources.namespaces).get(`/${namespace}`);
    if (home?.metadata.deletionTimestamp && contentOf(home).length === 0) drop(resources.namespaces, home);
  };

  const store: Store = {
    types: () => [...BUILT_IN, ...[...defined.values()].flat()],
    get: (type, name) => copyOf(all(type).get(idOf(type, name)) ?? null) ?? undefined,
    list: (type) => [...all(type).values()].map(copyOf),
    version: () => version,
    put(type, object) {
      const before = all(type).get(idOf(type, object.metadata));
      const after = stamped(type, before, object);
      if (before && isDeepStrictEqual(before, after)) return copyOf(before);
      version += 1;
      after.metadata.resourceVersion = String(version);
      if (kindOf(type) === kindOf(resources.crds)) {
        after.status = { conditions: [{ type: 'Established', status: 'True' }] };
        defined.set(after.metadata.name, definedBy(after));
      }
      all(type).set(idOf(type, after.metadata), after);
      tell(type, before, after);
      if (after.metadata.deletionTimestamp && !after.metadata.finalizers?.length) drop(type, after);
      return copyOf(after);
    },
    remove(type, object) {
      const isNamespace = kindOf(type) === kindOf(resources.namespaces);
      const content = isNamespace ? contentOf(object) : [];
      if (!object.metadata.finalizers?.length && content.length === 0) return drop(type, object);
      if (object.metadata.deletionTimestamp !== undefined) return;
      version += 1;
      const { generation } = object.metadata;
      const metadata = { ...object.metadata, deletionTimestamp: secondsOf(now()), resourceVersion: String(version) };
      if (generation !== undefined) metadata.generation = generation + 1;
      const after = { ...object, metadata, ...(isNamespace ? { status: { phase: 'Terminating' } } : {}) };
      all(type).set(idOf(type, metadata), after);
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

export const secondsOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** What a watch tells of a change: an object that no longer matches is gone to whoever watches. */
export const eventOf = (
  { before, after }: Change,
  matches: (object: KubeObject) => boolean,
): Exclude<WatchEvent, { type: 'BOOKMARK' }> | undefined => {
  const was = before && matches(before);
  const is = after && matches(after);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: after };
  return was ? { type: 'DELETED', object: { ...before, ...(after ? { metadata: after.metadata } : {}) } } : undefined;
};
