import type { KubeObject } from '../api/meta.ts';
import {
  createWatchCache,
  type KubeClient,
  type ResourceType,
  type WatchCache,
  type WatchCachePorts,
} from '../kube/index.ts';

export interface ObjectName {
  namespace: string;
  name: string;
}

export interface VersionedReads<T> {
  /**
   * What was read of the object as it is now, undefined where there is none; a request only when it changed.
   * Rejects with KubeError, or with what `take` throws.
   * @param reader whose rights count; what it may read is remembered by its id
   */
  read(name: ObjectName, reader?: Reader): Promise<T | undefined>;
  /** Called for an object that was asked for and is another one now. */
  onChange(handler: (name: ObjectName) => void): void;
  stop(): Promise<void>;
}

export interface Reader {
  /** The same for the same rights. */
  id: string;
  client: KubeClient;
}

export interface VersionedReadsOptions<T> {
  /** Objects that nobody asks for, as a field selector. */
  fieldSelector?: string;
  /** Remembered at a time; one that was forgotten costs a request. */
  max: number;
  take(object: KubeObject, key: string): T;
}

interface Known<T> {
  version: string | undefined;
  /** None where the last read failed. */
  read?: { value: T | undefined };
}

/**
 * Objects by their version: one watch of metadata says when one has to be read again, so that asking costs no request. It
 * begins with the first object that is asked for, and of others it keeps names and versions.
 */
export const createVersionedReads = <T>(
  client: KubeClient,
  type: ResourceType,
  { fieldSelector, max, take }: VersionedReadsOptions<T>,
  ports: WatchCachePorts,
): VersionedReads<T> => {
  /** By object, and by who read it; the newest last. */
  const known = new Map<string, Map<string, Known<T>>>();
  const handlers: ((name: ObjectName) => void)[] = [];
  let watch: WatchCache | undefined;
  let listed = false;

  const start = (): WatchCache => {
    const options = { metadataOnly: true, trim: nameAndVersion, ...(fieldSelector && { fieldSelector }) };
    const cache = createWatchCache(client, type, options, ports);
    cache.ready().then(
      () => {
        listed = true;
      },
      () => {}, // stopped before its first list: nobody reads any more
    );
    cache.onChange((object, previous) => {
      const { namespace = '', name = '' } = (object ?? previous)?.metadata ?? {};
      const version = object?.metadata.resourceVersion;
      const before = [...(known.get(`${namespace}/${name}`)?.values() ?? [])];
      if (before.every((each) => each.version === version)) return;
      for (const handler of handlers) handler({ namespace, name });
    });
    return cache;
  };
  const remember = (key: string, reader: string, entry: Known<T>): void => {
    const readers = known.get(key) ?? new Map<string, Known<T>>();
    known.delete(key);
    known.set(key, readers.set(reader, entry));
    const [oldest] = known.keys();
    if (known.size > max && oldest !== undefined) known.delete(oldest);
  };

  return {
    async read(name, reader = { id: '', client }) {
      watch ??= start();
      const key = `${name.namespace}/${name.name}`;
      const before = known.get(key)?.get(reader.id);
      const version = watch.get(name)?.metadata.resourceVersion;
      if (listed && before?.read && before.version === version) return before.read.value;
      remember(key, reader.id, { version: undefined });
      const found = await reader.client.get(type, name);
      const value = found && take(found, key);
      remember(key, reader.id, { version: found?.metadata.resourceVersion, read: { value } });
      return value;
    },
    onChange: (handler) => void handlers.push(handler),
    stop: async () => watch?.stop(),
  };
};

/** Annotations may hold the whole object again, as kubectl applied it. */
const nameAndVersion = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { namespace, name, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace && { namespace }), ...(resourceVersion && { resourceVersion }) },
  };
};
