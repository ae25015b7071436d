import type { KubeObject } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import { isExpired } from './errors.ts';
import type { KubeClient, Name, ResourceType, WatchCache, WatchCacheOptions } from './types.ts';

export interface WatchCachePorts {
  clock: Clock;
  /** [0, 1) */
  random: () => number;
  /** Told of every disturbance: reconnected, relisted. */
  onDisturbance?: (event: { kind: string; what: 'relist' | 'reconnect'; error: unknown }) => void;
}

const MAX_BACKOFF_MS = 30_000;

/** Lists, watches, and never gives up: a watch that ends is resumed, one that is too old is listed again. */
export const createWatchCache = <T extends KubeObject = KubeObject>(
  client: KubeClient,
  type: ResourceType,
  options: WatchCacheOptions<T>,
  ports: WatchCachePorts,
): WatchCache<T> => {
  const objects = new Map<string, T>();
  const handlers = new Set<(object: T | undefined, previous: T | undefined) => void>();
  const stopped = new AbortController();
  const readiness = Promise.withResolvers<void>();
  readiness.promise.catch(() => {}); // whoever waits hears it; nobody has to wait
  const keyOf = ({ namespace, name }: Name): string => `${namespace ?? ''}/${name}`;
  const trim = (object: T): T => {
    if (!options.keepManagedFields) delete object.metadata.managedFields;
    return options.trim?.(object) ?? object;
  };
  const tell = (object: T | undefined, previous: T | undefined): void => {
    for (const handler of handlers) handler(object, previous);
  };
  const put = (object: T): void => {
    const key = keyOf(object.metadata);
    const previous = objects.get(key);
    if (previous !== undefined && previous.metadata.resourceVersion === object.metadata.resourceVersion) return;
    objects.set(key, object);
    tell(object, previous);
  };
  const remove = (key: string): void => {
    const previous = objects.get(key);
    if (previous === undefined) return;
    objects.delete(key);
    tell(undefined, previous);
  };

  const relist = async (): Promise<string> => {
    const { items, resourceVersion } = await client.list<T>(type, options);
    const present = new Set(items.map((item) => keyOf(item.metadata)));
    for (const item of items) put(trim(item));
    for (const key of [...objects.keys()]) if (!present.has(key)) remove(key);
    return resourceVersion;
  };

  let resourceVersion: string | undefined;
  let failures = 0;

  const listAndWatch = async (): Promise<void> => {
    resourceVersion ??= await relist();
    readiness.resolve();
    for await (const event of client.watch<T>(type, { ...options, resourceVersion }, stopped.signal)) {
      failures = 0;
      if (event.type === 'BOOKMARK') {
        resourceVersion = event.resourceVersion;
        continue;
      }
      resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
      if (event.type === 'DELETED') remove(keyOf(event.object.metadata));
      else put(trim(event.object));
    }
  };

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await listAndWatch();
      } catch (error) {
        if (stopped.signal.aborted) return;
        if (isExpired(error)) resourceVersion = undefined;
        ports.onDisturbance?.({ kind: type.kind, what: resourceVersion === undefined ? 'relist' : 'reconnect', error });
        failures += 1;
        const delay = Math.min(100 * 2 ** failures, MAX_BACKOFF_MS) * (0.5 + ports.random());
        await ports.clock.sleep(delay, stopped.signal).catch(() => {});
      }
    }
  };
  const running = run();

  return {
    get: (name) => objects.get(keyOf(name)),
    list: (namespace) =>
      [...objects.values()].filter((o) => namespace === undefined || o.metadata.namespace === namespace),
    onChange(handler) {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    ready: () => readiness.promise,
    async stop() {
      stopped.abort();
      readiness.reject(new Error(`the watch of ${type.kind} was stopped before its first list`));
      await running;
    },
  };
};
