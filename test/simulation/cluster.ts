import type { KubeObject } from '../../src/api/meta.ts';
import type { Clock } from '../../src/clock.ts';
import { type KubeClient, type ResourceType, resources, type WatchCache } from '../../src/kube/index.ts';
import { createApiServer } from '../support/api-server.ts';

type Handler = (object: KubeObject | undefined, previous: KubeObject | undefined) => void;

/** The API server in memory, with watched copies that show each write at once. */
export interface Cluster {
  client: KubeClient;
  cache<T extends KubeObject>(type: ResourceType): WatchCache<T>;
  /** As somebody else writes it. */
  put(type: ResourceType, object: object): KubeObject;
  /** As somebody else deletes it: nobody watches it any more. */
  remove(type: ResourceType, object: KubeObject): void;
  list<T extends KubeObject>(type: ResourceType): T[];
}

export const createCluster = (namespace: string, clock: Pick<Clock, 'now'>): Cluster => {
  const server = createApiServer({ namespaces: [namespace], now: clock.now, frozen: true, ownership: false });
  const handlers = new Map<string, Set<Handler>>();
  const copies = new Map<string, Map<string, KubeObject>>();
  const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;
  const copiesOf = ({ kind }: ResourceType): Map<string, KubeObject> => {
    const found = copies.get(kind) ?? new Map<string, KubeObject>();
    copies.set(kind, found);
    return found;
  };
  const show = <T extends KubeObject>(type: ResourceType, object: T): T => {
    const known = copiesOf(type);
    const previous = known.get(keyOf(object));
    known.set(keyOf(object), object);
    for (const handler of handlers.get(type.kind) ?? []) handler(object, previous);
    return object;
  };
  const client: KubeClient = {
    ...server.client,
    create: async (type, object, how) => show(type, await server.client.create(type, object, how)),
    replace: async (type, object, how) => show(type, await server.client.replace(type, object, how)),
    patch: async (type, name, patch, how) => show(type, await server.client.patch(type, name, patch, how)),
  };
  for (const object of server.list(resources.namespaces)) show(resources.namespaces, object);
  return {
    client,
    cache: <T extends KubeObject>(type: ResourceType): WatchCache<T> => ({
      get: ({ namespace: of, name }) => copiesOf(type).get(`${of ?? ''}/${name}`) as T | undefined,
      list: (of) =>
        [...copiesOf(type).values()].filter(({ metadata }) => of === undefined || metadata.namespace === of) as T[],
      onChange(handler) {
        const known = handlers.get(type.kind) ?? new Set<Handler>();
        handlers.set(type.kind, known);
        known.add(handler as Handler);
        return () => void known.delete(handler as Handler);
      },
      ready: async () => {},
      stop: async () => {},
    }),
    put: (type, object) => show(type, server.seed(type, object)),
    remove(type, object) {
      copiesOf(type).delete(keyOf(object));
      for (const handler of handlers.get(type.kind) ?? []) handler(undefined, object);
    },
    list: <T extends KubeObject>(type: ResourceType) => server.list(type) as T[],
  };
};
