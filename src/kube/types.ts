import type { KubeObject } from '../api/meta.ts';

/** A served resource, as discovery lists it. */
export interface ResourceType {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

export interface Name {
  namespace?: string;
  name: string;
}

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** PartialObjectMetadata: apiVersion, kind and metadata only. */
  metadataOnly?: boolean;
}

export interface ApplyOptions {
  fieldManager: string;
  /** Take fields that another manager owns. */
  force?: boolean;
  dryRun?: boolean;
  subresource?: string;
}

export type Patch =
  | { type: 'merge'; body: unknown }
  /** RFC 6902; include a `test` on /metadata/resourceVersion for compare-and-set. */
  | { type: 'json'; body: unknown[] };

export interface LogOptions {
  container: string;
  /** Of the container as it ran before its last restart. */
  previous?: boolean;
  /** So many lines from the end. */
  tailLines: number;
  /** Of these the last ones that fit. */
  maxBytes: number;
}

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; resourceVersion: string };

/**
 * The Kubernetes API as the rooms use it: raw JSON, one keep-alive dispatcher.
 * Every method rejects with KubeError (status, reason, message, retryAfterSeconds) unless it says otherwise.
 */
export interface KubeClient {
  /** undefined when there is no such object (404). */
  get<T extends KubeObject = KubeObject>(type: ResourceType, name: Name): Promise<T | undefined>;
  /** All pages. Items carry apiVersion and kind. */
  list<T extends KubeObject = KubeObject>(
    type: ResourceType,
    options?: ListOptions,
  ): Promise<{ items: T[]; resourceVersion: string }>;
  create<T extends KubeObject = KubeObject>(type: ResourceType, object: T, options?: { dryRun?: boolean }): Promise<T>;
  /** PUT; object.metadata.resourceVersion is the precondition. */
  replace<T extends KubeObject = KubeObject>(
    type: ResourceType,
    object: T,
    options?: { subresource?: string },
  ): Promise<T>;
  patch<T extends KubeObject = KubeObject>(
    type: ResourceType,
    name: Name,
    patch: Patch,
    options?: { subresource?: string; fieldManager?: string },
  ): Promise<T>;
  /** Server-side apply with fieldValidation=Strict. */
  apply<T extends KubeObject = KubeObject>(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<T>;
  /** Resolves also when the object is gone already. */
  delete(
    type: ResourceType,
    name: Name,
    options?: { propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'; uid?: string; resourceVersion?: string },
  ): Promise<void>;
  /** One watch connection from resourceVersion; ends when the server ends it, throws KubeError 410 when expired. */
  watch<T extends KubeObject = KubeObject>(
    type: ResourceType,
    options: ListOptions & { resourceVersion: string },
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
  /**
   * The end of the log of a container, as text: what is no UTF-8 is replaced. On connections of its own, for 10 s at most:
   * a kubelet that does not answer delays no other request.
   */
  readLog(pod: Name, options: LogOptions): Promise<string>;
  /** Any path, e.g. /openid/v1/jwks; body and answer are JSON (text where the answer is not JSON). */
  raw(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
  /** The same dispatcher with Impersonate-User / -Group headers. */
  impersonate(user: { userName: string; groups?: string[] }): KubeClient;
}

/** The server's version, and what it serves: `apps/v1`, and `apps/v1/Deployment` of the groups that answer. */
export interface Capabilities {
  readonly kubeVersion: string;
  readonly apiVersions: readonly string[];
}

/** Served resources by kind; cached, refreshed when an unknown kind is asked for (rate-limited). */
export interface Discovery {
  /** undefined when the API server serves no such kind. */
  find(apiVersion: string, kind: string): Promise<ResourceType | undefined>;
  /** Any served version of the kind, preferred first. */
  findKind(group: string, kind: string): Promise<ResourceType | undefined>;
  /** Every kind that can be listed, of the groups that answer. */
  all(): Promise<ResourceType[]>;
  capabilities(): Promise<Capabilities>;
  refresh(): Promise<void>;
  /** A kind of this group is not served any more: what was read of the group is read again. */
  forget(group: string): void;
}

/** A watched, listed copy. Level-triggered: handlers get keys, read the newest object with get(). */
export interface WatchCache<T extends KubeObject = KubeObject> {
  get(name: Name): T | undefined;
  list(namespace?: string): T[];
  /** previous is undefined for an addition, object for a deletion. The object is already in (or out of) the cache. */
  onChange(handler: (object: T | undefined, previous: T | undefined) => void): () => void;
  /** Resolves after the first full list. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

export interface WatchCacheOptions<T extends KubeObject = KubeObject> extends ListOptions {
  /** Drops what is not needed before it is kept; managedFields are dropped always unless keepManagedFields. */
  trim?: (object: T) => T;
  keepManagedFields?: boolean;
}
