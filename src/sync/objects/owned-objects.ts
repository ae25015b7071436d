import { labelOfManager, labels } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import { hasHealth } from '../../health/kinds.ts';
import {
  createWatchCache,
  isForbidden,
  isNotFound,
  type KubeClient,
  type KubeError,
  type Name,
  type ResourceType,
  type WatchCache,
  type WatchCachePorts,
} from '../../kube/index.ts';
import { entriesOf } from '../../ssa/managed-fields.ts';
import { trimManagedFields } from '../../ssa/marks.ts';
import { isBuiltIn } from '../plan/apply-order.ts';

const trimOwned = (object: KubeObject): KubeObject =>
  isBuiltIn(object.apiVersion) ? withoutTemplate(trimManagedFields(object)) : trimManagedFields(object);

/** Of built-in kinds it is known what their health is read from; of custom ones an expression may ask for anything. */
const withoutTemplate = ({ apiVersion, kind, metadata, spec, status }: KubeObject): KubeObject => {
  if (spec === undefined && status === undefined) return { apiVersion, kind, metadata };
  const { template: _, ...rest } = (spec ?? {}) as Record<string, unknown>;
  return { apiVersion, kind, metadata, spec: rest, status };
};

const nameOf = ({ group, kind }: ResourceType): string => `${group}/${kind}`;

/** A right that is granted is used within this time. */
const REFUSED_MS = 30_000;

/**
 * The owner by its label, if that GitSync really applied the object: a label alone, which anybody may put on somebody
 * else's object, gives nobody the right to change or to delete it.
 */
export const appliedOwnerOf = (object: KubeObject | undefined): string | undefined => {
  const label = object?.metadata.labels?.[labels.sync];
  const appliers = object ? entriesOf(object) : [];
  return appliers.some(({ manager }) => labelOfManager(manager) === label) ? label : undefined;
};

/** When this owner last applied something new to the object, as the API server noted it (RFC 3339, in seconds). */
export const lastAppliedBy = (object: KubeObject, owner: string): string | undefined =>
  entriesOf(object)
    .filter(({ manager }) => labelOfManager(manager) === owner)
    .flatMap(({ time }) => time ?? [])
    .toSorted()
    .at(-1);

export interface OwnedObjects {
  /** Every object of this kind that some GitSync owns; listed once, then watched. Rejects when it can't be listed. */
  of(type: ResourceType): Promise<OwnedKind>;
  /**
   * Whether the kind may still be listed, as far as the API server answers. What may not is known no longer: a watch
   * goes on after its right was taken away, and lists and reads are refused meanwhile.
   */
  mayList(type: ResourceType): Promise<boolean>;
  stop(): Promise<void>;
}

export type OnObject = (type: ResourceType, object: KubeObject | undefined, previous: KubeObject | undefined) => void;

export interface OwnedKind {
  get(name: Name): KubeObject | undefined;
  /** Those that carry this owner label and were applied by that owner. */
  ownedBy(label: string): KubeObject[];
}

interface OpenKind {
  ready: Promise<unknown>;
  kind: OwnedKind;
  /** undefined: another room watches it, with rights that every controller has. */
  giveUp: ((error: unknown) => void) | undefined;
  stop: () => Promise<void> | void;
}

/**
 * One watch for each kind that was ever applied, over the objects that carry our label: it answers who owns an object
 * without a request, and it is where drift is seen. Metadata only, but for kinds whose health can be waited for.
 * @param shared the whole cluster's objects of a kind, with `keepAppliers`, where another room watches them already
 */
export const createOwnedObjects = (
  client: KubeClient,
  ports: WatchCachePorts,
  onChange: OnObject,
  shared: (type: ResourceType) => WatchCache | undefined,
): OwnedObjects => {
  /** Kinds that may not be listed: not asked again for each of their objects. */
  const refused = new Map<string, { error: KubeError; until: number }>();
  const kinds = new Map<string, OpenKind>();

  const watch = (type: ResourceType, onFailure: WatchCachePorts['onWatchError']): WatchCache => {
    const options = {
      labelSelector: labels.sync,
      keepManagedFields: true,
      metadataOnly: !hasHealth(type),
      trim: trimOwned,
    };
    return createWatchCache(client, type, options, {
      ...ports,
      onWatchError(event) {
        ports.onWatchError?.(event);
        if (event.what !== 'handler') onFailure?.(event);
      },
    });
  };
  const open = (type: ResourceType): OpenKind => {
    const theirs = shared(type);
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {}); // whoever waits hears it; nobody has to wait
    let listed = false;
    /** A kind that is not served any more, or can't be listed, is not asked for again until somebody needs it. */
    const giveUp = (error: unknown): void => {
      if (listed && !isNotFound(error) && !isForbidden(error)) return;
      if (isForbidden(error)) refused.set(nameOf(type), { error, until: ports.clock.now() + REFUSED_MS });
      failed.reject(error);
      kinds.delete(nameOf(type));
      for (const object of cache.list()) onChange(type, undefined, object);
      void cache.stop();
    };
    const cache = theirs ?? watch(type, ({ error }) => giveUp(error));
    const ready = cache.ready().then(() => {
      listed = true;
    });
    const byLabel = new Map<string, Set<string>>();
    const index = (object: KubeObject | undefined, change: (keys: Set<string>, key: string) => void): void => {
      const label = object?.metadata.labels?.[labels.sync];
      if (!object || label === undefined) return;
      const keys = byLabel.get(label) ?? new Set();
      change(keys, `${object.metadata.namespace ?? ''}/${object.metadata.name}`);
      if (keys.size > 0) byLabel.set(label, keys);
      else byLabel.delete(label);
    };
    const see = (object: KubeObject | undefined, previous: KubeObject | undefined): void => {
      index(previous, (keys, key) => keys.delete(key));
      index(object, (keys, key) => keys.add(key));
      onChange(type, object, previous);
    };
    const unsubscribe = cache.onChange(see);
    for (const object of cache.list()) see(object, undefined);
    const kind: OwnedKind = {
      get: cache.get,
      ownedBy: (label) =>
        [...(byLabel.get(label) ?? [])].flatMap((key) => {
          const slash = key.indexOf('/');
          const object = cache.get({ namespace: key.slice(0, slash), name: key.slice(slash + 1) });
          return object && appliedOwnerOf(object) === label ? [object] : [];
        }),
    };
    return {
      ready: Promise.race([failed.promise, ready]),
      kind,
      giveUp: theirs ? undefined : giveUp,
      stop: theirs ? unsubscribe : () => cache.stop(),
    };
  };

  return {
    async of(type) {
      const refusal = refused.get(nameOf(type));
      if (refusal && refusal.until > ports.clock.now()) throw refusal.error;
      refused.delete(nameOf(type));
      const known = kinds.get(nameOf(type)) ?? open(type);
      kinds.set(nameOf(type), known);
      await known.ready;
      return known.kind;
    },
    async mayList(type) {
      const known = kinds.get(nameOf(type));
      if (!known?.giveUp) return known !== undefined;
      try {
        // None has this name: it is the right that is asked for.
        await client.list(type, { metadataOnly: true, labelSelector: labels.sync, fieldSelector: 'metadata.name=-' });
        return true;
      } catch (error) {
        known.giveUp(error);
        return kinds.has(nameOf(type));
      }
    },
    async stop() {
      await Promise.all([...kinds.values()].map(({ stop }) => stop()));
    },
  };
};
