import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ResourceType } from '../../src/kube/index.ts';
import { startApiService } from './api-service.ts';
import type { ControlPlane } from './cluster.ts';
import { eventually } from './poll.ts';

export interface AggregatedGroup {
  type: ResourceType;
  /** From now on it answers, takes requests without answering, or refuses connections. Resolves when Kubernetes knows. */
  be(mode: 'serving' | 'hanging' | 'closed'): Promise<void>;
  /** The same without waiting for Kubernetes to notice. */
  hangNow(): void;
  /** What it stores, by namespace/name. */
  objects: ReadonlyMap<string, KubeObject>;
  remove(): Promise<void>;
}

/** An API group served by this process, behind the real API server's aggregation layer: kind Gadget, namespaced. */
export const startAggregatedGroup = async (plane: ControlPlane, namespace: string): Promise<AggregatedGroup> => {
  const group = `g${randomUUID().slice(0, 8)}.example.com`;
  const type = { group, version: 'v1', kind: 'Gadget', plural: 'gadgets', namespaced: true };
  const store: Store = { objects: new Map(), watches: new Set(), version: 1 };
  let mode: 'serving' | 'hanging' = 'serving';
  const service = await startApiService(plane, { namespace, group, version: 'v1' }, (request, response) => {
    if (mode === 'serving') void answer(type, store, request, response);
  });
  const known = (available: boolean) =>
    eventually(async () => (await service.isAvailable()) === available, {
      what: `APIService available: ${available}`,
      everyMs: 500,
    });
  await known(true);
  return {
    type,
    objects: store.objects,
    hangNow: () => {
      mode = 'hanging';
    },
    async be(next) {
      mode = next === 'hanging' ? 'hanging' : 'serving';
      await (next === 'closed' ? service.close() : service.open());
      await known(next === 'serving');
    },
    remove: service.remove,
  };
};

interface Store {
  objects: Map<string, KubeObject>;
  watches: Set<ServerResponse>;
  version: number;
}

const answer = async (
  type: ResourceType,
  store: Store,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'https://localhost');
  const apiVersion = `${type.group}/${type.version}`;
  const root = `/apis/${apiVersion}`;
  const { objects, watches } = store;
  const change = (event: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void => {
    if (event === 'DELETED') objects.delete(id);
    else objects.set(id, object);
    for (const watch of watches) watch.write(`${JSON.stringify({ type: event, object })}\n`);
  };
  const say = (status: number, body: object): void =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const notFound = (): void =>
    say(404, {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code: 404,
      reason: 'NotFound',
      message: 'not found',
    });
  const one = pathname.match(new RegExp(`^${root}/namespaces/([^/]+)/${type.plural}/([^/]+)$`));
  const id = `${one?.[1]}/${one?.[2]}`;
  if (pathname === root) {
    const verbs = ['create', 'delete', 'get', 'list', 'patch', 'watch'];
    const { plural, namespaced, kind } = type;
    const resource = { name: plural, singularName: 'gadget', namespaced, kind, verbs };
    return say(200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersion, resources: [resource] });
  }
  if (pathname === `${root}/${type.plural}`) {
    if (searchParams.has('watch')) {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      watches.add(response);
      return void response.once('close', () => watches.delete(response));
    }
    const items = [...objects.values()];
    return say(200, { kind: 'GadgetList', apiVersion, metadata: { resourceVersion: `${store.version}` }, items });
  }
  if (!one) return notFound();
  const before = objects.get(id);
  if (request.method === 'PATCH') {
    const sent = JSON.parse(Buffer.concat(await request.toArray()).toString()) as KubeObject;
    const manager = searchParams.get('fieldManager');
    const managedFields = [{ manager, operation: 'Apply', apiVersion }];
    const uid = before?.metadata.uid ?? randomUUID();
    store.version += 1;
    const object = { ...sent, metadata: { ...sent.metadata, managedFields, uid, resourceVersion: `${store.version}` } };
    change(before ? 'MODIFIED' : 'ADDED', object);
    return say(200, object);
  }
  if (!before) return notFound();
  if (request.method === 'DELETE') change('DELETED', before);
  say(200, before);
};
