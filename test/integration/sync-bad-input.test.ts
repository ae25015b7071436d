import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { type ForeignWebhook, runForeignWebhook } from '../support/admission.ts';
import { type AggregatedGroup, startAggregatedGroup } from '../support/aggregated.ts';
import type { ControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, type SyncBench, useSync, yaml } from '../support/sync.ts';
import { newKind, removeKind } from '../support/widgets.ts';

const dataOf = (object: KubeObject | undefined): unknown => object?.data;
const readyOf = (sync: GitSync | undefined) => sync?.status?.conditions?.find((c) => c.type === 'Ready');
const namespaceNamed = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const inNamespace = (namespace: string, object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
});

/** A namespaced kind of its own that takes any field, and an object of it. */
const newNamespacedKind = (): { type: ResourceType; definition: KubeObject; widget: (spec?: object) => KubeObject } => {
  const { type, definition } = newKind();
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const spec = { ...(definition.spec as object), scope: 'Namespaced' };
  const versions = [{ name: 'v1', served: true, storage: true, schema }];
  return {
    type: { ...type, namespaced: true },
    definition: { ...definition, spec: { ...spec, versions } },
    widget: (own = {}) => ({
      apiVersion: `${type.group}/v1`,
      kind: type.kind,
      metadata: { name: 'checkout' },
      spec: own,
    }),
  };
};

const untilData = (get: () => Promise<KubeObject | undefined>, data: object): Promise<unknown> =>
  eventually(
    async () => {
      assert.deepEqual((await get())?.data, data);
      return true;
    },
    { what: `data ${JSON.stringify(data)}` },
  );

/** Lets the sync try again, so many times: each time is over when its status says so. */
const tryAgain = async (plane: ControlPlane, namespace: string, times: number, name = 'app'): Promise<void> => {
  for (let i = 1; i <= times; i += 1) {
    const value = `${Date.now()}-${i}`;
    const body = { metadata: { annotations: { [annotations.requestedAt]: value } } };
    await plane.client.patch(resources.gitSyncs, { namespace, name }, { type: 'merge', body });
    await eventually(
      async () =>
        (await plane.client.get<GitSync>(resources.gitSyncs, { namespace, name }))?.status?.lastHandledReconcileAt ===
        value,
      { what: `try ${i}` },
    );
  }
};

describe('bad input', () => {
  const { plane, bench: running, start } = useSync();
  const bench = (): SyncBench => running();

  it('applies 9,999 objects beside one that is rejected, and names that one', async function () {
    this.timeout(120_000);
    const good = Array.from({ length: 9_999 }, (_, i) => configMap(`price-${i}`, { n: `${i}` }));
    const files = Map.groupBy(good, (_, i) => `prices-${Math.floor(i / 1000)}.yaml`);
    const texts = Object.fromEntries([...files].map(([file, objects]) => [file, yaml(...objects)]));
    const { ns, commit, edit } = await start({ ...texts, 'bad.yaml': yaml(configMap('Price_List')) });
    const sync = await eventually(
      async () => {
        const found = await plane().client.get<GitSync>(resources.gitSyncs, { namespace: ns, name: 'app' });
        return found?.status?.lastAttemptedRevision === `main@${commit}` ? found : undefined;
      },
      { what: 'the sync', timeoutMs: 100_000 },
    );
    const ready = readyOf(sync);
    assert.equal(ready?.reason, 'ObjectRejected');
    assert.match(ready.message, new RegExp(`^ConfigMap ${ns}/Price_List: `));
    assert.ok(ready.message.length < 1000, ready.message);
    const { items } = await plane().client.list(resources.configMaps, { namespace: ns, metadataOnly: true });
    assert.equal(items.filter(({ metadata }) => metadata.name.startsWith('price-')).length, 9_999);
    await edit(resources.gitSyncs, 'app', { spec: { suspend: true } }); // its end costs nothing
  });

  it('says the same of many rejected objects each time, in a message of bounded size', async () => {
    const long = 'x'.repeat(300);
    const bad = Array.from({ length: 40 }, (_, i) => configMap(`Bad_${long}-${i}`));
    const { ns, ready, get } = await start({ 'a.yaml': yaml(configMap('good'), ...bad) });
    const first = await ready('False', /ObjectRejected .* and 35 more/);
    assert.ok(await get(resources.configMaps, 'good'));
    assert.ok((readyOf(first)?.message.length ?? 0) <= 4000);
    await tryAgain(plane(), ns, 3);
    assert.equal(readyOf(await ready('False'))?.message, readyOf(first)?.message);
  });

  it('says at once what is rejected, also when it is told to wait for health', async () => {
    const { ready } = await start(
      { 'a.yaml': yaml(deployment('web', 'shop:v1', 'settings', { replicas: -1 })) },
      { wait: true },
    );
    await ready('False', /ObjectRejected Deployment \S+\/web: .*replicas/);
  });

  for (const [what, text, says] of [
    [
      'wave',
      'metadata: {name: bad, annotations: {metricops.dev/wave: 2}}',
      /bad\) metadata.annotations: "metricops.dev\/wave"/,
    ],
    ['port of a Secret', 'metadata: {name: bad}\nstringData: {port: 5432}', /bad\) stringData: "port" is a number/],
  ] as const) {
    it(`names a ${what} without quotes in the status, and goes on when it has some`, async () => {
      const { push, ready, get } = await start({
        'good.yaml': yaml(configMap('good')),
        'bad.yaml': `apiVersion: v1\nkind: Secret\n${text}`,
      });
      const sync = await ready('False', says);
      assert.equal(readyOf(sync)?.reason, 'InvalidManifest');
      assert.ok(!readyOf(sync)?.message?.includes('5432'));
      push({ 'bad.yaml': `apiVersion: v1\nkind: Secret\n${text.replace(/: (2|5432)/, ': "$1"')}` });
      await ready('True');
      assert.ok(await get(resources.configMaps, 'good'));
    });
  }

  it('has the API server judge an autoscaler without version, and takes an empty wave and null in a Secret', async () => {
    const hpa = 'apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}';
    const { ready, get } = await start({
      'a.yaml': `${yaml(deployment('web', 'shop:v1', 'settings', { replicas: 0 }))}
---
${hpa}
spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: , kind: Deployment, name: web}}
---
apiVersion: v1
kind: Secret
metadata: {name: settings, labels: {empty: }, annotations: {metricops.dev/wave: , metricops.dev/versioned: "true"}}
stringData: {empty: , port: "5432"}`,
    });
    await ready('False', /ObjectRejected HorizontalPodAutoscaler \S+\/web: .*apiVersion must specify API group/);
    assert.ok(await get(resources.deployments, 'web'));
  });

  it('names objects larger than etcd takes, as hopeless, and applies the others', async () => {
    const { definition, widget } = newNamespacedKind();
    try {
      await plane().client.create(resources.crds, definition);
      const mebibytes = (n: number): string => 'x'.repeat(n * 1024 * 1024);
      const { ns, ready, get } = await start({
        'a.yaml': yaml(configMap('good')),
        'config.yaml': yaml(
          configMap('over-one', { a: mebibytes(1.2) }),
          configMap('over-etcd', { a: mebibytes(1.8) }),
        ),
        'widget.yaml': yaml(widget({ blob: mebibytes(1.8) })),
        'last.yaml': yaml({ ...configMap('last'), kind: 'Service', spec: { ports: [{ port: 80 }] }, data: undefined }),
      });
      const sync = await ready('False', /ObjectRejected/);
      const message = readyOf(sync)?.message ?? '';
      for (const named of [`ConfigMap ${ns}/over-one`, `ConfigMap ${ns}/over-etcd`, `Widget ${ns}/checkout`])
        assert.match(message, new RegExp(`${named}: .*(large|long)`, 'i'));
      assert.equal(sync.status?.conditions?.find((c) => c.type === 'Stalled')?.status, 'True');
      assert.ok(await get(resources.configMaps, 'good'));
      assert.ok(await get(resources.services, 'last'));
    } finally {
      await removeKind(plane().client, definition);
    }
  });

  describe('a CustomResourceDefinition removed under its resources', () => {
    it('is named as an unknown kind, while the other objects keep syncing and stay corrected', async () => {
      const { definition, widget } = newNamespacedKind();
      await plane().client.create(resources.crds, definition);
      const { push, ready, get, edit } = await start({ 'a.yaml': yaml(configMap('one', { v: '1' }), widget()) });
      await ready();
      plane().kubectl(['delete', 'crd', definition.metadata.name]);
      await ready('False', /NoKindMatch Widget \S+\/checkout: the API server serves no Widget/);
      push({ 'a.yaml': yaml(configMap('one', { v: '2' }), widget()) });
      await untilData(() => get(resources.configMaps, 'one'), { v: '2' });
      await edit(resources.configMaps, 'one', { data: { v: 'by hand' } });
      await untilData(() => get(resources.configMaps, 'one'), { v: '2' });
      await ready('False', /NoKindMatch/);
    });

    it('brings the definition back with its resources, when both are in Git', async () => {
      const { type, definition, widget } = newNamespacedKind();
      try {
        const { ready, get, edit } = await start({ 'a.yaml': yaml(definition), 'b.yaml': yaml(widget({ size: 1 })) });
        await ready();
        const before = await get(type, 'checkout');
        plane().kubectl(['delete', 'crd', definition.metadata.name]);
        const after = await eventually(() => get(type, 'checkout'), { what: 'the Widget' });
        assert.notEqual(after.metadata.uid, before?.metadata.uid);
        await ready();
        await edit(type, 'checkout', { spec: { size: 2 } });
        await eventually(async () => assert.deepEqual((await get(type, 'checkout'))?.spec, { size: 1 }) ?? true, {
          what: 'the correction',
        });
      } finally {
        await removeKind(plane().client, definition);
      }
    });
  });

  it('waits for a namespace that is stuck terminating, serves the others meanwhile, and makes it anew', async () => {
    const stuck = await plane().namespace('shop');
    const other = await plane().namespace('shop');
    const blocker = { namespace: stuck, name: 'blocker' };
    await plane().client.create(resources.configMaps, {
      ...configMap('blocker'),
      metadata: { ...blocker, finalizers: ['example.com/backup'] },
    });
    const files = (v: string): Record<string, string> => ({
      'a.yaml': yaml(namespaceNamed(stuck), ...[stuck, other].map((ns) => inNamespace(ns, configMap('one', { v })))),
    });
    const { ready, push } = await start(files('1'));
    await ready();
    const uid = (await plane().client.get(resources.namespaces, { name: stuck }))?.metadata.uid;
    plane().kubectl(['delete', 'namespace', stuck, '--wait=false']);
    await ready('False', new RegExp(`ConfigMap ${stuck}/one: .*is being terminated`));
    const sha = push(files('2'));
    const oneIn = (namespace: string) => plane().client.get(resources.configMaps, { namespace, name: 'one' });
    await untilData(() => oneIn(other), { v: '2' });
    const sync = await ready('False', /is being terminated/);
    assert.equal(sync.status?.conditions?.find((c) => c.type === 'Stalled')?.status, 'False');
    await plane().client.patch(resources.configMaps, blocker, {
      type: 'merge',
      body: { metadata: { finalizers: null } },
    });
    await ready('True', new RegExp(sha));
    assert.notEqual((await plane().client.get(resources.namespaces, { name: stuck }))?.metadata.uid, uid);
    assert.deepEqual(dataOf(await oneIn(stuck)), { v: '2' });
  });

  describe('an API group that stops answering', () => {
    const gadgetOf = ({ type }: AggregatedGroup, v: string): KubeObject => ({
      apiVersion: `${type.group}/v1`,
      kind: type.kind,
      metadata: { name: 'checkout' },
      spec: { v },
    });

    it('is named by the sync that uses it, disturbs nothing else, and is caught up with later', async function () {
      this.timeout(150_000);
      const group = await startAggregatedGroup(plane(), await plane().namespace('gadgets'));
      const { definition, widget } = newNamespacedKind();
      const files = (v: string) => ({ 'a.yaml': yaml(configMap('one', { v }), gadgetOf(group, v)) });
      try {
        const { ns, push, ready, get } = await start(files('1'));
        await ready();
        const stored = () => (group.objects.get(`${ns}/checkout`)?.spec as { v?: string } | undefined)?.v;
        assert.equal(stored(), '1');
        group.hangNow();
        push(files('2'));
        await untilData(() => get(resources.configMaps, 'one'), { v: '2' });
        const other = await start({ 'a.yaml': yaml(configMap('one'), definition, widget()) });
        await other.ready();
        const named = new RegExp(`ObjectRejected Gadget ${ns}/checkout: `);
        await eventually(() => ready('False', named), { what: 'words', timeoutMs: 60_000 });
        await group.be('closed');
        const sha = push(files('3'));
        await untilData(() => get(resources.configMaps, 'one'), { v: '3' });
        await ready('False', named);
        await group.be('serving');
        await ready('True', new RegExp(sha));
        assert.equal(stored(), '3');
      } finally {
        await group.remove();
        await removeKind(plane().client, definition);
      }
    });

    it('keeps its objects tracked, over a restart too, and prunes them when it answers again', async function () {
      this.timeout(150_000);
      const group = await startAggregatedGroup(plane(), await plane().namespace('gadgets'));
      try {
        const files = { 'a.yaml': yaml(configMap('one', { v: '1' })), 'b.yaml': yaml(gadgetOf(group, '1')) };
        const { ns, push, ready, get } = await start(files);
        await ready();
        await group.be('closed');
        await bench().restart();
        push({ 'a.yaml': yaml(configMap('one', { v: '2' })) });
        await untilData(() => get(resources.configMaps, 'one'), { v: '2' });
        await ready('False', new RegExp(`Gadget ${ns}/checkout: `));
        const sha = push({ 'a.yaml': yaml(configMap('one', { v: '3' })), 'b.yaml': null });
        await untilData(() => get(resources.configMaps, 'one'), { v: '3' });
        await ready('False', new RegExp(`PruneFailed Gadget ${ns}/checkout: `));
        await group.be('serving');
        await ready('True', new RegExp(sha));
        assert.equal(group.objects.size, 0);
      } finally {
        await group.remove();
      }
    });
  });

  describe("another product's validating webhook", () => {
    let ns: string;
    let webhook: ForeignWebhook;
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'stock' }, spec: { ports: [{ port: 80 }] } };
    const files = { 'a.yaml': yaml(configMap('prices', { v: '1' }), service) };
    beforeEach(async () => {
      ns = await plane().namespace('shop');
      webhook = await runForeignWebhook(plane(), [ns]);
      webhook.say({ deny: 'no prices on Fridays' });
      // Its configuration reaches the API server's admission within a second or so.
      const prices = inNamespace(ns, configMap('prices'));
      const denied = (error: Error): boolean => /Fridays/.test(error.message);
      await eventually(() =>
        plane()
          .client.create(resources.configMaps, prices, { dryRun: true })
          .then(() => false, denied),
      );
    });
    afterEach(() => webhook.remove());

    it('is quoted where it denies an object; the others are applied, that one as soon as it is allowed', async () => {
      const { ready, get } = await start(files, {}, { namespace: ns });
      const sync = await ready('False', new RegExp(`ObjectRejected ConfigMap ${ns}/prices: .*no prices on Fridays`));
      assert.match(readyOf(sync)?.message ?? '', /policies-\w+\.example\.com/);
      assert.equal(sync.status?.conditions?.find((c) => c.type === 'Stalled')?.status, 'True');
      assert.ok(await get(resources.services, 'stock'));
      webhook.say('allow');
      await ready();
      assert.ok(await get(resources.configMaps, 'prices'));
    });

    it('may answer with a novel: what is shown of it has a bound', async () => {
      webhook.say({ deny: `no prices on Fridays, because ${'it is said '.repeat(20_000)}` });
      const { ready } = await start(files, {}, { namespace: ns });
      const sync = await ready('False', /ObjectRejected .*no prices on Fridays/);
      assert.ok((readyOf(sync)?.message.length ?? 0) < 1000);
    });

    it('is waited for while it is down, not given up on, and the others are applied', async () => {
      webhook.say('down');
      const { ready, get } = await start(files, {}, { namespace: ns });
      const sync = await ready('False', new RegExp(`ConfigMap ${ns}/prices: .*failed calling webhook`));
      assert.equal(sync.status?.conditions?.find((c) => c.type === 'Stalled')?.status, 'False');
      assert.ok(await get(resources.services, 'stock'));
      webhook.say('allow');
      await ready();
    });
  });

  describe('two GitSyncs of the same path', () => {
    it('leave the objects with the first: the second is told, and nothing flaps', async () => {
      const { ns, repository, ready, get } = await start({ 'a.yaml': yaml(configMap('one', { v: '1' })) });
      await ready();
      const before = (await get(resources.configMaps, 'one'))?.metadata.resourceVersion;
      await bench().sync(ns, 'twin', { source: { git: { url: repository.url } } });
      await bench().ready(
        ns,
        'twin',
        'False',
        new RegExp(`OwnedByAnother ConfigMap ${ns}/one belongs to GitSync ${ns}/app`),
      );
      await tryAgain(plane(), ns, 2, 'twin');
      await tryAgain(plane(), ns, 2);
      assert.equal((await get(resources.configMaps, 'one'))?.metadata.resourceVersion, before);
    });

    for (const deletionPolicy of ['Orphan', 'Delete'] as const) {
      it(`lets the second take over when the first is deleted with deletionPolicy ${deletionPolicy}`, async () => {
        const one = { 'a.yaml': yaml(configMap('one', { v: '1', w: '1' })) };
        const { ns, repository, ready, get } = await start(one, { deletionPolicy });
        await ready();
        await bench().sync(ns, 'twin', { source: { git: { url: repository.url } } });
        await bench().ready(ns, 'twin', 'False', /OwnedByAnother/);
        await plane().client.delete(resources.gitSyncs, { namespace: ns, name: 'app' });
        await bench().ready(ns, 'twin');
        const label = (await get(resources.configMaps, 'one'))?.metadata.labels?.['metricops.dev/sync'];
        assert.equal(label, `${ns}.twin`);
        // Its own in full: what leaves Git now leaves the object.
        repository.commit({ 'a.yaml': yaml(configMap('one', { v: '1' })) });
        await tryAgain(plane(), ns, 1, 'twin');
        await untilData(() => get(resources.configMaps, 'one'), { v: '1' });
      });
    }
  });

  describe('odd manifests', () => {
    const cases: { what: string; text: (ns: string) => string; says: RegExp }[] = [
      {
        what: 'an object that is there twice once namespaces are filled in',
        text: (ns) => yaml(configMap('one', { v: '1' }), inNamespace(ns, configMap('one', { v: '2' }))),
        says: /DuplicateObject ConfigMap \S+\/one/,
      },
      {
        what: 'generateName',
        text: () => yaml({ ...configMap('x'), metadata: { generateName: 'report-' } }),
        says: /InvalidManifest b\.yaml, document 1 .*generateName/,
      },
      {
        what: 'an item of a List without a name',
        text: () =>
          yaml({ apiVersion: 'v1', kind: 'List', items: [configMap('a'), { ...configMap('x'), metadata: {} }] }),
        says: /InvalidManifest b\.yaml, document 1, item 2 .*metadata\.name/,
      },
      ...['', '/v1', 'apps/', 'apps/v1/beta', 'v1?dryRun=All', '../v1'].map((apiVersion) => ({
        what: `apiVersion ${JSON.stringify(apiVersion)}`,
        text: () => yaml({ ...configMap('one'), apiVersion }),
        says: new RegExp(`document 1 .*${JSON.stringify(apiVersion).replaceAll(/[?.]/g, '\\$&')} is no apiVersion`),
      })),
    ];
    it('are refused in words, each, and what was applied stays', async () => {
      const { ns, push, ready, get } = await start({ 'a.yaml': yaml(configMap('good')) });
      await ready();
      for (const { what, text, says } of cases) {
        push({ 'b.yaml': text(ns) });
        await ready('False', says).catch((cause: unknown) => {
          throw new Error(what, { cause });
        });
        assert.ok(await get(resources.configMaps, 'good'), what);
      }
      const sha = push({ 'b.yaml': null });
      await ready('True', new RegExp(sha));
    });

    it('of a version or kind that is not served are named, and the others applied', async () => {
      const { ready, get } = await start({
        'a.yaml': yaml(configMap('good')),
        'b.yaml': yaml({ ...configMap('b'), apiVersion: 'v2' }, { ...configMap('c'), apiVersion: 'apps/v9' }),
        'c.yaml': yaml({ ...configMap('d'), kind: 'Configmap' }),
      });
      const sync = await ready('False', /NoKindMatch/);
      const message = readyOf(sync)?.message ?? '';
      for (const text of ['no ConfigMap in v2', 'no ConfigMap in apps/v9', 'no Configmap in v1'])
        assert.ok(message.includes(text), `${text}: ${message}`);
      assert.ok(await get(resources.configMaps, 'good'));
    });

    it('of a version that Kubernetes has dropped are named with the version that it serves now', async () => {
      const budget = { apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget', metadata: { name: 'web' } };
      const { ready } = await start({ 'a.yaml': yaml({ ...budget, spec: { minAvailable: 1 } }) });
      await ready('False', /NoKindMatch .*no PodDisruptionBudget in policy\/v1beta1, but in policy\/v1/);
    });

    it('may be a List, and a cluster-wide object that names a namespace is applied without it', async () => {
      const ns = await plane().namespace('sync');
      const metadata = { name: `reader-${ns}`, namespace: ns };
      const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata, rules: [] };
      const list = { apiVersion: 'v1', kind: 'List', items: [configMap('one'), role] };
      const { ready, get, push } = await start({ 'a.yaml': yaml(list) }, {}, { namespace: ns });
      const sync = await ready();
      assert.equal(sync.status?.objectCount, 2);
      assert.ok(await get(resources.configMaps, 'one'));
      assert.match(plane().kubectl(['get', 'clusterrole', metadata.name, '-o', 'name']), /reader/);
      const sha = push({ 'a.yaml': yaml(configMap('one')) });
      await ready('True', new RegExp(sha));
      assert.throws(() => plane().kubectl(['get', 'clusterrole', metadata.name]), /NotFound/);
    });
  });
});
