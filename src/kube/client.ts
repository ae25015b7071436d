import type { KubeObject } from '../api/meta.ts';
import type { Connection } from './config.ts';
import { isExpired, isNotFound, withoutValues } from './errors.ts';
import { readLog } from './logs.ts';
import { collectionOf, pathOf } from './paths.ts';
import {
  type Call,
  createTransport,
  JSON_TYPE,
  type KubeClientOptions,
  type Sender,
  type Transport,
} from './transport.ts';
import type { KubeClient, ListOptions, Patch, ResourceType } from './types.ts';
import { typed, watchOnce } from './watch.ts';

export { apiVersionOf } from './paths.ts';
export type { KubeClientOptions } from './transport.ts';

const METADATA_LIST = `${JSON_TYPE};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`;
const PATCH_TYPES: Record<Patch['type'], string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
};
const PAGE = 500;

export interface OpenKubeClient extends KubeClient {
  /**
   * The same connections; a write of it, and of what impersonates from it, is sent only while `mayWrite` says so, asked
   * right before each try. Refused ones reject with KubeError of status 0 and reason NotLeading.
   */
  fenced(mayWrite: () => boolean): KubeClient;
  close(): Promise<void>;
}

/** Raw JSON: what goes in and comes out is what the API server says, not what a model of it knows. */
export const createKubeClient = (connection: Connection, options: KubeClientOptions = {}): OpenKubeClient => {
  const transport = createTransport(connection, options);
  return Object.assign(clientOf(transport, { identity: {} }), {
    fenced: (mayWrite: () => boolean) => clientOf(transport, { identity: {}, mayWrite }),
    close: transport.close,
  });
};

const clientOf = (transport: Transport, sender: Sender): KubeClient => {
  const json = <T>(call: Call): Promise<T> => transport.json<T>(sender, call);
  /** A write that carries an object: a refusal may quote it. */
  const write = async <T>(call: Call): Promise<T> => {
    try {
      return await json<T>(call);
    } catch (error) {
      throw withoutValues(error);
    }
  };

  return {
    async get(type, name) {
      try {
        return await json({ method: 'GET', path: pathOf(type, name), repeatable: true });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    list: (type, listOptions = {}) => listAll(json, type, listOptions),
    create: (type, object, { dryRun } = {}) =>
      write({
        method: 'POST',
        path: collectionOf(type, object.metadata.namespace),
        query: { dryRun: dryRun ? 'All' : undefined, fieldValidation: 'Strict' },
        body: object,
      }),
    replace: (type, object, { subresource } = {}) =>
      write({
        method: 'PUT',
        path: pathOf(type, object.metadata, subresource),
        query: { fieldValidation: 'Strict' },
        body: object,
        repeatable: true,
      }),
    patch: (type, name, patch, { subresource, fieldManager } = {}) =>
      write({
        method: 'PATCH',
        path: pathOf(type, name, subresource),
        query: { fieldManager },
        body: patch.body,
        contentType: PATCH_TYPES[patch.type],
        repeatable: patch.type === 'merge',
      }),
    apply: (type, object, { fieldManager, force, dryRun, subresource }) =>
      write({
        method: 'PATCH',
        path: pathOf(type, object.metadata, subresource),
        query: {
          fieldManager,
          force: force ? 'true' : undefined,
          dryRun: dryRun ? 'All' : undefined,
          fieldValidation: 'Strict',
        },
        body: object,
        contentType: 'application/apply-patch+yaml', // JSON is YAML
        repeatable: true,
      }),
    async delete(type, name, { propagationPolicy = 'Background', uid, resourceVersion } = {}) {
      const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion };
      const body = { propagationPolicy, preconditions };
      try {
        await json({ method: 'DELETE', path: pathOf(type, name), body, repeatable: true });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
    watch: (type, watchOptions, signal) =>
      watchOnce((call) => transport.stream(sender, call, signal, 'WATCH'), type, watchOptions),
    readLog: (pod, logOptions) =>
      readLog((call, signal) => transport.stream(sender, call, signal, 'GET'), pod, logOptions),
    // Key sets are of a JSON type of their own, which has to be asked for.
    raw: (method, path, body) =>
      json({ method, path, body, accept: `${JSON_TYPE}, */*`, repeatable: method === 'GET' }),
    impersonate: ({ userName, groups }) =>
      clientOf(transport, {
        ...sender,
        identity: {
          'Impersonate-User': userName,
          ...(groups === undefined ? {} : { 'Impersonate-Group': groups }),
        },
      }),
  };
};

interface Page<T> {
  metadata: { resourceVersion?: string; continue?: string };
  items: T[] | null;
}

/** Pages of one list; begun again when the server has forgotten the list that they belong to. */
const listAll = async <T extends KubeObject>(
  json: <R>(call: Call) => Promise<R>,
  type: ResourceType,
  options: ListOptions,
): Promise<{ items: T[]; resourceVersion: string }> => {
  const { labelSelector, fieldSelector } = options;
  let items: T[] = [];
  let next: string | undefined;
  for (let restarts = 0; ; ) {
    try {
      const page = await json<Page<T>>({
        method: 'GET',
        path: collectionOf(type, options.namespace),
        query: { labelSelector, fieldSelector, limit: String(PAGE), continue: next },
        accept: options.metadataOnly ? METADATA_LIST : JSON_TYPE,
        repeatable: true,
      });
      for (const item of page.items ?? []) items.push(typed(type, item));
      next = page.metadata.continue || undefined;
      if (next === undefined) return { items, resourceVersion: page.metadata.resourceVersion ?? '' };
    } catch (error) {
      if (!isExpired(error) || next === undefined || restarts >= 3) throw error;
      restarts += 1;
      items = [];
      next = undefined;
    }
  }
};
