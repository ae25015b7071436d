import { labels } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import {
  createWatchCache,
  type KubeClient,
  type ResourceType,
  type WatchCache,
  type WatchCachePorts,
} from '../kube/index.ts';
import { hashOf } from '../snapshot/index.ts';

/** Label value that names a GitSync; hashed where `namespace.name` is too long for a label. */
export const ownerLabel = ({ namespace, name }: { namespace: string; name: string }): string => {
  const value = `${namespace}.${name}`;
  return value.length <= 63 ? value : `${value.slice(0, 52).replace(/[-.]+$/, '')}-${hashOf(value).slice(0, 10)}`;
};

export interface OwnedObjects {
  /** The metadata of every object of this kind that some GitSync owns; listed once, then watched. */
  of(type: ResourceType): Promise<WatchCache>;
  stop(): Promise<void>;
}

/**
 * One metadata-only watch for each kind that was ever applied, over the objects that carry our label. It answers who
 * owns an object without a request, and it is where drift is seen.
 */
export const createOwnedObjects = (
  client: KubeClient,
  ports: WatchCachePorts,
  onChange: (type: ResourceType, object: KubeObject | undefined, previous: KubeObject | undefined) => void,
): OwnedObjects => {
  const caches = new Map<string, WatchCache>();
  return {
    async of(type) {
      const key = `${type.group}/${type.kind}`;
      let cache = caches.get(key);
      if (!cache) {
        cache = createWatchCache(client, type, { metadataOnly: true, labelSelector: labels.sync }, ports);
        cache.onChange((object, previous) => onChange(type, object, previous));
        caches.set(key, cache);
      }
      await cache.ready();
      return cache;
    },
    async stop() {
      await Promise.all([...caches.values()].map((cache) => cache.stop()));
    },
  };
};
