import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, it } from 'mocha';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { createWatchCache, type ResourceType, resources } from '../../src/kube/index.ts';
import { eventually } from '../support/poll.ts';
import { configMap, useSync, yaml } from '../support/sync.ts';

/** A Deployment of one pod, which nobody runs here: it is healthy when `runPods` says that the pod is. */
const web = (name: string, spec: object = {}, image = 'shop:v1'): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image }] } },
    ...spec,
  },
});

interface CustomKind {
  type: ResourceType;
  definition: KubeObject;
  object(name: string, fields?: object): KubeObject;
}

/** A namespaced kind with a status of its own, of which the schema says nothing. */
const customKind = (kind: string, group = `g${randomUUID().slice(0, 8)}.example.com`, version = 'v1'): CustomKind => {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    type: { group, version, kind, plural, namespaced: true },
    definition: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind, plural },
        versions: [{ name: version, served: true, storage: true, schema, subresources: { status: {} } }],
      },
    },
    object: (name, fields = {}) => ({ apiVersion: `${group}/${version}`, kind, metadata: { name }, ...fields }),
  };
};

describe('a GitSync, in order:', () => {
  const { plane, bench, start } = useSync();
  const definitions: KubeObject[] = [];
  /** A kind that goes away after the tests. */
  const temporary = (kind: CustomKind): CustomKind => {
    definitions.push(kind.definition);
    return kind;
  };
  after(async () => {
    for (const { metadata } of definitions) await plane().client.delete(resources.crds, metadata);
  });

  /** Tells of every object of these kinds in the order in which they were made. */
  const watchCreations = async (types: readonly ResourceType[], isMeant: (object: KubeObject) => boolean) => {
    const ports = { clock: systemClock, random: Math.random };
    const caches = types.map((type) => createWatchCache(plane().client, type, {}, ports));
    const made: { kind: string; at: number }[] = [];
    for (const cache of caches) {
      cache.onChange((object, previous) => {
        if (object && !previous && isMeant(object))
          made.push({ kind: object.kind, at: Number(object.metadata.resourceVersion) });
      });
    }
    await Promise.all(caches.map((cache) => cache.ready()));
    return {
      count: () => made.length,
      kinds: () => made.toSorted((a, b) => a.at - b.at).map(({ kind }) => kind),
      stop: () => Promise.all(caches.map((cache) => cache.stop())),
    };
  };

  /** What a kubelet would say of the pods of an app. */
  const runPods = async (namespace: string, app: string): Promise<void> => {
    const pods = await eventually(
      async () => {
        const { items } = await plane().client.list(resources.pods, { namespace, labelSelector: `app=${app}` });
        return items.length > 0 && items;
      },
      { what: `a pod of ${app}` },
    );
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
    for (const { metadata } of pods) {
      const patch = { type: 'merge', body: { status: { phase: 'Running', conditions } } } as const;
      await plane().client.patch(resources.pods, metadata, patch, { subresource: 'status' });
    }
  };

  const setStatus = (namespace: string, { type }: CustomKind, name: string, status: object) =>
    eventually(
      () =>
        plane().client.patch(type, { namespace, name }, { type: 'merge', body: { status } }, { subresource: 'status' }),
      { what: `the status of ${name}` },
    );

  /** A GitSync of an object `main` of this kind, which its controller has seen in the first generation. */
  const seenOnce = async (kind: CustomKind, spec: object) => {
    const started = await start({ 'a.yaml': yaml(kind.definition, kind.object('main', { spec: { size: 1 } })) }, spec);
    await started.ready();
    await setStatus(started.ns, kind, 'main', { observedGeneration: 1 });
    return started;
  };

  const conditionOf = (sync: GitSync, type: string) => sync.status?.conditions?.find((c) => c.type === type);

  it('applies a CustomResourceDefinition before its resources, in one sync', async () => {
    const database = temporary(customKind('Database'));
    const reasons = new Set<string | undefined>();
    const syncs = createWatchCache<GitSync>(
      plane().client,
      resources.gitSyncs,
      {},
      {
        clock: systemClock,
        random: Math.random,
      },
    );
    await syncs.ready();
    syncs.onChange((sync) => {
      if (sync?.metadata.namespace === ns) reasons.add(conditionOf(sync, 'Ready')?.reason);
    });
    const ns = await plane().namespace('sync');
    const { ready, get } = await start(
      { 'a.yaml': yaml(database.object('orders', { spec: { size: 'small' } }), database.definition) },
      {},
      { namespace: ns },
    );
    await ready();
    await syncs.stop();
    reasons.delete(undefined);
    assert.deepEqual([...reasons], ['ReconciliationSucceeded']);
    assert.deepEqual((await get(database.type, 'orders'))?.spec, { size: 'small' });
  });

  it('makes each kind after those that it needs, whatever the order of the files', async () => {
    const ns = await plane().namespace('sync');
    const team = `${ns}-team`;
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' };
    const object = (apiVersion: string, kind: string, fields: object, name = 'reader'): KubeObject => ({
      apiVersion,
      kind,
      metadata: { name },
      ...fields,
    });
    const inOrder = [
      object('v1', 'Namespace', {}, team),
      object('v1', 'ServiceAccount', {}),
      object('rbac.authorization.k8s.io/v1', 'Role', { rules }),
      object('rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef }),
      object('v1', 'Secret', { stringData: { password: 'demo' } }),
      configMap('settings'),
      object('v1', 'Service', { spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } }),
      object('networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: {} } }),
      object('policy/v1', 'PodDisruptionBudget', { spec: { selector: { matchLabels: { app: 'web' } } } }),
      web('web'),
      object('networking.k8s.io/v1', 'Ingress', {
        spec: { defaultBackend: { service: { name: 'reader', port: { number: 80 } } } },
      }),
    ];
    const types = await Promise.all(
      inOrder.map(async ({ apiVersion, kind }) => {
        const type = await plane().discovery.find(apiVersion, kind);
        assert.ok(type, kind);
        return type;
      }),
    );
    const names = new Set(inOrder.map(({ metadata }) => metadata.name));
    const isMeant = ({ metadata }: KubeObject) =>
      names.has(metadata.name) && (metadata.namespace ?? metadata.name) === team;
    const made = await watchCreations(types, isMeant);
    // In the namespace that only this sync makes: every kind of it has to wait for that.
    const { ready } = await start(
      { 'a.yaml': yaml(...inOrder.toReversed()) },
      { targetNamespace: team },
      { namespace: ns },
    );
    await ready();
    await eventually(() => made.count() === inOrder.length, { what: 'every object in its watch' });
    await made.stop();
    assert.deepEqual(
      made.kinds(),
      inOrder.map(({ kind }) => kind),
    );
  });

  it('applies a later wave only when the earlier one is healthy, and says which wave waits for what', async () => {
    const { ns, ready, get } = await start({
      'a.yaml': yaml(
        configMap('flags', {}, { 'metricops.dev/wave': '-1' }),
        web('migration'),
        configMap('routes', {}, { 'metricops.dev/wave': '2' }),
      ),
    });
    await ready('False', new RegExp(`Progressing wave 2 waits for Deployment ${ns}/migration: `));
    assert.ok(await get(resources.configMaps, 'flags'));
    assert.equal(await get(resources.configMaps, 'routes'), undefined);
    await runPods(ns, 'migration');
    await ready();
    assert.ok(await get(resources.configMaps, 'routes'));
  });

  it('understands the sync-wave annotation of Argo CD', async () => {
    const { ns, ready, get } = await start({
      'a.yaml': yaml(configMap('routes', {}, { 'argocd.argoproj.io/sync-wave': '5' }), web('migration')),
    });
    await ready('False', new RegExp(`Progressing wave 5 waits for Deployment ${ns}/migration: `));
    assert.equal(await get(resources.configMaps, 'routes'), undefined);
    await runPods(ns, 'migration');
    await ready();
    assert.ok(await get(resources.configMaps, 'routes'));
  });

  it('takes a new commit at once while a wave waits', async () => {
    const { ready, get, push } = await start({
      'a.yaml': yaml(web('migration'), configMap('routes', {}, { 'metricops.dev/wave': '1' })),
    });
    await ready('False', /wave 1 waits/);
    const sha = push({ 'a.yaml': yaml(configMap('routes', { v: '2' }, { 'metricops.dev/wave': '1' })) });
    await ready('True', new RegExp(sha));
    assert.deepEqual((await get(resources.configMaps, 'routes'))?.data, { v: '2' });
    assert.equal(await get(resources.deployments, 'migration'), undefined);
  });

  it('does not start a wave after one that failed, and says so at once', async () => {
    const { ready, get } = await start(
      {
        'a.yaml': yaml(
          web('migration', { progressDeadlineSeconds: 1 }),
          configMap('routes', {}, { 'metricops.dev/wave': '1' }),
        ),
      },
      { timeout: '1h' },
    );
    await ready('False', /HealthCheckFailed wave 1 waits for Deployment .*migration: .*progress/);
    assert.equal(await get(resources.configMaps, 'routes'), undefined);
  });

  it('waits until the GitSync that it depends on is Ready, and then goes on by itself', async () => {
    const { ns, repository, ready } = await start(
      { 'base/a.yaml': yaml(web('queue')), 'apps/a.yaml': yaml(configMap('worker')) },
      {
        path: 'base',
        wait: true,
      },
    );
    await bench().sync(ns, 'apps', {
      source: { git: { url: repository.url } },
      path: 'apps',
      dependsOn: [{ name: 'app' }],
    });
    await bench().ready(ns, 'apps', 'False', /DependencyNotReady GitSync app is not Ready/);
    assert.equal(await plane().client.get(resources.configMaps, { namespace: ns, name: 'worker' }), undefined);
    await runPods(ns, 'queue');
    await ready();
    await bench().ready(ns, 'apps');
    assert.ok(await plane().client.get(resources.configMaps, { namespace: ns, name: 'worker' }));
  });

  it('waits for the new commit of the GitSync that it depends on, not only for some older one', async () => {
    const files = (version: string): Record<string, string> => ({
      'base/a.yaml': yaml(web('queue', {}, `queue:${version}`)),
      'apps/a.yaml': yaml(configMap('worker', { version })),
    });
    const { ns, repository, ready, push, get } = await start(files('v1'), { path: 'base', wait: true });
    await bench().sync(ns, 'apps', {
      source: { git: { url: repository.url } },
      path: 'apps',
      dependsOn: [{ name: 'app' }],
    });
    await runPods(ns, 'queue');
    await ready();
    await bench().ready(ns, 'apps');
    const sha = push(files('v2'));
    await bench().ready(ns, 'apps', 'False', /DependencyNotReady GitSync app /);
    await ready('False', /Progressing Deployment/);
    assert.deepEqual((await get(resources.configMaps, 'worker'))?.data, { version: 'v1' });
    await runPods(ns, 'queue');
    await ready('True', new RegExp(sha));
    await bench().ready(ns, 'apps', 'True', new RegExp(sha));
    assert.deepEqual((await get(resources.configMaps, 'worker'))?.data, { version: 'v2' });
  });

  it('waits until every object is healthy with wait: true', async () => {
    const { ns, ready } = await start({ 'a.yaml': yaml(web('web')) }, { wait: true });
    const waiting = await ready('False', new RegExp(`Progressing Deployment ${ns}/web: `));
    assert.equal(conditionOf(waiting, 'Reconciling')?.status, 'True');
    await runPods(ns, 'web');
    await ready();
  });

  it('fails fast on a stalled Deployment, is Ready when it recovers, and names the commit all along', async () => {
    const { ns, ready, commit } = await start(
      { 'a.yaml': yaml(web('web', { progressDeadlineSeconds: 1 })) },
      { wait: true, timeout: '1h' },
    );
    const failed = await ready('False', new RegExp(`HealthCheckFailed Deployment ${ns}/web: .*progress`));
    assert.equal(conditionOf(failed, 'Stalled')?.status, 'True');
    assert.equal(failed.status?.lastAttemptedRevision, `main@${commit}`);
    await runPods(ns, 'web');
    const recovered = await ready();
    assert.equal(conditionOf(recovered, 'Stalled')?.status, 'False');
  });

  it('fails fast on a custom resource that says Stalled', async () => {
    const bucket = temporary(customKind('Bucket'));
    const { ns, ready, push } = await seenOnce(bucket, { wait: true, timeout: '1h' });
    const sha = push({ 'a.yaml': yaml(bucket.definition, bucket.object('main', { spec: { size: 2 } })) });
    await ready('False', /its controller has not seen its newest spec/);
    const stalled = { type: 'Stalled', status: 'True', message: 'no such region' };
    await setStatus(ns, bucket, 'main', { observedGeneration: 2, conditions: [stalled] });
    const failed = await ready('False', new RegExp(`HealthCheckFailed Bucket ${ns}/main: no such region`));
    assert.equal(conditionOf(failed, 'Stalled')?.status, 'True');
    assert.equal(failed.status?.lastAttemptedRevision, `main@${sha}`);
  });

  it('judges a custom kind by the CEL expressions of the GitSync', async () => {
    const database = temporary(customKind('Database'));
    const check = {
      apiVersion: `${database.type.group}/v1`,
      kind: 'Database',
      current: 'status.phase == "Ready" && status.members == spec.members',
      failed: 'status.phase == "Broken"',
    };
    const { ns, ready } = await start(
      { 'a.yaml': yaml(database.definition, database.object('orders', { spec: { members: 3 } })) },
      { wait: true, timeout: '1h', healthCheckExprs: [check] },
    );
    await setStatus(ns, database, 'orders', { phase: 'Ready', members: 2 });
    await ready('False', new RegExp(`Progressing Database ${ns}/orders: none of its health check expressions is true`));
    await setStatus(ns, database, 'orders', { phase: 'Broken' });
    await ready('False', new RegExp(`HealthCheckFailed Database ${ns}/orders: failed: status.phase`));
    await setStatus(ns, database, 'orders', { phase: 'Ready', members: 3 });
    await ready();
  });

  it('says which health check expression is wrong, and what is wrong with it', async () => {
    const check = { apiVersion: 'db.example.com/v1', kind: 'Database', current: 'status.phase = "Ready"' };
    const { ns, ready } = await start({ 'a.yaml': yaml(configMap('one')) }, { wait: true, healthCheckExprs: [check] });
    await ready('False', /InvalidHealthCheck healthCheckExprs of Database, current: .+/);
    await plane().client.patch(
      resources.gitSyncs,
      { namespace: ns, name: 'app' },
      { type: 'merge', body: { spec: { healthCheckExprs: [{ ...check, current: 'status.phase == "Ready"' }] } } },
    );
    await ready();
  });

  it('judges an Argo Rollout by its phase', async () => {
    const rollout = temporary(customKind('Rollout', 'argoproj.io', 'v1alpha1'));
    await plane().client.apply(resources.crds, rollout.definition, { fieldManager: 'argo-rollouts', force: true });
    const { ns, ready } = await start(
      { 'a.yaml': yaml(rollout.object('web', { spec: { replicas: 3 } })) },
      {
        wait: true,
        timeout: '1h',
      },
    );
    // As its controller writes it: the generation that it has seen is a string.
    const say = (phase: string, message: string) =>
      setStatus(ns, rollout, 'web', { observedGeneration: '1', phase, message });
    await say('Paused', 'CanaryPauseStep');
    await ready('False', new RegExp(`Progressing Rollout ${ns}/web: CanaryPauseStep`));
    await say('Degraded', 'RolloutAborted: metric "errors" failed');
    await ready('False', new RegExp(`HealthCheckFailed Rollout ${ns}/web: RolloutAborted`));
    await say('Healthy', '');
    await ready();
  });

  /** A later wave waits until this condition of the object is True. */
  const letsWait = async (kind: CustomKind, healthy: string): Promise<void> => {
    temporary(kind);
    await plane().client.apply(resources.crds, kind.definition, { fieldManager: 'operator', force: true });
    const later = configMap('later', {}, { 'metricops.dev/wave': '1' });
    const { ns, ready, get } = await start({ 'a.yaml': yaml(kind.object('login', { spec: {} }), later) });
    await ready('False', new RegExp(`${kind.type.kind} ${ns}/login: its controller has not written ${healthy} yet`));
    const say = (status: 'True' | 'False') => {
      const condition = { type: healthy, status, message: 'the store does not answer', observedGeneration: 1 };
      return setStatus(ns, kind, 'login', { conditions: [condition] });
    };
    await say('False');
    await ready('False', /the store does not answer/);
    assert.equal(await get(resources.configMaps, 'later'), undefined);
    await say('True');
    await ready();
    assert.ok(await get(resources.configMaps, 'later'));
  };

  it('lets what needs a Secret of External Secrets wait until its operator has made it', () =>
    letsWait(customKind('ExternalSecret', 'external-secrets.io'), 'Ready'));

  it('lets what needs a certificate of cert-manager wait until its operator has made it', () =>
    letsWait(customKind('Certificate', 'cert-manager.io'), 'Ready'));

  it('lets what needs a Sealed Secret wait until its operator has made it', () =>
    letsWait(customKind('SealedSecret', 'bitnami.com', 'v1alpha1'), 'Synced'));

  it('judges a kind that it has never seen by observedGeneration and its condition Ready', async () => {
    const cache = temporary(customKind('Cache'));
    const { ns, ready, push } = await seenOnce(cache, { wait: true });
    const sha = push({ 'a.yaml': yaml(cache.definition, cache.object('main', { spec: { size: 2 } })) });
    await ready('False', new RegExp(`Progressing Cache ${ns}/main: its controller has not seen its newest spec`));
    const say = (status: 'True' | 'False') => {
      const condition = { type: 'Ready', status, message: 'two of three members joined' };
      return setStatus(ns, cache, 'main', { observedGeneration: 2, conditions: [condition] });
    };
    await say('False');
    await ready('False', new RegExp(`Progressing Cache ${ns}/main: two of three members joined`));
    await say('True');
    await ready('True', new RegExp(sha));
  });

  it('gives up on a stuck revision as soon as there is a newer one', async () => {
    const { ready, push, get } = await start(
      { 'a.yaml': yaml(web('web', {}, 'shop:broken')) },
      {
        wait: true,
        timeout: '1h',
      },
    );
    await ready('False', /Progressing Deployment/);
    const sha = push({ 'a.yaml': yaml(web('web', { replicas: 0 }, 'shop:v2')) });
    await ready('True', new RegExp(sha));
    const spec = (await get(resources.deployments, 'web'))?.spec as { template: { spec: { containers: unknown } } };
    assert.deepEqual((spec.template.spec.containers as { image: string }[])[0]?.image, 'shop:v2');
  });
});
