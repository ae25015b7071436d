import type { KubeObject } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import type { Vitals } from '../vitals.ts';
import { KubeError } from './errors.ts';
import type { KubeClient, Name, ResourceType, WatchCache, WatchCacheOptions } from './types.ts';

export interface WatchCachePorts {
  clock: Clock;
  /** [0, 1) */
  random: () => number;
  /** Called for every interruption: reconnected, listed again, a handler that threw. */
  onWatchError?: (event: { kind: string; what: 'relist' | 'reconnect' | 'handler'; error: unknown }) => void;
  /** Is shown a watch that neither brings anything nor ends. */
  vitals?: Vitals;
}

/** A watch ends after five minutes at the latest, and a list that fails is tried again after half a minute. */
const STUCK_MS = 15 * 60_000;

const MAX_BACKOFF_MS = 30_000;
/** A watch that lasted this long was a good one, even when nothing happened. */
const SETTLED_MS = 5_000;

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
  readiness.promise.catch(() => {}); // callers that wait get the error; nobody has to wait
  const keyOf = ({ namespace, name }: Name): string => `${namespace ?? ''}/${name}`;
  const trim = (object: T): T => {
    if (!options.keepManagedFields) delete object.metadata.managedFields;
    try {
      return options.trim?.(object) ?? object;
    } catch (error) {
      ports.onWatchError?.({ kind: type.kind, what: 'handler', error }); // of an odd one all is kept: the list goes on
      return object;
    }
  };
  const tell = (object: T | undefined, previous: T | undefined): void => {
    for (const handler of handlers) {
      try {
        handler(object, previous);
      } catch (error) {
        ports.onWatchError?.({ kind: type.kind, what: 'handler', error }); // the others are still called
      }
    }
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
    stopped.signal.throwIfAborted();
    const present = new Set(items.map((item) => keyOf(item.metadata)));
    for (const item of items) put(trim(item));
    for (const key of [...objects.keys()]) if (!present.has(key)) remove(key);
    return resourceVersion;
  };

  let resourceVersion: string | undefined;
  let failures = 0;
  /** Events, bookmarks, and ends of lists and watches, errors among them: while the server is away, it is not us. */
  let moves = 0;
  const endVitals = ports.vitals?.watch(`the watch of ${type.kind}`, () => moves, STUCK_MS);

  const listAndWatch = async (): Promise<undefined> => {
    resourceVersion ??= await relist();
    readiness.resolve();
    for await (const event of client.watch<T>(type, { ...options, resourceVersion }, stopped.signal)) {
      if (stopped.signal.aborted) return undefined;
      failures = 0;
      moves += 1;
      if (event.type === 'BOOKMARK') {
        resourceVersion = event.resourceVersion;
        continue;
      }
      resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
      if (event.type === 'DELETED') remove(keyOf(event.object.metadata));
      else put(trim(event.object));
    }
    return undefined;
  };

  const disturbed = (error: unknown): void => {
    if (!canResume(error)) resourceVersion = undefined;
    ports.onWatchError?.({ kind: type.kind, what: resourceVersion === undefined ? 'relist' : 'reconnect', error });
  };

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const startedAt = ports.clock.now();
      const ending = await listAndWatch().catch((error: unknown) => ({ error }));
      moves += 1;
      if (stopped.signal.aborted) return;
      const settled = ports.clock.now() - startedAt >= SETTLED_MS;
      if (settled) failures = 0;
      if (ending) disturbed(ending.error);
      else if (settled) continue; // the server ends every watch after some minutes
      failures += 1;
      const delay = Math.min(100 * 2 ** failures, MAX_BACKOFF_MS) * (0.5 + ports.random());
      await ports.clock.sleep(delay, stopped.signal).catch(() => {});
    }
  };
  void run();

  return {
    get: (name) => objects.get(keyOf(name)),
    list: (namespace) =>
      [...objects.values()].filter((o) => namespace === undefined || o.metadata.namespace === namespace),
    onChange(handler) {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    ready: () => readiness.promise,
    /** No handler is called afterwards; a list that is under way is left to end by itself. */
    async stop() {
      stopped.abort();
      endVitals?.();
      readiness.reject(new Error(`the watch of ${type.kind} was stopped before its first list`));
    },
  };
};

/**
 * The connection broke, or the server is busy: the same resourceVersion will do. Anything else (410 Expired, or a
 * version that a restored etcd has never had) needs a new list, or the copy would stay as it is for ever.
 */
const canResume = (error: unknown): boolean =>
  !(error instanceof KubeError) || [0, 429, 500, 502, 503].includes(error.status);
