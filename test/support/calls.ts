import type { KubeObject } from '../../src/api/meta.ts';
import type { KubeClient, Name, ResourceType } from '../../src/kube/index.ts';

/** One request of a client, before it is sent. */
export interface Call {
  verb: 'get' | 'list' | 'create' | 'replace' | 'patch' | 'apply' | 'delete';
  kind: string;
  namespace: string;
  /** '' for a list. */
  name: string;
  /** Whom it impersonates. */
  as: string | undefined;
  dryRun: boolean;
}

/** `create Secret shop/login`, with `as ...` where it impersonates. */
export const callText = ({ verb, kind, namespace, name, as }: Call): string =>
  `${verb} ${kind} ${namespace}/${name}${as === undefined ? '' : ` as ${as}`}`;

/**
 * The same client, watched: `onCall` hears of each request before it is sent, and what it throws is the answer. For
 * counting requests, and for faults between two of them.
 */
export const watchCalls = (
  client: KubeClient,
  onCall: (call: Call) => void | Promise<void>,
  as?: string,
): KubeClient => {
  const say = (verb: Call['verb'], type: ResourceType, name: Partial<Name>, dryRun = false) =>
    onCall({ verb, kind: type.kind, namespace: name.namespace ?? '', name: name.name ?? '', as, dryRun });
  return {
    ...client,
    async get<T extends KubeObject>(type: ResourceType, name: Name) {
      await say('get', type, name);
      return client.get<T>(type, name);
    },
    async list<T extends KubeObject>(type: ResourceType, options: Parameters<KubeClient['list']>[1]) {
      await say('list', type, options?.namespace === undefined ? {} : { namespace: options.namespace });
      return client.list<T>(type, options);
    },
    async create<T extends KubeObject>(type: ResourceType, object: T, options: { dryRun?: boolean } = {}) {
      await say('create', type, object.metadata, options.dryRun);
      return client.create<T>(type, object, options);
    },
    async replace<T extends KubeObject>(type: ResourceType, object: T, options: { subresource?: string } = {}) {
      await say('replace', type, object.metadata);
      return client.replace<T>(type, object, options);
    },
    async patch<T extends KubeObject>(...[type, name, ...rest]: Parameters<KubeClient['patch']>) {
      await say('patch', type, name);
      return client.patch<T>(type, name, ...rest);
    },
    async apply<T extends KubeObject>(...[type, object, options]: Parameters<KubeClient['apply']>) {
      await say('apply', type, object.metadata, options.dryRun);
      return client.apply<T>(type, object, options);
    },
    async delete(type, name, options) {
      await say('delete', type, name);
      return client.delete(type, name, options);
    },
    impersonate: (user) => watchCalls(client.impersonate(user), onCall, user.userName),
  };
};
