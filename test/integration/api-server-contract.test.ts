import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import {
  isNoMatch,
  type KubeClient,
  KubeError,
  type ResourceType,
  resources,
  type WatchEvent,
} from '../../src/kube/index.ts';
import { createApiServer } from '../support/api-server.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { newKind } from '../support/widgets.ts';

interface Target {
  client: KubeClient;
  namespace(): Promise<string>;
}

const useMemory = (): (() => Target) => {
  let count = 0;
  const { client } = createApiServer();
  const namespace = async (): Promise<string> => {
    const name = `contract-${++count}`;
    await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    return name;
  };
  return () => ({ client, namespace });
};

const useCluster = (): (() => Target) => {
  const plane = useControlPlane();
  return () => ({ client: plane().client, namespace: () => plane().namespace('contract') });
};

const configMap = (namespace: string, data: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name: 'a', ...metadata },
  data,
});

const deployment = (namespace: string, containers: object[], metadata: object = {}, spec: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name: 'web', ...metadata },
  spec: {
    ...spec,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers } },
  },
});

const gitSync = (namespace: string, spec: object = {}): KubeObject => ({
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'GitSync',
  metadata: { namespace, name: 'app' },
  spec: { source: { git: { url: 'https://git.example.com/app.git' } }, ...spec },
});

/** `manager Operation`: the paths of fields that it owns. Maps and items themselves are left out: defaults differ there. */
const ownersOf = (object: KubeObject | undefined): Record<string, string[]> => {
  const leaves = (fields: Record<string, unknown>, path: string): string[] => {
    const steps = Object.keys(fields).filter((step) => step !== '.');
    if (steps.length === 0) return [path];
    return steps.flatMap((step) => leaves(fields[step] as Record<string, unknown>, `${path} ${step}`));
  };
  const entries = (object?.metadata.managedFields ?? []) as { manager: string; operation: string; fieldsV1: object }[];
  return Object.fromEntries(
    entries.map(({ manager, operation, fieldsV1 }) => [
      `${manager} ${operation}`,
      leaves(fieldsV1 as Record<string, unknown>, '')
        .map((path) => path.trim())
        .toSorted(),
    ]),
  );
};

const refusal =
  (status: number, reason: string, message = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof KubeError, String(error));
    assert.deepEqual([error.status, error.reason], [status, reason], error.message);
    assert.match(error.message, message);
    return true;
  };

for (const [what, use] of [
  ['the API server in memory', useMemory],
  ['kube-apiserver', useCluster],
] as const) {
  describe(`${what}, as the rooms rely on it`, () => {
    const target = use();
    const kind = resources.configMaps;
    const setUp = async (type: ResourceType = kind, name = 'a') => {
      const { client, namespace } = target();
      const ns = await namespace();
      const live = () => client.get(type, { namespace: ns, name });
      return { client, ns, live };
    };

    it('refuses to create what is there, and to replace or patch what is not', async () => {
      const { client, ns } = await setUp();
      await assert.rejects(
        client.replace(kind, configMap(ns, {}, { resourceVersion: '1' })),
        refusal(404, 'NotFound', /configmaps "a" not found/),
      );
      const patch = { type: 'merge', body: {} } as const;
      await assert.rejects(client.patch(kind, { namespace: ns, name: 'a' }, patch), refusal(404, 'NotFound'));
      await client.create(kind, configMap(ns));
      await assert.rejects(
        client.create(kind, configMap(ns)),
        refusal(409, 'AlreadyExists', /configmaps "a" already exists/),
      );
    });

    it('refuses objects in a namespace that is not there', async () => {
      await assert.rejects(
        target().client.create(kind, configMap('nowhere')),
        refusal(404, 'NotFound', /namespaces "nowhere" not found/),
      );
    });

    it('takes a replacement only of the newest version, and leaves what says nothing new as it is', async () => {
      const { client, ns } = await setUp();
      const first = await client.create(kind, configMap(ns, { k: '1' }));
      const second = await client.replace(kind, { ...first, data: { k: '2' } });
      assert.notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion);
      await assert.rejects(
        client.replace(kind, { ...first, data: { k: '3' } }),
        refusal(409, 'Conflict', /the object has been modified/),
      );
      const same = await client.replace(kind, second);
      assert.equal(same.metadata.resourceVersion, second.metadata.resourceVersion);
    });

    it('merges a patch, takes off what is null, and minds a resourceVersion in it', async () => {
      const { client, ns, live } = await setUp();
      const { metadata } = await client.create(kind, configMap(ns, { a: '1', b: '2' }));
      await client.patch(kind, metadata, { type: 'merge', body: { data: { a: null, c: '3' } } });
      assert.deepEqual((await live())?.data, { b: '2', c: '3' });
      const body = { metadata: { resourceVersion: metadata.resourceVersion }, data: { d: '4' } };
      await assert.rejects(client.patch(kind, metadata, { type: 'merge', body }), refusal(409, 'Conflict'));
    });

    it('carries out a JSON patch as a whole, or not at all', async () => {
      const { client, ns, live } = await setUp();
      const { metadata } = await client.create(kind, configMap(ns, { a: '1' }));
      const add = { op: 'add', path: '/data/b', value: '2' };
      const test = { op: 'test', path: '/metadata/resourceVersion', value: 'another' };
      await assert.rejects(client.patch(kind, metadata, { type: 'json', body: [add, test] }), refusal(422, 'Invalid'));
      await client.patch(kind, metadata, { type: 'json', body: [{ ...test, value: metadata.resourceVersion }, add] });
      assert.deepEqual((await live())?.data, { a: '1', b: '2' });
    });

    it('lets one manager apply what another does not own, and names the field where it does', async () => {
      const { client, ns, live } = await setUp();
      await client.apply(kind, configMap(ns, { a: '1', b: '2' }), { fieldManager: 'one' });
      await client.apply(kind, configMap(ns, { a: '1', c: '3' }), { fieldManager: 'two' });
      const three = configMap(ns, { a: 'x' });
      await assert.rejects(
        client.apply(kind, three, { fieldManager: 'three' }),
        refusal(
          409,
          'Conflict',
          /Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\nconflicts with "two":\n- .data.a/,
        ),
      );
      assert.deepEqual(ownersOf(await live()), {
        'one Apply': ['f:data f:a', 'f:data f:b'],
        'two Apply': ['f:data f:a', 'f:data f:c'],
      });
      await client.apply(kind, three, { fieldManager: 'three', force: true });
      assert.deepEqual(ownersOf(await live()), {
        'one Apply': ['f:data f:b'],
        'three Apply': ['f:data f:a'],
        'two Apply': ['f:data f:c'],
      });
    });

    it('removes what a manager no longer applies, but not what another one applies, too', async () => {
      const { client, ns, live } = await setUp();
      const labels = { app: 'web', tier: 'front' };
      await client.apply(kind, configMap(ns, { a: '1', b: '2' }, { labels }), { fieldManager: 'one' });
      await client.apply(kind, configMap(ns, { b: '2' }), { fieldManager: 'two' });
      await client.apply(kind, configMap(ns, {}, { labels: { app: 'web' } }), { fieldManager: 'one' });
      const after = await live();
      assert.deepEqual([after?.data, after?.metadata.labels], [{ b: '2' }, { app: 'web' }]);
    });

    it('writes nothing for an apply that changes nothing', async () => {
      const { client, ns } = await setUp();
      const first = await client.apply(kind, configMap(ns, { a: '1' }), { fieldManager: 'one' });
      const again = await client.apply(kind, configMap(ns, { a: '1' }), { fieldManager: 'one' });
      assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
    });

    it('gives a field that somebody edits to the editor, and back to who forces it', async () => {
      const { client, ns, live } = await setUp();
      await client.apply(kind, configMap(ns, { a: '1', b: '2' }), { fieldManager: 'one' });
      const name = { namespace: ns, name: 'a' };
      await client.patch(kind, name, { type: 'merge', body: { data: { a: 'x' } } }, { fieldManager: 'kubectl-edit' });
      assert.deepEqual(ownersOf(await live()), { 'one Apply': ['f:data f:b'], 'kubectl-edit Update': ['f:data f:a'] });
      const refused = refusal(
        409,
        'Conflict',
        /Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: \.data\.a/,
      );
      await assert.rejects(client.apply(kind, configMap(ns, { a: '1', b: '2' }), { fieldManager: 'one' }), refused);
      await client.apply(kind, configMap(ns, { a: '1', b: '2' }), { fieldManager: 'one', force: true });
      assert.deepEqual(ownersOf(await live()), { 'one Apply': ['f:data f:a', 'f:data f:b'] });
    });

    it('takes managedFields that a patch brings along as they are', async () => {
      const { client, ns, live } = await setUp();
      const { metadata } = await client.apply(kind, configMap(ns, { a: '1', b: '2' }), { fieldManager: 'one' });
      const entry = { manager: 'two', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1' };
      const managedFields = [{ ...entry, fieldsV1: { 'f:data': { 'f:a': {} } } }];
      await client.patch(kind, metadata, { type: 'merge', body: { metadata: { managedFields } } });
      assert.deepEqual(ownersOf(await live()), { 'two Apply': ['f:data f:a'] });
      await client.apply(kind, configMap(ns), { fieldManager: 'two' });
      assert.deepEqual((await live())?.data, { b: '2' });
    });

    it('merges containers by name, and their environment', async () => {
      const { client, ns, live } = await setUp(resources.deployments, 'web');
      const env = [{ name: 'A', value: '1' }];
      await client.apply(resources.deployments, deployment(ns, [{ name: 'web', image: 'web:1', env }]), {
        fieldManager: 'one',
      });
      const sidecar = [
        { name: 'web', env: [{ name: 'B', value: '2' }] },
        { name: 'proxy', image: 'proxy:1' },
      ];
      await client.apply(resources.deployments, deployment(ns, sidecar), { fieldManager: 'two' });
      const containersOf = (object: KubeObject | undefined) => {
        const spec = object?.spec as {
          template: { spec: { containers: { name: string; env?: { name: string }[] }[] } };
        };
        return spec.template.spec.containers;
      };
      assert.deepEqual(
        containersOf(await live()).map((c) => [c.name, c.env?.map((e) => e.name)]),
        [
          ['web', ['A', 'B']],
          ['proxy', undefined],
        ],
      );
      await client.apply(resources.deployments, deployment(ns, [{ name: 'web' }]), { fieldManager: 'two' });
      assert.deepEqual(
        containersOf(await live()).map((c) => [c.name, c.env?.map((e) => e.name)]),
        [['web', ['A']]],
      );
    });

    it('counts generations of kinds that have them: by the spec, and by the annotations of a Deployment', async () => {
      const { client, ns } = await setUp();
      const type = resources.deployments;
      const containers = [{ name: 'web', image: 'web:1' }];
      const how = { fieldManager: 'one' };
      const at = async (object: KubeObject) => (await client.apply(type, object, how)).metadata.generation;
      const first = (await at(deployment(ns, containers))) ?? 0;
      assert.equal(await at(deployment(ns, containers, { labels: { a: 'b' } })), first);
      assert.equal(await at(deployment(ns, containers, { annotations: { a: 'b' } })), first + 1);
      assert.equal(
        await at(deployment(ns, containers, { annotations: { a: 'b' } }, { minReadySeconds: 5 })),
        first + 2,
      );
      const map = await client.apply(kind, configMap(ns, { a: '1' }), how);
      assert.equal(map.metadata.generation, undefined);
    });

    it('has the status of our kinds behind an endpoint of its own', async () => {
      const { client, ns } = await setUp();
      const type = resources.gitSyncs;
      const made = await client.create(type, { ...gitSync(ns), status: { objectCount: 1 } });
      assert.deepEqual([made.metadata.generation, made.status], [1, undefined]);
      const body = { status: { objectCount: 2 }, spec: { path: 'elsewhere' } };
      const told = await client.patch(type, made.metadata, { type: 'merge', body }, { subresource: 'status' });
      assert.deepEqual(
        [told.metadata.generation, told.status, (told.spec as { path: string }).path],
        [1, { objectCount: 2 }, '.'],
      );
      const changed = await client.patch(type, made.metadata, {
        type: 'merge',
        body: { ...body, status: { objectCount: 3 } },
      });
      assert.deepEqual([changed.metadata.generation, changed.status], [2, { objectCount: 2 }]);
    });

    it('fills in what our kinds leave out, and refuses what their schema does not have', async () => {
      const { client, ns } = await setUp();
      const made = await client.create(resources.gitSyncs, gitSync(ns));
      assert.deepEqual((made as GitSync).spec.source.git?.ref, { branch: 'main' });
      const other = (spec: object): KubeObject => ({
        ...gitSync(ns, spec),
        metadata: { namespace: ns, name: 'other' },
      });
      await assert.rejects(
        client.create(resources.gitSyncs, other({ interval: 'soon' })),
        refusal(422, 'Invalid', /spec.interval/),
      );
      await assert.rejects(
        client.create(resources.gitSyncs, other({ source: { git: { url: 'https://github.com:org/repo.git' } } })),
        refusal(422, 'Invalid', /spec.source.git.url/),
      );
      await assert.rejects(
        client.apply(resources.gitSyncs, other({ paths: 'x' }), { fieldManager: 'one' }),
        (error: unknown) => error instanceof KubeError && [400, 500].includes(error.status),
      );
    });

    it('stores nothing of a dry run', async () => {
      const { client, ns, live } = await setUp();
      const how = { fieldManager: 'one', dryRun: true };
      assert.deepEqual((await client.apply(kind, configMap(ns, { a: '1' }), how)).data, { a: '1' });
      assert.equal(await live(), undefined);
    });

    it('keeps an object with finalizers until they are gone', async () => {
      const { client, ns, live } = await setUp();
      const { metadata } = await client.create(kind, configMap(ns, {}, { finalizers: ['example.com/wait'] }));
      await client.delete(kind, metadata);
      assert.ok((await live())?.metadata.deletionTimestamp);
      await client.patch(kind, metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
      assert.equal(await live(), undefined);
    });

    it('deletes only what was meant', async () => {
      const { client, ns, live } = await setUp();
      const { metadata } = await client.create(kind, configMap(ns));
      await assert.rejects(client.delete(kind, metadata, { uid: 'another' }), refusal(409, 'Conflict', /another/));
      await assert.rejects(client.delete(kind, metadata, { resourceVersion: '1' }), refusal(409, 'Conflict'));
      await client.delete(kind, metadata, { uid: metadata.uid ?? '' });
      assert.equal(await live(), undefined);
      await client.delete(kind, metadata); // gone is as good as deleted
    });

    it('refuses an apply that names the uid of another object', async () => {
      const { client, ns } = await setUp();
      const meant = configMap(ns, {}, { uid: '00000000-0000-0000-0000-000000000000' });
      await assert.rejects(client.apply(kind, meant, { fieldManager: 'one' }), refusal(409, 'Conflict'));
    });

    it('watches from a version on, and takes an object that no longer matches for deleted', async () => {
      const { client, ns } = await setUp();
      const labelSelector = 'app in (web, shop),!hidden';
      const { resourceVersion } = await client.list(kind, { namespace: ns, labelSelector });
      const { metadata } = await client.create(kind, configMap(ns, {}, { labels: { app: 'web' } }));
      const label = (labels: object) => client.patch(kind, metadata, { type: 'merge', body: { metadata: { labels } } });
      const stop = new AbortController();
      const seen: string[] = [];
      const watch = async (): Promise<void> => {
        for await (const event of client.watch(kind, { namespace: ns, labelSelector, resourceVersion }, stop.signal)) {
          if (event.type !== 'BOOKMARK') seen.push(`${event.type} ${wordsOf(event)}`);
        }
      };
      const watching = watch().catch((error: unknown) => error);
      await label({ tier: 'front' });
      await label({ hidden: 'yes' });
      await label({ hidden: null });
      await client.delete(kind, metadata);
      await eventually(() => seen.length === 5, { what: `five events, not ${seen}` });
      stop.abort();
      await watching;
      assert.deepEqual(
        seen.map((words) => words.split(' ')[0]),
        ['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED'],
      );
    });

    it('lists by labels and fields, whole or metadata only', async () => {
      const { client, ns } = await setUp();
      for (const [name, app] of [
        ['x', 'web'],
        ['y', 'shop'],
      ])
        await client.create(kind, configMap(ns, { k: '1' }, { name, labels: { app } }));
      const namesOf = async (options: object) =>
        (await client.list(kind, { namespace: ns, ...options })).items
          .map((o) => o.metadata.name)
          .filter((name) => !name.startsWith('kube-'));
      assert.deepEqual(await namesOf({ labelSelector: 'app=web' }), ['x']);
      assert.deepEqual(await namesOf({ labelSelector: 'app!=web' }), ['y']);
      assert.deepEqual(await namesOf({ labelSelector: 'app' }), ['x', 'y']);
      assert.deepEqual(await namesOf({ fieldSelector: 'metadata.name=y' }), ['y']);
      const { items } = await client.list(kind, { namespace: ns, labelSelector: 'app=web', metadataOnly: true });
      assert.deepEqual([items[0]?.kind, items[0]?.data], ['ConfigMap', undefined]);
    });

    it('serves a kind as long as its definition is there', async () => {
      const { client } = target();
      const { type, definition } = newKind();
      const widget = { apiVersion: `${type.group}/v1`, kind: 'Widget', metadata: { name: 'x' } };
      await assert.rejects(client.create(type, widget), isNoMatch);
      await client.create(resources.crds, definition);
      await eventually(() => client.create(type, widget).catch(falseIfGone), { what: 'the new kind' });
      await client.delete(resources.crds, definition.metadata);
      await eventually(() => client.list(type).then(() => false, isNoMatch), { what: 'its end' });
    });
  });
}

const falseIfGone = (error: unknown): false => {
  if (isNoMatch(error)) return false;
  throw error;
};

const wordsOf = (event: Exclude<WatchEvent, { type: 'BOOKMARK' }>): string =>
  JSON.stringify(event.object.metadata.labels ?? {});
