import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import {
  type KubeClient,
  KubeError,
  loadConnection,
  type ResourceType,
  resources,
  type WatchEvent,
} from '../../src/kube/index.ts';
import { createTransport, type Transport } from '../../src/kube/transport.ts';
import { watchOnce } from '../../src/kube/watch.ts';
import { createApiServer } from '../support/api-server.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';

/**
 * What an API server answers to the requests of a case, one after another. Objects are complete, so that the defaults of
 * kube-apiserver add nothing to them.
 */
interface World {
  client: KubeClient;
  ns: string;
  /** Notes the answer: the object as a whole, or how it is refused. */
  ask: (request: Promise<unknown>) => Promise<KubeObject | undefined>;
  /** A watch that the server ends after a bookmark, as every watch some time: at once when `end` is called, or soon. */
  shortWatch: KubeClient['watch'];
  end: () => void;
}
type Case = (world: World) => Promise<unknown>;

const { configMaps, networkPolicies, gitSyncs, incidents } = resources;
const podTemplates: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  namespaced: true,
};

const configMap = (namespace: string, data: object = { k: '0' }, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name: 'a', ...metadata },
  data,
});

const policy = (namespace: string, app: string, metadata: object = {}): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace, name: 'a', ...metadata },
  spec: { podSelector: { matchLabels: { app } }, policyTypes: ['Ingress'] },
});

interface Container {
  name: string;
  [field: string]: unknown;
}
const complete = (container: Container): Container => ({
  image: `${container.name}:v1`,
  imagePullPolicy: 'IfNotPresent',
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  ...container,
});
const POD = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
};
const podTemplate = (namespace: string, spec: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PodTemplate',
  metadata: { namespace, name: 'a' },
  template: { metadata: { labels: { app: 'web' } }, spec },
});

const gitSync = (namespace: string): KubeObject => ({
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'GitSync',
  metadata: { namespace, name: 'a' },
  spec: { source: { git: { url: 'https://git.example.com/app.git' } }, suspend: true },
});

const one = { fieldManager: 'one' };
const two = { fieldManager: 'two' };
const merge = (body: object) => ({ type: 'merge', body }) as const;

const CASES: Record<string, Case> = {
  'create, replace and what changes nothing': async ({ client, ns, ask }) => {
    const made = await ask(client.create(configMaps, configMap(ns, { a: '1', b: '2' }, { labels: { app: 'web' } })));
    assert.ok(made);
    const next = await ask(client.replace(configMaps, { ...made, data: { a: '1', c: '3' } }));
    assert.ok(next);
    await ask(client.replace(configMaps, next));
    await ask(client.replace(configMaps, { ...made, data: { z: '9' } }));
    await ask(client.replace(configMaps, configMap(ns, { d: '4' })));
    await ask(client.create(configMaps, configMap(ns)));
  },
  'a replace without managedFields keeps them': async ({ client, ns, ask }) => {
    await ask(client.apply(configMaps, configMap(ns, { a: '1', b: '2' }), one));
    await ask(client.replace(configMaps, configMap(ns, { a: '1', b: '3' })));
  },
  'merge patches': async ({ client, ns, ask }) => {
    const made = await ask(client.create(configMaps, configMap(ns, { a: '1', b: '2' })));
    assert.ok(made);
    await ask(client.patch(configMaps, made.metadata, merge({ data: { a: null, c: '3' } }), one));
    await ask(client.patch(configMaps, made.metadata, merge({ metadata: { labels: { x: 'y' } } }), two));
    await ask(client.patch(configMaps, made.metadata, merge({ metadata: { labels: { x: 'y' } } }), one));
    await ask(client.patch(configMaps, made.metadata, merge({ metadata: { labels: null } }), one));
    const { resourceVersion } = made.metadata;
    await ask(client.patch(configMaps, made.metadata, merge({ metadata: { resourceVersion }, data: { z: '9' } })));
    await ask(client.patch(configMaps, made.metadata, merge({ data: null })));
    await ask(client.patch(configMaps, { namespace: ns, name: 'none' }, merge({ data: {} })));
  },
  'JSON patches': async ({ client, ns, ask }) => {
    const made = await ask(client.create(configMaps, configMap(ns, { a: '1' })));
    assert.ok(made);
    const json = (...body: object[]) => client.patch(configMaps, made.metadata, { type: 'json', body }, one);
    await ask(json({ op: 'add', path: '/data/b', value: '2' }, { op: 'replace', path: '/data/a', value: '3' }));
    await ask(json({ op: 'remove', path: '/data/a' }));
    await ask(json({ op: 'test', path: '/data/b', value: '9' }, { op: 'remove', path: '/data/b' }));
    await ask(json({ op: 'remove', path: '/data/none' }));
    await ask(json({ op: 'add', path: '/metadata/finalizers', value: ['example.com/wait'] }));
    await ask(json({ op: 'add', path: '/metadata/finalizers/-', value: 'example.com/too' }));
    await ask(json({ op: 'remove', path: '/metadata/finalizers' }));
  },
  'two managers that apply': async ({ client, ns, ask }) => {
    const apply = (object: KubeObject, how: { fieldManager: string; force?: boolean; dryRun?: boolean }) =>
      ask(client.apply(configMaps, object, how));
    await apply(configMap(ns, { a: '1', b: '2' }, { labels: { app: 'web' } }), one);
    await apply(configMap(ns, { a: '1', c: '3' }), two);
    await apply(configMap(ns, { a: 'x' }), two);
    await apply(configMap(ns, { a: 'x' }), { ...two, force: true, dryRun: true });
    await apply(configMap(ns, { a: 'x' }), { ...two, force: true });
    await apply(configMap(ns, { b: '2' }), one);
    await apply(configMap(ns, { b: '2' }), one);
    await apply(configMap(ns, { c: '3' }), one);
    await ask(client.get(configMaps, { namespace: ns, name: 'a' }));
  },
  'an apply after an edit': async ({ client, ns, ask }) => {
    const made = await ask(client.apply(configMaps, configMap(ns, { a: '1', b: '2' }), one));
    assert.ok(made);
    const edit = { fieldManager: 'kubectl-edit' };
    await ask(client.patch(configMaps, made.metadata, merge({ data: { a: 'x', d: '4' } }), edit));
    await ask(client.apply(configMaps, configMap(ns, { a: '1', b: '2' }), one));
    await ask(client.apply(configMaps, configMap(ns, { a: '1', b: '2' }), { ...one, force: true }));
    await ask(client.patch(configMaps, made.metadata, merge({ metadata: { managedFields: [{}] } }), edit));
    await ask(client.apply(configMaps, configMap(ns, { b: '3' }), one));
  },
  'lists that are merged by key': async ({ client, ns, ask }) => {
    const env = (...names: string[]) => names.map((name) => ({ name, value: '1' }));
    const [web, proxy] = [
      complete({ name: 'web', env: env('A') }),
      complete({ name: 'proxy', ports: [{ containerPort: 80, protocol: 'TCP' }] }),
    ];
    await ask(client.apply(podTemplates, podTemplate(ns, { ...POD, containers: [web] }), one));
    await ask(
      client.apply(podTemplates, podTemplate(ns, { containers: [{ name: 'web', env: env('B') }, proxy] }), two),
    );
    await ask(client.apply(podTemplates, podTemplate(ns, { containers: [{ name: 'web' }] }), two));
    const path = '/template/spec/containers/0/env/-';
    const body = [{ op: 'add', path, value: { name: 'C', value: '1' } }];
    await ask(client.patch(podTemplates, { namespace: ns, name: 'a' }, { type: 'json', body }, two));
    await ask(client.apply(podTemplates, podTemplate(ns, { ...POD, containers: [complete({ name: 'web' })] }), one));
  },
  'generations, and a spec that is owned as a whole in parts': async ({ client, ns, ask }) => {
    const made = await ask(client.create(networkPolicies, policy(ns, 'web')));
    assert.ok(made);
    await ask(client.patch(networkPolicies, made.metadata, merge({ metadata: { annotations: { a: 'b' } } }), one));
    await ask(client.apply(networkPolicies, policy(ns, 'api'), { ...two, force: true }));
    await ask(client.apply(networkPolicies, policy(ns, 'api'), two));
  },
  'a status behind its own endpoint': async ({ client, ns, ask }) => {
    const made = await ask(client.create(gitSyncs, { ...gitSync(ns), status: { objectCount: 1 } }));
    assert.ok(made);
    const status = { subresource: 'status', ...one };
    const body = (objectCount: number, path: string) => merge({ status: { objectCount }, spec: { path } });
    await ask(client.patch(gitSyncs, made.metadata, body(2, 'no'), status));
    await ask(client.patch(gitSyncs, made.metadata, body(3, 'next'), two));
    const live = await ask(client.get(gitSyncs, made.metadata));
    assert.ok(live);
    await ask(client.replace(gitSyncs, { ...live, status: { objectCount: 4 } }, { subresource: 'status' }));
    await ask(client.replace(gitSyncs, live, { subresource: 'status' }));
    await ask(client.patch(gitSyncs, made.metadata, merge({ status: null }), status));
  },
  'deletion with finalizers': async ({ client, ns, ask }) => {
    const finalizers = ['example.com/one', 'example.com/two'];
    for (const [type, object] of [
      [configMaps, configMap(ns, { a: '1' }, { finalizers })],
      [networkPolicies, policy(ns, 'web', { finalizers })],
    ] as const) {
      const made = await ask(client.create(type, object));
      assert.ok(made);
      await ask(client.delete(type, made.metadata));
      await ask(client.get(type, made.metadata));
      await ask(client.delete(type, made.metadata));
      await ask(client.get(type, made.metadata));
      await ask(
        client.patch(type, made.metadata, merge({ metadata: { finalizers: [...finalizers, 'a.b/new'] } }), one),
      );
      await ask(client.patch(type, made.metadata, merge({ metadata: { finalizers: [finalizers[1]] } }), one));
      await ask(client.patch(type, made.metadata, merge({ metadata: { labels: { a: 'b' } } }), two));
      await ask(client.patch(type, made.metadata, merge({ metadata: { finalizers: null } }), one));
      await ask(client.get(type, made.metadata));
    }
  },
  'deletion with preconditions': async ({ client, ns, ask }) => {
    const made = await ask(client.create(configMaps, configMap(ns)));
    assert.ok(made);
    const { uid = '', resourceVersion = '' } = made.metadata;
    await ask(client.delete(configMaps, made.metadata, { uid: 'another' }));
    await ask(client.patch(configMaps, made.metadata, merge({ data: { a: '1' } })));
    await ask(client.delete(configMaps, made.metadata, { uid, resourceVersion }));
    await ask(client.delete(configMaps, made.metadata, { uid }));
    await ask(client.get(configMaps, made.metadata));
    await ask(client.apply(configMaps, configMap(ns, { k: '0' }, { uid }), one));
    await ask(client.create(configMaps, configMap(ns)));
    await ask(client.apply(configMaps, configMap(ns, { a: '1' }, { uid }), one));
    await ask(client.apply(configMaps, configMap(ns, { a: '1' }, { resourceVersion }), one));
    await ask(client.apply(configMaps, configMap(ns, { a: '1' }, { uid, resourceVersion }), one));
  },
  'what can not be written': async ({ client, ns, ask }) => {
    await ask(client.create(configMaps, configMap('none-of-this-name')));
    await ask(client.replace(configMaps, configMap(ns)));
    await ask(client.apply(configMaps, configMap(ns, { k: '0' }, { managedFields: [] as unknown[] }), one));
    await ask(client.create(configMaps, configMap(ns, { k: '0' }, { resourceVersion: '7' })));
    await ask(client.get(incidents, { namespace: ns, name: 'none' }));
  },
  'a watch': async ({ client, ns, ask }) => {
    const { resourceVersion } = await client.list(configMaps, { namespace: ns, labelSelector: 'app' });
    const stop = new AbortController();
    const seen: KubeObject[] = [];
    const watch = async (): Promise<void> => {
      const options = { namespace: ns, labelSelector: 'app', resourceVersion };
      for await (const event of client.watch(configMaps, options, stop.signal)) {
        if (event.type !== 'BOOKMARK') seen.push({ ...event.object, event: event.type });
      }
    };
    const ended = watch().catch((error: unknown) => error);
    const metadata = { labels: { app: 'web' }, finalizers: ['example.com/wait'] };
    const { metadata: name } = await client.create(configMaps, configMap(ns, { a: '1' }, metadata));
    await client.patch(configMaps, name, merge({ data: { a: '2' } }), one);
    await client.patch(configMaps, name, merge({ metadata: { labels: { app: null } } }), one);
    await client.patch(configMaps, name, merge({ metadata: { labels: { app: 'web' } } }), one);
    await client.delete(configMaps, name);
    await client.patch(configMaps, name, merge({ metadata: { finalizers: null } }), one);
    await eventually(() => seen.length === 6, { what: 'six events' });
    stop.abort();
    await ended;
    for (const object of seen) await ask(Promise.resolve(object));
  },
  'a bookmark, and a watch that goes on from it': async ({ client, ns, ask, shortWatch, end }) => {
    const options = { namespace: ns, labelSelector: 'app' };
    const { resourceVersion } = await client.list(configMaps, options);
    const stop = new AbortController();
    let seen: WatchEvent<KubeObject>[] = [];
    const watch = async (): Promise<void> => {
      seen = [];
      for await (const event of shortWatch(configMaps, { ...options, resourceVersion }, stop.signal)) seen.push(event);
    };
    const ended = watch();
    const labels = { app: 'web' };
    await client.create(configMaps, configMap(ns, { a: '1' }, { labels }));
    const hidden = await client.create(configMaps, configMap(ns, { a: '1' }, { name: 'hidden' }));
    await eventually(() => seen.length > 0, { what: 'the first event' });
    end();
    await ended; // by the server
    const bookmarkSeen = () => seen.findLast((event) => event.type === 'BOOKMARK');
    // kube-apiserver sends it in the last two seconds of a watch, where it comes to it.
    for (let tries = 1; !bookmarkSeen() && tries < 4; tries += 1) await watch();
    const bookmark = bookmarkSeen();
    assert.ok(bookmark, 'a bookmark');
    const isNewer = Number(bookmark.resourceVersion) >= Number(hidden.metadata.resourceVersion);
    const events = seen.filter(({ type }) => type !== 'BOOKMARK').map(({ type }) => type);
    await ask(Promise.resolve({ ...hidden, events, isNewer }));
    const created = client.create(configMaps, configMap(ns, { a: '1' }, { name: 'later', labels }));
    const from = { ...options, resourceVersion: bookmark.resourceVersion };
    await ask(firstOf(client.watch(configMaps, from, stop.signal)));
    await created;
    stop.abort();
  },
  'a watch from a version that is forgotten': async ({ client, ns, ask }) => {
    await ask(client.create(gitSyncs, gitSync(ns)));
    const stop = new AbortController();
    await ask(firstOf(client.watch(gitSyncs, { namespace: ns, resourceVersion: '1' }, stop.signal)));
    stop.abort();
  },
};

/** The first event that is about an object. */
const firstOf = async (events: AsyncIterable<WatchEvent<KubeObject>>): Promise<KubeObject | undefined> => {
  for await (const event of events) if (event.type !== 'BOOKMARK') return { ...event.object, event: event.type };
  return undefined;
};

interface Entry {
  manager: string;
  operation: string;
  subresource?: string;
  time?: string;
}
const nameOf = ({ manager, operation, subresource = '' }: Entry): string => `${manager} ${operation} ${subresource}`;

/** Who answers gives names of its own, versions and times: numbered as they come, so that the same ones stay the same. */
const numbered = (ns: string) => {
  const known = new Map<string, string>();
  const named = (kind: string, value: unknown): string => {
    const key = `${kind} ${value}`;
    const name = known.get(key) ?? `${kind} ${[...known.keys()].filter((other) => other.startsWith(kind)).length + 1}`;
    known.set(key, name);
    return name;
  };
  const entriesOf = (entries: unknown): unknown =>
    (entries as Entry[] | undefined)
      ?.map(({ time, ...entry }) => ({ ...entry, ...(time === undefined ? {} : { time: 'then' }) }))
      .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return ({ metadata, ...rest }: KubeObject): unknown => {
    const { uid, resourceVersion, creationTimestamp, deletionTimestamp, managedFields, ...more } = metadata;
    return {
      ...rest,
      metadata: {
        ...more,
        namespace: more.namespace === ns ? 'ns' : more.namespace,
        uid: named('uid', uid),
        resourceVersion: named('version', resourceVersion),
        created: creationTimestamp !== undefined,
        deleted: deletionTimestamp !== undefined,
        managedFields: entriesOf(managedFields),
      },
    };
  };
};

const answersOf = async (run: Case, target: Pick<World, 'client' | 'shortWatch' | 'end'>, ns: string) => {
  const answers: unknown[] = [];
  const normal = numbered(ns);
  const ask: World['ask'] = async (request) => {
    try {
      const answer = (await request) as KubeObject | undefined;
      answers.push(answer ? normal(answer) : 'nothing');
      return answer;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      answers.push({ refused: [error.status, error.reason] });
      return undefined;
    }
  };
  await run({ ...target, ns, ask });
  return answers;
};

describe('the API server in memory answers as kube-apiserver, object by object', () => {
  const plane = useControlPlane();
  const memory = createApiServer();
  const end = (): void => {
    memory.bookmark();
    memory.endWatches();
  };
  let transport: Transport | undefined;
  before(async () => {
    transport = createTransport(await loadConnection({ kubeconfig: plane().kubeconfig }), {});
  });
  after(() => transport?.close());
  /** kube-apiserver sends a bookmark two seconds before the end that the client asked for. */
  const shortWatch: KubeClient['watch'] = (type, options, signal) =>
    watchOnce(
      async (call) => {
        assert.ok(transport);
        const query = { ...call.query, timeoutSeconds: '10' };
        return transport.stream({ identity: {} }, { ...call, query }, signal, 'WATCH');
      },
      type,
      options,
    );

  for (const [what, run] of Object.entries(CASES))
    it(what, async () => {
      const ns = await plane().namespace('table');
      await memory.client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } });
      const real = await answersOf(run, { client: plane().client, shortWatch, end: () => {} }, ns);
      const made = await answersOf(run, { client: memory.client, shortWatch: memory.client.watch, end }, ns);
      for (const [i, answer] of real.entries()) assert.deepEqual(made[i], answer, `answer ${i + 1}`);
      assert.equal(made.length, real.length);
    });
});
