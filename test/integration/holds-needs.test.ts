import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Release, ReleaseHistory } from '../../src/api/release-history.ts';
import { newRollback } from '../../src/holds/index.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { endJob, job } from '../support/jobs.ts';
import { eventually } from '../support/poll.ts';
import { configMap, holdBack, imageOf, type StartedSync, useSync, yaml } from '../support/sync.ts';

const RBAC = 'rbac.authorization.k8s.io';
const roles: ResourceType = { group: RBAC, version: 'v1', kind: 'Role', plural: 'roles', namespaced: true };
const roleBindings: ResourceType = { ...roles, kind: 'RoleBinding', plural: 'rolebindings' };

/** Opted in; nobody runs its pods. */
const workload = (
  name: string,
  image: string,
  { labels = {}, pod = {}, replicas = 0 }: { labels?: object; pod?: object; replicas?: number } = {},
): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, annotations: { [annotations.inject]: 'true' } },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web', ...labels } },
      spec: { containers: [{ name: 'c', image, envFrom: [{ configMapRef: { name: 'settings' } }] }], ...pod },
    },
  },
});

const settings = configMap('settings', { level: 'info' });

/** Everything that finds the pods of one track, and serves them at this port. */
const findersOf = (track: string, port = 80): KubeObject[] => {
  const selector = { app: 'web', track };
  const of = (apiVersion: string, kind: string, spec: object): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: 'web' },
    spec,
  });
  return [
    of('v1', 'Service', { selector, ports: [{ port, targetPort: 8080 }] }),
    of('policy/v1', 'PodDisruptionBudget', { maxUnavailable: 1, selector: { matchLabels: selector } }),
    of('networking.k8s.io/v1', 'NetworkPolicy', { podSelector: { matchLabels: selector }, ingress: [{}] }),
  ];
};

describe('what goes back with a workload', () => {
  const { plane, start } = useSync();

  const web = (sync: StartedSync) => sync.get(resources.deployments, 'web');
  const runs = (sync: StartedSync, image: string, name = 'web') =>
    eventually(
      async () => {
        const live = await sync.get(resources.deployments, name);
        return imageOf(live) === image ? live : undefined;
      },
      { what: `${image} to run`, timeoutMs: 20_000 },
    );
  const held = (sync: StartedSync, phase = 'Held') =>
    eventually(
      async () => {
        const hold = (await sync.get(resources.holds, 'web')) as Hold | undefined;
        if (hold?.status?.phase === phase) return hold;
        throw new Error(JSON.stringify(hold?.status));
      },
      { what: `the Hold in phase ${phase}`, timeoutMs: 20_000 },
    );
  const said = (object: GitSync | Hold, type: string): string =>
    object.status?.conditions?.find((condition) => condition.type === type)?.message ?? '';
  /** The GitSync when this condition mentions the text. */
  const says = (sync: StartedSync, type: string, words: RegExp) =>
    eventually(
      async () => {
        const found = (await sync.get(resources.gitSyncs, 'app')) as GitSync;
        if (words.test(said(found, type))) return found;
        throw new Error(JSON.stringify(found.status?.conditions));
      },
      { what: `${type} to say ${words}`, timeoutMs: 30_000 },
    );
  const tracks = async (sync: StartedSync): Promise<unknown[]> => {
    const [service, budget, network] = await Promise.all(
      [resources.services, resources.podDisruptionBudgets, resources.networkPolicies].map((type) =>
        sync.get(type, 'web'),
      ),
    );
    const spec = (object: KubeObject | undefined) => (object?.spec ?? {}) as Record<string, Record<string, unknown>>;
    const labels = (selector: unknown) =>
      (selector as { matchLabels?: Record<string, string> } | undefined)?.matchLabels;
    return [
      spec(service).selector?.track,
      labels(spec(budget).selector)?.track,
      labels(spec(network).podSelector)?.track,
    ];
  };
  /** As the recorder does: this is the release that runs. */
  const record = async (
    sync: StartedSync,
    name: string,
    number: number,
    more: Partial<Release> = {},
  ): Promise<void> => {
    const live = await sync.get(resources.deployments, name);
    const noted = live?.metadata.annotations ?? {};
    const key = { namespace: sync.ns, name: `deployment-${name}` };
    const release: Release = {
      number,
      sourceDigest: noted[annotations.sourceDigest] ?? '',
      snapshotRef: { name: noted[annotations.snapshot] ?? '' },
      commit: noted[annotations.commit] ?? '',
      workloadUID: live?.metadata.uid ?? '',
      images: [],
      firstSeenTime: new Date().toISOString(),
      outcome: 'Active',
      ...more,
    };
    const history = await eventually(() => plane().client.get<ReleaseHistory>(resources.releaseHistories, key), {
      what: `the history of ${name}`,
    });
    const releases = [release, ...(history.spec.releases ?? [])];
    const spec = { ...history.spec, currentRelease: number, releases };
    await plane().client.replace<ReleaseHistory>(resources.releaseHistories, { ...history, spec });
  };
  const suspend = (sync: StartedSync, suspended: boolean) =>
    sync.edit(resources.gitSyncs, 'app', { spec: { suspend: suspended } });

  it('is what no longer finds the old pods, also where the bad commit was applied long ago and no sync runs', async () => {
    const at = (image: string, track: string): string =>
      yaml(settings, workload('web', image, { labels: { track } }), ...findersOf(track));
    const sync = await start({ 'app.yaml': at('shop:v1', 'stable') });
    await sync.ready();
    const good = await web(sync);
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': at('shop:v2', 'next') })));
    const bad = await runs(sync, 'shop:v2');
    assert.deepEqual(await tracks(sync), ['next', 'next', 'next']);
    await suspend(sync, true);
    await says(sync, 'Suspended', /./);
    await holdBack(plane(), sync.ns, { good, bad });
    const hold = await held(sync);
    assert.equal(imageOf(await web(sync)), 'shop:v1');
    assert.deepEqual(await tracks(sync), ['stable', 'stable', 'stable']);
    const words = `Service ${sync.ns}/web is held with it: its new version would not select the held pods`;
    assert.match(said(hold, 'Held'), new RegExp(words));

    await suspend(sync, false);
    await says(sync, 'Held', new RegExp(words));
    assert.deepEqual(await tracks(sync), ['stable', 'stable', 'stable']);
    sync.push({ 'app.yaml': at('shop:v3', 'next') });
    await runs(sync, 'shop:v3');
    await eventually(async () => (await tracks(sync)).every((track) => track === 'next'), { what: 'the fix' });
  });

  it('is not what still finds them: its newest version stays, and no edit of it applies the workload again', async () => {
    const at = (image: string, port: number): string =>
      yaml(settings, workload('web', image, { labels: { track: 'stable' } }), ...findersOf('stable', port));
    const sync = await start({ 'app.yaml': at('shop:v1', 80) });
    await sync.ready();
    const good = await web(sync);
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': at('shop:v1', 8080) })));
    assert.equal((await web(sync))?.metadata.resourceVersion, good?.metadata.resourceVersion);
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': at('shop:v2', 9090) })));
    await holdBack(plane(), sync.ns, { good, bad: await runs(sync, 'shop:v2') });
    await held(sync);
    const service = await sync.get(resources.services, 'web');
    assert.match(JSON.stringify(service?.spec), /"port":9090/);
  });

  it('stays while a release names it to which a rollback may go: its account, and the roles of that', async () => {
    const account = (name: string): KubeObject[] => [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
      { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name }, rules: [] },
      {
        apiVersion: `${RBAC}/v1`,
        kind: 'RoleBinding',
        metadata: { name },
        roleRef: { apiGroup: RBAC, kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: 'NAMESPACE' }],
      },
    ];
    const ns = await plane().namespace('needs');
    const at = (name: string, image: string): string =>
      yaml(settings, workload('web', image, { pod: { serviceAccountName: name } }), ...account(name)).replaceAll(
        'NAMESPACE',
        ns,
      );
    const sync = await start({ 'app.yaml': at('first', 'shop:v1') }, {}, { namespace: ns });
    await sync.ready();
    const good = await web(sync);
    await record(sync, 'web', 1, { serviceAccountName: 'first' });
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': at('second', 'shop:v2') })));
    const { status } = await says(sync, 'PrunePending', /ServiceAccount \S+\/first/);
    assert.deepEqual(
      status?.prunePending?.map(({ id, reason }) => [id.split('_').at(-1), reason]).toSorted(),
      ['Role', 'RoleBinding', 'ServiceAccount'].map((kind) => [kind, 'NeededByRelease']),
    );
    assert.match(
      JSON.stringify(status?.prunePending),
      new RegExp(`release 1 of Deployment ${ns}/web, to which a rollback may go, names it`),
    );

    await plane().client.delete(resources.serviceAccounts, { namespace: ns, name: 'first' });
    const bad = await web(sync);
    await holdBack(plane(), ns, { good, bad });
    const failed = await held(sync, 'Failed');
    assert.match(
      said(failed, 'Held'),
      new RegExp(`release 1 can't run: its pods need ServiceAccount ${ns}/first, which does not exist`),
    );
    assert.equal(imageOf(await web(sync)), 'shop:v2');
    const hold = { namespace: ns, name: 'web' };
    await plane().client.delete(resources.holds, hold);
    await eventually(async () => !(await plane().client.get(resources.holds, hold)), { what: 'the Hold to be lifted' });

    const key = { namespace: ns, name: 'deployment-web' };
    await record(sync, 'web', 2, { serviceAccountName: 'second' });
    const body = { spec: { lastGoodRelease: 2 } };
    await plane().client.patch(resources.releaseHistories, key, { type: 'merge', body });
    await eventually(async () => !(await sync.get(roles, 'first')) && !(await sync.get(roleBindings, 'first')), {
      what: 'the roles to go when a newer release is good',
      timeoutMs: 20_000,
    });
  });

  it('is what lost the rights of the account of its pods, and nobody else gets any back', async () => {
    const ns = await plane().namespace('needs');
    const subject = (name: string) => ({ kind: 'ServiceAccount', name, namespace: ns });
    const binding = (...names: string[]): KubeObject => ({
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'web' },
      roleRef: { apiGroup: RBAC, kind: 'Role', name: 'web' },
      subjects: names.map(subject),
    });
    const at = (image: string, ...names: string[]): string => yaml(settings, workload('web', image), binding(...names));
    const bound = async (sync: StartedSync): Promise<string[]> => {
      const found = await sync.get(roleBindings, 'web');
      return ((found?.subjects ?? []) as { name: string }[]).map(({ name }) => name);
    };
    const sync = await start({ 'app.yaml': at('shop:v1', 'default', 'eve') }, {}, { namespace: ns });
    await sync.ready();
    const good = await web(sync);
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': at('shop:v2', 'api') })));
    assert.deepEqual(await bound(sync), ['api']);
    await suspend(sync, true);
    await says(sync, 'Suspended', /./);
    await holdBack(plane(), ns, { good, bad: await runs(sync, 'shop:v2') });
    assert.match(said(await held(sync), 'Held'), /RoleBinding \S+\/web is held with it: it names ServiceAccount/);
    assert.deepEqual(await bound(sync), ['api', 'default']);

    await suspend(sync, false);
    await says(sync, 'Held', /RoleBinding \S+\/web is held with it/);
    assert.deepEqual(await bound(sync), ['api', 'default']);
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': at('shop:v3', 'api') })));
    assert.deepEqual(await bound(sync), ['api']);
  });

  it('is nothing that somebody added by hand, also where the GitSync only reports drift', async () => {
    const at = (image: string): string => yaml(settings, workload('web', image));
    const sync = await start({ 'app.yaml': at('shop:v1') }, { drift: 'Report' });
    await sync.ready();
    const good = await web(sync);
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': at('shop:v2') })));
    const bad = await runs(sync, 'shop:v2');
    await suspend(sync, true);
    await says(sync, 'Suspended', /./);
    const env = { op: 'add', path: '/spec/template/spec/containers/0/env', value: [{ name: 'DEBUG', value: '1' }] };
    const edit = ['patch', 'deployment', 'web', '--type=json', '--field-manager=kubectl-edit', '-p'];
    plane().kubectl(['-n', sync.ns, ...edit, JSON.stringify([env])]);
    assert.match(JSON.stringify((await web(sync))?.spec), /DEBUG/);
    await holdBack(plane(), sync.ns, { good, bad });
    await suspend(sync, false);
    await held(sync);
    assert.equal(imageOf(await web(sync)), 'shop:v1');
    assert.doesNotMatch(JSON.stringify((await web(sync))?.spec), /DEBUG/);
  });

  it('is kept out under another name: a rejected release that was renamed, and the old workload stays', async () => {
    const at = (name: string, image: string): string => yaml(settings, workload(name, image));
    const sync = await start({ 'app.yaml': at('web', 'shop:v1') });
    await sync.ready();
    const good = await web(sync);
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': at('web', 'shop:v2') })));
    await holdBack(plane(), sync.ns, { good, bad: await runs(sync, 'shop:v2') });
    await held(sync);
    const renamed = sync.push({ 'app.yaml': at('site', 'shop:v2') });
    await sync.ready('True', new RegExp(renamed));
    await says(sync, 'Held', /Deployment \S+\/site is the rejected release under another name, and is not applied/);
    assert.equal(await sync.get(resources.deployments, 'site'), undefined);
    assert.equal(imageOf(await web(sync)), 'shop:v1');
    sync.push({ 'app.yaml': at('site', 'shop:v3') });
    await runs(sync, 'shop:v3', 'site');
    await eventually(async () => (await web(sync)) === undefined, { what: 'the old name to go', timeoutMs: 20_000 });
  });

  it('is nothing for a workload that is renamed: the old one and its configuration stay until the new one is ready', async () => {
    const started = { replicas: 1 };
    const sync = await start({ 'app.yaml': yaml(settings, workload('web', 'shop:v1', started)) });
    await sync.ready();
    const next = workload('site', 'shop:v2', started);
    const text = JSON.stringify(yaml(configMap('settings-2'), next)).replaceAll('\\"settings\\"', '\\"settings-2\\"');
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': JSON.parse(text) as string })));
    const { status } = await says(sync, 'PrunePending', /Deployment \S+\/site, which takes its place, is ready/);
    assert.deepEqual(
      status?.prunePending?.map(({ id, reason }) => [id.split('_')[1], reason]).toSorted(),
      ['settings', 'web'].map((name) => [name, 'SuccessorNotReady']),
    );
    assert.match(JSON.stringify(status?.prunePending), /to delete it now: kubectl annotate deployments.apps web/);
    assert.ok(await web(sync));
    await eventually(
      async () => {
        const { items } = await plane().client.list(resources.pods, { namespace: sync.ns });
        const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
        const body = { status: { phase: 'Running', conditions } };
        for (const { metadata } of items)
          await plane().client.patch(resources.pods, metadata, { type: 'merge', body }, { subresource: 'status' });
        return (await web(sync)) === undefined && (await sync.get(resources.configMaps, 'settings')) === undefined;
      },
      { what: 'the old name to go when the new one is ready', timeoutMs: 30_000 },
    );
  });

  /** Rejects `bad` with all workloads of its GitSync. */
  const holdAll = async (sync: StartedSync, good: KubeObject | undefined, bad: KubeObject | undefined) => {
    const noted = (object: KubeObject | undefined, name: string): string => object?.metadata.annotations?.[name] ?? '';
    const hold = newRollback({
      workload: { kind: 'Deployment', namespace: sync.ns, name: 'web' },
      digest: noted(bad, annotations.sourceDigest),
      target: {
        number: 1,
        sourceDigest: noted(good, annotations.sourceDigest),
        snapshotRef: { name: noted(good, annotations.snapshot) },
      },
      scope: 'GitSync',
      origin: 'Manual',
      message: 'all of it',
    });
    await plane().client.create(resources.holds, { ...hold, metadata: { ...hold.metadata, name: 'web' } });
  };

  it('is the whole GitSync at the commit of the target, under scope GitSync; what is not recorded stays', async () => {
    const flags = (value: string): KubeObject => configMap('flags', { value });
    const at = (version: string): string =>
      yaml(settings, flags(version), workload('web', `shop:${version}`), workload('worker', `worker:${version}`));
    const sync = await start({ 'app.yaml': at('v1') });
    await sync.ready();
    const good = await web(sync);
    await record(sync, 'web', 1);
    await record(sync, 'worker', 1);
    await sync.ready('True', new RegExp(sync.push({ 'app.yaml': at('v2') })));
    const bad = await runs(sync, 'shop:v2');
    await holdAll(sync, good, bad);
    await held(sync);
    await runs(sync, 'worker:v1', 'worker');
    assert.equal(imageOf(await web(sync)), 'shop:v1');
    const found = await says(sync, 'Held', /Deployment \S+\/worker went back to what the commit of that release had/);
    assert.match(said(found, 'Held'), /ConfigMap \S+\/flags stays? as/);
    assert.match(JSON.stringify(await sync.get(resources.configMaps, 'flags')), /"value":"v2"/);
  });

  for (const [what, next] of [
    ['a commit with what is rejected', 'v2'],
    ['the fix', 'v3'],
  ] as const)
    it(`is the whole GitSync also while a hook of ${what} runs, and after it failed`, async () => {
      const at = (version: string): string =>
        yaml(settings, workload('web', `shop:${version}`), workload('worker', `worker:${version}`));
      const sync = await start({ 'app.yaml': at('v1') });
      await sync.ready();
      const good = await web(sync);
      await record(sync, 'web', 1);
      await record(sync, 'worker', 1);
      const second = sync.push({ 'app.yaml': at('v2') });
      await sync.ready('True', new RegExp(second));
      const bad = await runs(sync, 'shop:v2');
      const third = sync.push({
        'app.yaml': at(next),
        'more.yaml': yaml(configMap('more'), job('migrate', { 'argocd.argoproj.io/hook': 'PreSync' })),
      });
      await sync.ready('False', /PreSync hook Job .*\/migrate: it runs/);
      await holdAll(sync, good, bad);
      await held(sync);
      await runs(sync, 'worker:v1', 'worker');
      const found = await says(sync, 'Held', /Deployment \S+\/worker went back/);
      assert.equal(found.status?.lastAttemptedRevision, `main@${third}`);
      assert.equal(found.status?.lastAppliedRevision, `main@${second}`);
      await endJob(plane(), sync.ns, 'migrate', 'Failed');
      await sync.ready('False', /HookFailed/);
      const body = [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'worker:by-hand' }];
      const worker = { namespace: sync.ns, name: 'worker' };
      await plane().client.patch(resources.deployments, worker, { type: 'json', body });
      await runs(sync, 'worker:v1', 'worker');
      assert.deepEqual(
        [imageOf(await web(sync)), await sync.get(resources.configMaps, 'more')],
        ['shop:v1', undefined],
      );
    });
});
