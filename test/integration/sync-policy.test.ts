import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { createWatchCache, type ResourceType, resources } from '../../src/kube/index.ts';
import { eventually } from '../support/poll.ts';
import { configMap, type StartedSync, useSync, yaml } from '../support/sync.ts';

const JOBS: ResourceType = { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true };

/** The policy as an annotation in Git. */
const applied = (how: 'apply' | 'create-only' | 'CreateOnly' | 'ignore' | 'ForceReplace') => ({
  'metricops.dev/apply': how,
});

const dataOf = (object: KubeObject | undefined): unknown => object?.data;

const web = (spec: object, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', annotations },
  spec: { replicas: 0, selector: { matchLabels: { app: 'web' } }, ...spec },
});
const pods = (image: string, env: object[] = []) => ({
  template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image, env }] } },
});
const containerOf = (object: KubeObject | undefined) =>
  (object?.spec as { template: { spec: { containers: { image: string; env?: { value: string }[] }[] } } } | undefined)
    ?.template.spec.containers[0];

describe('what a GitSync does with one object, by its annotations and rules:', () => {
  const { plane, bench, start } = useSync();

  /** Commits and waits until that commit is applied. */
  const follow = async ({ push, ready }: StartedSync, changes: Record<string, string | null>): Promise<void> => {
    await ready('True', new RegExp(push(changes)));
  };
  const config = ({ get }: StartedSync, name: string) => get(resources.configMaps, name);

  /** Every reason other than ReconciliationSucceeded that the GitSync shows from now on. */
  const watchRefusals = async (namespace: string) => {
    const cache = createWatchCache<GitSync>(
      plane().client,
      resources.gitSyncs,
      {},
      { clock: systemClock, random: Math.random },
    );
    const reasons = new Set<string>();
    await cache.ready();
    cache.onChange((sync) => {
      const ready = sync?.status?.conditions?.find((c) => c.type === 'Ready');
      if (sync?.metadata.namespace === namespace && ready?.status === 'False') reasons.add(ready.reason);
    });
    return async (): Promise<string[]> => {
      await cache.stop();
      return [...reasons];
    };
  };

  describe('metricops.dev/apply', () => {
    it('applies and corrects an object that says apply, as one that says nothing', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { max: '1' }, applied('apply'))) });
      await sync.ready();
      await sync.edit(resources.configMaps, 'limits', { data: { max: '9' } });
      await eventually(async () => (dataOf(await config(sync, 'limits')) as { max: string }).max === '1');
      await follow(sync, { 'a.yaml': yaml(configMap('limits', { max: '2' }, applied('apply'))) });
      assert.deepEqual(dataOf(await config(sync, 'limits')), { max: '2' });
    });

    it('makes a create-only object, leaves it to others afterwards, and makes it again when it is deleted', async () => {
      const seed = (v: string): string =>
        yaml(configMap('seed', { v }, applied('create-only')), configMap('rest', { v }));
      const sync = await start({ 'a.yaml': seed('1') });
      await sync.ready();
      await sync.edit(resources.configMaps, 'seed', { data: { v: 'by hand' } });
      await follow(sync, { 'a.yaml': seed('2') });
      assert.deepEqual(dataOf(await config(sync, 'rest')), { v: '2' });
      assert.deepEqual(dataOf(await config(sync, 'seed')), { v: 'by hand' });
      await plane().client.delete(resources.configMaps, { namespace: sync.ns, name: 'seed' });
      await eventually(async () => dataOf(await config(sync, 'seed')), { what: 'the new one' });
      assert.deepEqual(dataOf(await config(sync, 'seed')), { v: '2' });
    });

    it('leaves alone a create-only object that somebody else made before', async () => {
      const ns = await plane().namespace('sync');
      const theirs = configMap('seed', { v: 'generated' });
      await plane().client.create(resources.configMaps, { ...theirs, metadata: { ...theirs.metadata, namespace: ns } });
      const files = { 'a.yaml': yaml(configMap('seed', { v: 'default' }, applied('CreateOnly'))) };
      const sync = await start(files, {}, { namespace: ns });
      await sync.ready();
      assert.deepEqual(dataOf(await config(sync, 'seed')), { v: 'generated' });
      await follow(sync, { 'a.yaml': yaml(configMap('other')) });
      assert.ok(await config(sync, 'seed'), 'nor is it pruned: it was never ours');
    });

    it('never makes, changes or waits for an object that says ignore', async () => {
      const ns = await plane().namespace('sync');
      // Of another tool, which would have to be adopted otherwise.
      plane().kubectl(['apply', '-n', ns, '-f', '-'], JSON.stringify(configMap('theirs', { v: 'kubectl' })));
      const files = {
        'a.yaml': yaml(configMap('theirs', { v: 'git' }, applied('ignore')), web(pods('shop:v1'), applied('ignore'))),
      };
      const sync = await start(files, { wait: true }, { namespace: ns });
      await sync.ready();
      assert.deepEqual(dataOf(await config(sync, 'theirs')), { v: 'kubectl' });
      assert.equal(await sync.get(resources.deployments, 'web'), undefined);
    });

    it('says that a field is immutable, and replaces the object with force-replace', async () => {
      const frozen = (v: string, annotations?: object): string =>
        yaml({ ...configMap('limits', { v }, annotations), immutable: true });
      const sync = await start({ 'a.yaml': frozen('1') });
      await sync.ready();
      const uid = (await config(sync, 'limits'))?.metadata.uid;
      sync.push({ 'a.yaml': frozen('2') });
      await sync.ready('False', /ObjectRejected ConfigMap .*limits: .*immutable/);
      await follow(sync, { 'a.yaml': frozen('2', applied('ForceReplace')) });
      const limits = await config(sync, 'limits');
      assert.deepEqual(dataOf(limits), { v: '2' });
      assert.notEqual(limits?.metadata.uid, uid);
    });

    it('replaces a Job that has pods already, in one sync', async () => {
      const job = (image: string): string =>
        yaml({
          apiVersion: 'batch/v1',
          kind: 'Job',
          metadata: { name: 'migrate', annotations: applied('ForceReplace') },
          spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image }] } } },
        });
      const sync = await start({ 'a.yaml': job('migrate:v1') });
      await sync.ready();
      const podsOfJob = async () =>
        (await plane().client.list(resources.pods, { namespace: sync.ns, labelSelector: 'job-name=migrate' })).items;
      await eventually(async () => (await podsOfJob()).length > 0, { what: 'a pod of the Job' });
      const refusals = await watchRefusals(sync.ns);
      await follow(sync, { 'a.yaml': job('migrate:v2') });
      assert.deepEqual(await refusals(), []);
      assert.equal(containerOf(await sync.get(JOBS, 'migrate'))?.image, 'migrate:v2');
    });

    it('changes in place what can be changed, also under force-replace', async () => {
      const service = (port: number, clusterIP?: string): string =>
        yaml({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'web', annotations: applied('ForceReplace') },
          spec: { ports: [{ port }], ...(clusterIP && { clusterIP }) },
        });
      const sync = await start({ 'a.yaml': service(80) });
      await sync.ready();
      const first = await sync.get(resources.services, 'web');
      await follow(sync, { 'a.yaml': service(8080) });
      assert.equal((await sync.get(resources.services, 'web'))?.metadata.uid, first?.metadata.uid);
      await follow(sync, { 'a.yaml': service(8080, 'None') });
      const replaced = await sync.get(resources.services, 'web');
      assert.equal((replaced?.spec as { clusterIP?: string } | undefined)?.clusterIP, 'None');
      assert.notEqual(replaced?.metadata.uid, first?.metadata.uid);
    });

    it('does not delete the object when what should replace it is invalid', async () => {
      const service = (port: number): string =>
        yaml({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'web', annotations: applied('ForceReplace') },
          spec: { ports: [{ port }] },
        });
      const sync = await start({ 'a.yaml': service(80) });
      await sync.ready();
      const first = await sync.get(resources.services, 'web');
      sync.push({ 'a.yaml': service(123_456) });
      await sync.ready('False', /ObjectRejected Service .*web: .*123456/);
      assert.equal((await sync.get(resources.services, 'web'))?.metadata.uid, first?.metadata.uid);
    });
  });

  describe('metricops.dev/pause', () => {
    const paused = (value: 'true' | null) => ({ metadata: { annotations: { 'metricops.dev/pause': value } } });

    it('leaves a paused object to who works on it, syncs the rest, and puts it right when the pause ends', async () => {
      const files = (image: string): Record<string, string> => ({
        'a.yaml': yaml(web(pods(image)), configMap('rest', { image })),
      });
      const sync = await start(files('shop:v1'));
      await sync.ready();
      await sync.edit(resources.deployments, 'web', paused('true'));
      await plane().client.patch(
        resources.deployments,
        { namespace: sync.ns, name: 'web' },
        {
          type: 'json',
          body: [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'shop:debug' }],
        },
      );
      await follow(sync, files('shop:v2'));
      assert.deepEqual(dataOf(await config(sync, 'rest')), { image: 'shop:v2' });
      const image = async () => containerOf(await sync.get(resources.deployments, 'web'))?.image;
      assert.equal(await image(), 'shop:debug');
      await sync.edit(resources.deployments, 'web', paused(null));
      await eventually(async () => (await image()) === 'shop:v2', { what: 'the image that Git says' });
    });

    it('applies what was committed during a pause when it ends, though nobody touched the object', async () => {
      // Unlike a Deployment's, its generation does not count changes of annotations.
      const database = (image: string): KubeObject => ({ ...web(pods(image)), kind: 'StatefulSet' });
      const sync = await start({ 'a.yaml': yaml(database('shop:v1')) });
      await sync.ready();
      await sync.edit(resources.statefulSets, 'web', paused('true'));
      await follow(sync, { 'a.yaml': yaml(database('shop:v2')) });
      const image = async () => containerOf(await sync.get(resources.statefulSets, 'web'))?.image;
      assert.equal(await image(), 'shop:v1');
      await sync.edit(resources.statefulSets, 'web', paused(null));
      await eventually(async () => (await image()) === 'shop:v2', { what: 'the image that Git says' });
    });
  });

  describe('spec.ignoreDifferences', () => {
    it('leaves a field named by a JSON pointer to others, and the rest of the object follows Git', async () => {
      const files = (image: string, value: string): Record<string, string> => ({
        'a.yaml': yaml(web(pods(image, [{ name: 'MODE', value }]))),
      });
      const ignoreDifferences = [
        { kind: 'Deployment', name: 'web', jsonPointers: ['/spec/template/spec/containers/*/image'] },
      ];
      const sync = await start(files('shop:v1', 'blue'), { ignoreDifferences });
      await sync.ready();
      const container = async () => containerOf(await sync.get(resources.deployments, 'web'));
      assert.equal((await container())?.image, 'shop:v1', 'a new object is made whole');
      await plane().client.patch(
        resources.deployments,
        { namespace: sync.ns, name: 'web' },
        {
          type: 'json',
          body: [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'shop:canary' }],
        },
        { fieldManager: 'image-updater' },
      );
      await follow(sync, files('shop:v2', 'green'));
      assert.equal((await container())?.env?.[0]?.value, 'green');
      assert.equal((await container())?.image, 'shop:canary');
      await bench().restart(async () => sync.repository.commit(files('shop:v3', 'red')));
      await eventually(async () => (await container())?.env?.[0]?.value === 'red', { what: 'the third commit' });
      assert.equal((await container())?.image, 'shop:canary', 'also for a reconciler that has just started');
    });

    it('leaves to another field manager what that one wrote, and corrects what anybody else writes', async () => {
      const files = (v: string): Record<string, string> => ({
        'a.yaml': yaml(configMap('settings', { token: v, level: v })),
      });
      const sync = await start(files('1'), {
        ignoreDifferences: [{ kind: 'ConfigMap', managedFieldsManagers: ['rotator'] }],
      });
      await sync.ready();
      const write = (fieldManager: string, data: object) =>
        plane().client.patch(
          resources.configMaps,
          { namespace: sync.ns, name: 'settings' },
          { type: 'merge', body: { data } },
          { fieldManager },
        );
      await write('rotator', { token: 'rotated' });
      await write('somebody', { level: 'by hand' });
      const is = (data: object) =>
        eventually(async () => assert.deepEqual(dataOf(await config(sync, 'settings')), data) ?? true);
      await is({ token: 'rotated', level: '1' });
      await follow(sync, files('2'));
      await is({ token: 'rotated', level: '2' });
    });

    it('lets Git have the field back when the rule goes', async () => {
      const ignoreDifferences = [{ kind: 'ConfigMap', jsonPointers: ['/data/level'] }];
      const sync = await start({ 'a.yaml': yaml(configMap('settings', { level: 'git' })) }, { ignoreDifferences });
      await sync.ready();
      await sync.edit(resources.configMaps, 'settings', { data: { level: 'by hand' } });
      await follow(sync, { 'a.yaml': yaml(configMap('settings', { level: 'git', other: '1' })) });
      assert.deepEqual(dataOf(await config(sync, 'settings')), { level: 'by hand', other: '1' });
      await plane().client.patch(
        resources.gitSyncs,
        { namespace: sync.ns, name: 'app' },
        { type: 'merge', body: { spec: { ignoreDifferences: [] } } },
      );
      await eventually(async () => (dataOf(await config(sync, 'settings')) as { level: string }).level === 'git');
    });
  });
});
