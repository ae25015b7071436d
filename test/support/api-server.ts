import type { KubeObject } from '../../src/api/meta.ts';
import {
  type ApplyOptions,
  apiVersionOf,
  type KubeClient,
  type ListOptions,
  type LogOptions,
  type Name,
  type Patch,
  type ResourceType,
  resources,
  type WatchEvent,
} from '../../src/kube/index.ts';
import { discover } from './api-server/discovery.ts';
import { kindOf } from './api-server/kinds.ts';
import { refused } from './api-server/refusals.ts';
import { matcherOf } from './api-server/selectors.ts';
import { copyOf, createStore, eventOf, type Moment } from './api-server/store.ts';
import { tokenFor } from './api-server/tokens.ts';
import { createWrites } from './api-server/writes.ts';

/**
 * A small API server in memory, behind the `KubeClient` that the rooms know: for tests that need thousands of objects,
 * faults at a line of their choice, or objects that a real server would refuse.
 *
 * What it does as the real one: get, list and watch with resourceVersions, bookmarks, label and field selectors, 410 after
 * `endWatches({ forget: true })`; create, replace, merge and JSON patch, with preconditions; server-side apply with
 * managedFields, conflicts, force, and removal of what the manager applied before; generation where the kind has one; the
 * status subresource; finalizers; deletion with uid and resourceVersion; namespaces that must exist and that end with what
 * is in them; kinds of CustomResourceDefinitions; defaults and refusals of our own kinds by their schema (not by CEL).
 * test/integration/api-server-contract.test.ts runs the same cases against it and against kube-apiserver, and
 * api-server-table.test.ts compares their answers object by object.
 *
 * Logs of pods are what the test says in `logs`. An account that asks for a token of itself gets one that jwtOf names.
 *
 * What it does not: defaults and validation of built-in kinds, admission, quotas, authorization (throw from `fault`),
 * garbage collection by ownerReferences and every other controller, pages, strategic merge patches.
 *
 *     const server = createApiServer({ namespaces: ['shop'] });
 *     server.seed(resources.gitSyncs, oddGitSync);           // stored unseen, as if it were older than every rule
 *     server.fault = ({ verb, type }) => { if (verb === 'apply' && type.kind === 'Service') throw forbidden };
 *     await startSync({ client: server.client, ... });
 *     server.requests.filter(({ user }) => user === undefined)
 */
export interface ApiServer {
  client: KubeClient;
  /** Every request since the start, or since the test emptied it. */
  requests: ApiRequest[];
  /**
   * Asked before each request; what it throws (or waits for) is the answer. `lost`: the request is carried out, and its
   * answer never comes.
   */
  fault: (request: ApiRequest) => undefined | 'lost' | Promise<undefined | 'lost'>;
  /** What the kubelet of a pod says; undefined, as it is at first: it has no such log. */
  logs: (pod: Name, options: LogOptions) => string | undefined;
  /** Stores the object as it is: no rule, no default. */
  seed(type: ResourceType, object: object): KubeObject;
  get(type: ResourceType, namespace: string, name: string): KubeObject | undefined;
  list(type: ResourceType): KubeObject[];
  /** Tells every watch the newest version. */
  bookmark(): void;
  endWatches(options?: { forget?: boolean }): void;
  /** Everything that is stored now, to come back to: moments share what is the same. */
  moment(): Moment;
  restore(moment: Moment): void;
}

export interface ApiRequest {
  verb: 'get' | 'list' | 'watch' | 'create' | 'replace' | 'patch' | 'apply' | 'delete' | 'log' | 'raw';
  type: ResourceType;
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: string | undefined;
  /** Impersonated; undefined for the client itself. */
  user?: string | undefined;
  groups?: string[] | undefined;
  fieldManager?: string | undefined;
  force?: boolean | undefined;
  dryRun?: boolean | undefined;
  body?: unknown;
  path?: string;
}

export interface ApiServerOptions {
  /** Exist from the start, beside `default`. */
  namespaces?: string[];
  now?: () => number;
  /** Answers are the stored objects themselves, frozen: for who asks a million times. Watches copy still. */
  frozen?: boolean;
  /** False: nobody asks who wrote which field by anything but an apply, and managedFields are left as they are. */
  ownership?: boolean;
}

export { copyOf, type Moment } from './api-server/store.ts';

type User = Pick<ApiRequest, 'user' | 'groups'>;
const RAW: ResourceType = { group: '', version: '', kind: '', plural: '', namespaced: false };

export const createApiServer = ({
  namespaces = [],
  now = Date.now,
  frozen = false,
  ownership = true,
}: ApiServerOptions = {}): ApiServer => {
  const store = createStore(now, { frozen });
  const writes = createWrites(store, now, { ownership });

  const ask = async <T>(request: ApiRequest, answer: () => T): Promise<T> => {
    server.requests.push(request);
    const fate = await server.fault(request);
    const served = request.verb === 'raw' || store.types().some((type) => kindOf(type) === kindOf(request.type));
    if (!served) throw refused(404, 'HTTP404', '404 page not found');
    const result = answer();
    if (fate === 'lost') throw refused(0, 'Unreachable', 'no answer from the API server');
    return result;
  };

  /** What comes in and goes out is copied by the store; the rooms say of which kind it is. */
  const clientOf = (user: User): KubeClient => ({
    get<T extends KubeObject>(type: ResourceType, name: Name) {
      return ask({ verb: 'get', type, ...nameOf(name), ...user }, () => store.get(type, name) as T | undefined);
    },
    list<T extends KubeObject>(type: ResourceType, options: ListOptions = {}) {
      return ask({ verb: 'list', type, namespace: options.namespace, ...user }, () => {
        const items = store.list(type).filter(matcherOf(options));
        return { items: items.map(shapeOf(options)) as T[], resourceVersion: String(store.version()) };
      });
    },
    create<T extends KubeObject>(type: ResourceType, object: T, how: { dryRun?: boolean } = {}) {
      const request = { verb: 'create', type, ...nameOf(object.metadata), ...how, body: object, ...user } as const;
      return ask(request, () => writes.create(type, object, how) as T);
    },
    replace<T extends KubeObject>(type: ResourceType, object: T, how: { subresource?: string } = {}) {
      const request = { verb: 'replace', type, ...nameOf(object.metadata), ...how, body: object, ...user } as const;
      return ask(request, () => writes.replace(type, object, how) as T);
    },
    patch<T extends KubeObject>(
      type: ResourceType,
      name: Name,
      patch: Patch,
      how: { subresource?: string; fieldManager?: string } = {},
    ) {
      const request = { verb: 'patch', type, ...nameOf(name), ...how, body: patch.body, ...user } as const;
      return ask(request, () => writes.patch(type, name, patch, how) as T);
    },
    apply<T extends KubeObject>(type: ResourceType, object: KubeObject, how: ApplyOptions) {
      const request = { verb: 'apply', type, ...nameOf(object.metadata), ...how, body: object, ...user } as const;
      return ask(request, () => writes.apply(type, object, how) as T);
    },
    delete(type, name, { uid, resourceVersion } = {}) {
      const only = {
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      };
      return ask({ verb: 'delete', type, ...nameOf(name), body: only, ...user }, () => writes.delete(type, name, only));
    },
    async *watch<T extends KubeObject>(
      type: ResourceType,
      options: ListOptions & { resourceVersion: string },
      signal: AbortSignal,
    ) {
      await ask({ verb: 'watch', type, namespace: options.namespace, ...user }, () => null);
      const [matches, shape] = [matcherOf(options), shapeOf(options)];
      for await (const change of store.follow(Number(options.resourceVersion), signal)) {
        if (change === 'bookmark') yield { type: 'BOOKMARK', resourceVersion: String(store.version()) } as const;
        const event =
          change !== 'bookmark' && kindOf(change.type) === kindOf(type) ? eventOf(change, matches) : undefined;
        if (event) yield { type: event.type, object: copyOf(shape(event.object)) } as WatchEvent<T>;
      }
    },
    readLog(pod, options) {
      return ask({ verb: 'log', type: resources.pods, ...nameOf(pod), ...user }, () => {
        const log = server.logs(pod, options);
        if (log === undefined) throw refused(404, 'NotFound', `pods "${pod.name}" not found`);
        return log;
      });
    },
    raw(method, path, body) {
      const request = { verb: 'raw', type: RAW, path: `${method} ${path}`, body, ...user } as const;
      return ask(request, () => tokenFor(request.path, body, user.user) ?? discover(store.types(), method, path));
    },
    impersonate: ({ userName, groups }) => clientOf({ user: userName, ...(groups ? { groups } : {}) }),
  });

  const server: ApiServer = {
    client: clientOf({}),
    requests: [],
    fault: () => undefined,
    logs: () => undefined,
    seed: (type, object) =>
      store.put(type, { apiVersion: apiVersionOf(type), kind: type.kind, ...object } as KubeObject), // which copies it
    get: (type, namespace, name) => store.get(type, { namespace, name }),
    list: store.list,
    bookmark: store.bookmark,
    endWatches: store.endWatches,
    moment: store.moment,
    restore: store.restore,
  };
  for (const name of ['default', ...namespaces])
    server.seed(resources.namespaces, { metadata: { name }, status: { phase: 'Active' } });
  return server;
};

const nameOf = ({ namespace, name }: Name): Name => ({ name, ...(namespace === undefined ? {} : { namespace }) });

const shapeOf =
  ({ metadataOnly }: ListOptions) =>
  (object: KubeObject): KubeObject =>
    metadataOnly ? { apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata } : object;
