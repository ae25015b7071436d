import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync, HookEntry } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import { endJob, job } from '../support/jobs.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, holdBack, imageOf, type StartedSync, useSync, yaml } from '../support/sync.ts';

const hook = (phase: string, more: Record<string, string> = {}): Record<string, string> => ({
  'argocd.argoproj.io/hook': phase,
  ...more,
});
const deletedAfter = (policy: string) => ({ 'argocd.argoproj.io/hook-delete-policy': policy });
const wave = (number: string) => ({ 'argocd.argoproj.io/sync-wave': number });

describe('a GitSync with hooks', () => {
  const { plane, bench, start } = useSync();

  const statusOf = async ({ ns }: StartedSync): Promise<NonNullable<GitSync['status']>> =>
    (await plane().client.get<GitSync>(resources.gitSyncs, { namespace: ns, name: 'app' }))?.status ?? {};
  /** `PreSync migrate Succeeded`. */
  const words = (entries: readonly HookEntry[] = []): string[] =>
    entries.map(({ phase, name, state }) => `${phase} ${name} ${state}`);
  const untilHooks = (sync: StartedSync, ...wanted: string[]): Promise<unknown> =>
    eventually(
      async () => {
        const { hooks } = await statusOf(sync);
        assert.deepEqual(words(hooks), wanted);
        return true;
      },
      { what: wanted.join(', '), timeoutMs: 30_000 },
    );
  const uidOf = async (sync: StartedSync, name: string): Promise<string | undefined> =>
    (await sync.get(resources.jobs, name))?.metadata.uid;
  const end = ({ ns }: StartedSync, name: string, phase?: 'Failed') => endJob(plane(), ns, name, phase);
  const follow = (sync: StartedSync, files: Record<string, string | null>) => {
    const sha = sync.push(files);
    return { sha, applied: () => sync.ready('True', new RegExp(sha)) };
  };
  const ask = (sync: StartedSync): Promise<void> =>
    sync.edit(resources.gitSyncs, 'app', {
      metadata: { annotations: { 'metricops.dev/requested-at': new Date().toISOString() } },
    });
  /** As a kubelet would say it of the pods of an app. */
  const runPods = async (namespace: string, app: string): Promise<void> => {
    const pods = await eventually(async () => {
      const { items } = await plane().client.list(resources.pods, { namespace, labelSelector: `app=${app}` });
      return items.length > 0 && items;
    });
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
    for (const { metadata } of pods) {
      const patch = { type: 'merge', body: { status: { phase: 'Running', conditions } } } as const;
      await plane().client.patch(resources.pods, metadata, patch, { subresource: 'status' });
    }
  };

  it('runs a PreSync hook before anything of a revision is applied, once for each revision that changes an object', async () => {
    const files = (v: string) => ({ 'a.yaml': yaml(configMap('one', { v }), job('migrate', hook('PreSync'))) });
    const sync = await start(files('1'));
    await sync.ready('False', new RegExp(`Progressing PreSync hook Job ${sync.ns}/migrate: it runs`));
    assert.equal(await sync.get(resources.configMaps, 'one'), undefined);
    const first = await end(sync, 'migrate');
    const { status } = await sync.ready();
    assert.ok(await sync.get(resources.configMaps, 'one'));
    await untilHooks(sync, 'PreSync migrate Succeeded');
    assert.ok(
      status?.inventory?.entries.every(({ id }) => !id.includes('migrate')),
      'in no inventory',
    );
    assert.equal((await statusOf(sync)).hookRun?.revision, `main@${sync.commit}`);
    await follow(sync, { 'README.md': 'nothing new' }).applied();
    assert.equal(await uidOf(sync, 'migrate'), first);
    const { sha, applied } = follow(sync, files('2'));
    await eventually(async () => ![undefined, first].includes(await uidOf(sync, 'migrate')), { what: 'another Job' });
    assert.deepEqual((await sync.get(resources.configMaps, 'one'))?.data, { v: '1' });
    await end(sync, 'migrate');
    await applied();
    assert.deepEqual((await sync.get(resources.configMaps, 'one'))?.data, { v: '2' });
    assert.equal((await statusOf(sync)).hookRun?.revision, `main@${sha}`);
  });

  it('gives a Job the deadline of the sync where it has none, and keeps its own', async () => {
    const sync = await start(
      {
        'a.yaml': yaml(
          configMap('one'),
          job('a', hook('PreSync')),
          job('b', hook('PreSync'), { activeDeadlineSeconds: 7200, ttlSecondsAfterFinished: 5 }),
        ),
      },
      { timeout: '2m' },
    );
    await end(sync, 'a');
    await end(sync, 'b');
    await sync.ready();
    const spec = async (name: string) => (await sync.get(resources.jobs, name))?.spec as Record<string, number>;
    assert.equal((await spec('a')).activeDeadlineSeconds, 120);
    const { activeDeadlineSeconds, ttlSecondsAfterFinished } = await spec('b');
    assert.deepEqual([activeDeadlineSeconds, ttlSecondsAfterFinished], [7200, undefined], 'its end is to be seen');
  });

  it('applies nothing of a revision whose PreSync hook failed, keeps what stands, and runs it again when asked', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('one', { v: '1' })) });
    await sync.ready();
    const { sha } = follow(sync, {
      'a.yaml': yaml(
        configMap('one', { v: '2' }),
        job('migrate', hook('PreSync')),
        job('undo', hook('SyncFail', deletedAfter('HookSucceeded'))),
      ),
    });
    const first = await end(sync, 'migrate', 'Failed');
    await sync.ready(
      'False',
      new RegExp(`HookFailed nothing of main@${sha} is applied: PreSync hook Job .*/migrate: `),
    );
    await untilHooks(sync, 'PreSync migrate Failed', 'SyncFail undo Running');
    await end(sync, 'undo');
    await untilHooks(sync, 'PreSync migrate Failed', 'SyncFail undo Succeeded');
    await eventually(async () => (await uidOf(sync, 'undo')) === undefined, {
      what: 'it is deleted after its success',
    });
    await sync.edit(resources.configMaps, 'one', { data: { v: 'by hand' } });
    const value = async () => ((await sync.get(resources.configMaps, 'one'))?.data as { v?: string })?.v;
    await eventually(async () => (await value()) === '1', { what: 'drift is corrected', timeoutMs: 30_000 });
    await bench().restart();
    await sync.ready('False', /HookFailed/);
    assert.equal(await uidOf(sync, 'migrate'), first);
    await ask(sync);
    await eventually(async () => ![undefined, first].includes(await uidOf(sync, 'migrate')), { what: 'another Job' });
    await end(sync, 'migrate');
    await sync.ready('True', new RegExp(sha));
    assert.equal(await value(), '2');
  });

  it('has failed for who asked while it ran, too: only a request after the failure runs it again', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('one', { v: '1' })) });
    await sync.ready();
    sync.push({ 'a.yaml': yaml(configMap('one', { v: '2' }), job('migrate', hook('PreSync'))) });
    await untilHooks(sync, 'PreSync migrate Running');
    await ask(sync);
    await eventually(async () => (await statusOf(sync)).lastHandledReconcileAt, { what: 'the request is handled' });
    const first = await end(sync, 'migrate', 'Failed');
    await sync.ready('False', /HookFailed/);
    await sync.edit(resources.configMaps, 'one', { data: { v: 'by hand' } });
    const value = async () => ((await sync.get(resources.configMaps, 'one'))?.data as { v?: string })?.v;
    await eventually(async () => (await value()) === '1', { what: 'it is synced once more', timeoutMs: 30_000 });
    assert.equal(await uidOf(sync, 'migrate'), first);
    await ask(sync);
    await eventually(async () => ![undefined, first].includes(await uidOf(sync, 'migrate')), { what: 'another Job' });
  });

  it('ends with a SyncFail hook that can not be made, says why, and is run again when asked', async () => {
    const sync = await start({ 'z.yaml': yaml(configMap('zero')) });
    await sync.ready();
    const { ns } = sync;
    const theirs = { ...job('undo'), metadata: { name: 'undo', namespace: ns } };
    await plane().client.create(resources.jobs, theirs);
    const hooks = [job('migrate', hook('PreSync')), job('undo', hook('SyncFail', deletedAfter('HookFailed')))];
    sync.push({ 'a.yaml': yaml(configMap('one'), ...hooks) });
    const first = await end(sync, 'migrate', 'Failed');
    await untilHooks(sync, 'PreSync migrate Failed', 'SyncFail undo Failed');
    const { hooks: [, undo] = [] } = await statusOf(sync);
    assert.match(`${undo?.reason} ${undo?.message}`, /^HookRefused hook Job .*undo: this GitSync did not make/);
    await ask(sync);
    await eventually(async () => ![undefined, first].includes(await uidOf(sync, 'migrate')), { what: 'another Job' });
    assert.ok(await sync.get(resources.jobs, 'undo'), 'theirs is left alone');
  });

  it('goes back to what is there without hooks, though something that left Git stays', async () => {
    const files = (v: string) => ({ 'a.yaml': yaml(configMap('one', { v }), job('migrate', hook('PreSync'))) });
    const kept = configMap('kept', {}, { 'metricops.dev/prune': 'disabled' });
    const sync = await start({ ...files('1'), 'kept.yaml': yaml(kept) });
    await end(sync, 'migrate');
    await sync.ready();
    const left = follow(sync, { 'kept.yaml': null });
    await eventually(async () => (await statusOf(sync)).hookRun?.revision === `main@${left.sha}`);
    await end(sync, 'migrate');
    await left.applied();
    const second = follow(sync, files('2'));
    await eventually(async () => (await statusOf(sync)).hookRun?.revision === `main@${second.sha}`);
    const failed = await end(sync, 'migrate', 'Failed');
    await sync.ready('False', /HookFailed/);
    await follow(sync, files('1')).applied();
    assert.equal(await uidOf(sync, 'migrate'), failed);
    assert.ok(await sync.get(resources.configMaps, 'kept'));
  });

  it('sees a check to its end, though a commit comes that applies nothing', async () => {
    const files = (v: string) => ({
      'a.yaml': yaml(
        configMap('one'),
        configMap('once', { v }, { 'metricops.dev/apply': 'CreateOnly' }),
        job('check', hook('PostSync')),
      ),
    });
    const sync = await start(files('1'));
    await untilHooks(sync, 'PostSync check Running');
    const { sha } = follow(sync, files('2'));
    await eventually(async () => (await statusOf(sync)).lastAppliedRevision === `main@${sha}`);
    await sync.ready('False', /Progressing PostSync hook Job .*check: it runs/);
    await end(sync, 'check', 'Failed');
    await sync.ready('False', /HookFailed .* a check after it failed/);
    await untilHooks(sync, 'PostSync check Failed');
  });

  it('runs the first hook that another spec brings, though the commit is that of before', async () => {
    const sync = await start(
      {
        'old/a.yaml': yaml(configMap('one', { v: '1' })),
        'new/a.yaml': yaml(configMap('one', { v: '2' }), job('migrate', hook('PreSync'))),
      },
      { path: 'old' },
    );
    await sync.ready();
    await sync.edit(resources.gitSyncs, 'app', { spec: { path: 'new' } });
    await sync.ready('False', /Progressing PreSync hook Job .*migrate: it runs/);
    assert.deepEqual((await sync.get(resources.configMaps, 'one'))?.data, { v: '1' });
    await end(sync, 'migrate');
    await sync.ready();
    assert.deepEqual((await sync.get(resources.configMaps, 'one'))?.data, { v: '2' });
  });

  it('runs a PostSync hook once the revision is healthy; where it fails, the revision stays and the GitSync says so', async () => {
    const files = (v: string) => ({
      'web.yaml': yaml(configMap('settings'), deployment('web', 'shop:v1')),
      'check.yaml': yaml(job('check', hook('PostSync'), { backoffLimit: 0, template: checkPod(v) })),
    });
    const sync = await start(files('1'));
    await sync.ready('False', new RegExp(`Progressing Deployment ${sync.ns}/web: `));
    await untilHooks(sync, 'PostSync check Pending');
    assert.equal(await uidOf(sync, 'check'), undefined);
    await runPods(sync.ns, 'web');
    const failed = await end(sync, 'check', 'Failed');
    const inWords = new RegExp(
      `HookFailed main@${sync.commit} is applied, and a check after it failed: PostSync hook Job `,
    );
    const { status } = await sync.ready('False', inWords);
    assert.equal(status?.lastAppliedRevision, `main@${sync.commit}`);
    const isSaid = async (): Promise<boolean> => {
      const { items } = await plane().client.list(resources.events, { namespace: sync.ns });
      return items.some(({ reason, type }) => reason === 'HookFailed' && type === 'Warning');
    };
    await eventually(isSaid, { what: 'an Event' });
    const { sha, applied } = follow(sync, files('2'));
    await eventually(async () => ![undefined, failed].includes(await uidOf(sync, 'check')), {
      what: 'a check that was mended runs, though no object changed',
    });
    await end(sync, 'check');
    await applied();
    assert.equal((await statusOf(sync)).hookRun?.revision, `main@${sha}`);
  });

  it('runs a SyncFail hook once where the API server refuses an object, and no check before all of it is applied', async () => {
    const service = (port: number) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { ports: [{ port }] },
    });
    const hooks = [job('report', hook('SyncFail')), job('check', hook('PostSync'))];
    const sync = await start({ 'a.yaml': yaml(configMap('one'), service(70_000), ...hooks) });
    const reported = await end(sync, 'report');
    await sync.ready('False', /ObjectRejected Service .*web: /);
    await untilHooks(sync, 'PostSync check Pending', 'SyncFail report Succeeded');
    const { applied } = follow(sync, { 'a.yaml': yaml(configMap('one'), service(80), ...hooks) });
    await end(sync, 'check');
    await applied();
    await untilHooks(sync, 'PostSync check Succeeded');
    assert.notEqual(await uidOf(sync, 'report'), reported, 'it went with its run');
  });

  it('goes on with a hook after a restart, and does not run again what was deleted after its success', async () => {
    const sync = await start({
      'a.yaml': yaml(configMap('one'), job('migrate', hook('PreSync', deletedAfter('HookSucceeded')))),
    });
    await untilHooks(sync, 'PreSync migrate Running');
    const uid = await uidOf(sync, 'migrate');
    await bench().restart();
    assert.equal(await end(sync, 'migrate'), uid);
    await sync.ready();
    await eventually(async () => (await uidOf(sync, 'migrate')) === undefined, { what: 'it is deleted' });
    await eventually(async () => (await statusOf(sync)).hookRun?.state === 'Succeeded', { what: 'the run is over' });
    await bench().restart();
    await follow(sync, { 'README.md': 'nothing new' }).applied();
    assert.equal(await uidOf(sync, 'migrate'), undefined);
    await untilHooks(sync, 'PreSync migrate Succeeded');
  });

  it('says so where somebody deleted a hook before its end was seen, and does not run it a second time', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('one'), job('migrate', hook('PreSync'))) });
    await untilHooks(sync, 'PreSync migrate Running');
    await plane().client.delete(resources.jobs, { namespace: sync.ns, name: 'migrate' });
    await sync.ready('False', /HookFailed .* it was deleted before its end was seen/);
    assert.equal(await uidOf(sync, 'migrate'), undefined);
  });

  it('runs hooks one after the other, by wave, and makes what a Job needs before it', async () => {
    const account: KubeObject = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'migrator', annotations: hook('PreSync') },
    };
    const annotations = hook('PreSync', wave('1'));
    const second = { ...job(''), metadata: { generateName: 'second-', annotations } };
    const template = { spec: { ...podSpec, serviceAccountName: 'migrator' } };
    const sync = await start({
      'a.yaml': yaml(second, job('first', hook('PreSync'), { backoffLimit: 0, template }), account, configMap('one')),
    });
    await eventually(async () => (await statusOf(sync)).hooks?.[1]?.state === 'Running', { what: 'the first runs' });
    const { hooks = [] } = await statusOf(sync);
    const [, , last] = hooks;
    assert.match(last?.name ?? '', /^second-[0-9a-f]{8}$/);
    assert.deepEqual(
      hooks.map(({ kind, state }) => `${kind} ${state}`),
      ['ServiceAccount Succeeded', 'Job Running', 'Job Pending'],
    );
    await end(sync, 'first');
    await end(sync, last?.name ?? '');
    await sync.ready();
  });

  it('refuses a hook that it can not run, before anything is applied', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'check', annotations: hook('PostSync') },
      spec: podSpec,
    };
    const sync = await start({ 'a.yaml': yaml(configMap('one'), pod) });
    await sync.ready(
      'False',
      new RegExp(`HookRefused Pod ${sync.ns}/check: a hook is a Job, .*; write the Pod as a Job`),
    );
    assert.equal(await sync.get(resources.configMaps, 'one'), undefined);
    sync.push({ 'a.yaml': yaml(configMap('one'), job('check', hook('Sync'))) });
    await sync.ready(
      'False',
      /HookRefused Job .*check: the hook phase Sync is not run; PreSync, PostSync, SyncFail are/,
    );
    await follow(sync, { 'a.yaml': yaml(configMap('one'), job('check', hook('Skip'))) }).applied();
    assert.equal(await uidOf(sync, 'check'), undefined);
  });

  it('waits for a hook of an earlier revision that still runs, and deletes hooks that left Git', async () => {
    const files = (v: string, name: string) => ({
      'a.yaml': yaml(configMap('one', { v }), job(name, hook('PreSync'))),
    });
    const sync = await start(files('1', 'first'));
    await untilHooks(sync, 'PreSync first Running');
    const { applied } = follow(sync, files('2', 'second'));
    await sync.ready('False', new RegExp(`Progressing hook Job ${sync.ns}/first of main@.* has not ended`));
    assert.equal(await uidOf(sync, 'second'), undefined);
    await end(sync, 'first');
    await end(sync, 'second');
    await applied();
    assert.equal(await uidOf(sync, 'first'), undefined);
    await follow(sync, { 'a.yaml': yaml(configMap('one', { v: '3' })) }).applied();
    await eventually(async () => (await uidOf(sync, 'second')) === undefined, { what: 'it left Git' });
    assert.equal((await statusOf(sync)).hookRun, undefined);
  });

  it('makes a hook of a Job that was an ordinary object, once that has ended, and an ordinary object of it again', async () => {
    const files = (v: string, annotations?: Record<string, string>) => ({
      'a.yaml': yaml(configMap('one', { v }), job('migrate', annotations)),
    });
    const sync = await start(files('1'));
    await sync.ready();
    const ordinary = await uidOf(sync, 'migrate');
    const { applied } = follow(sync, files('2', hook('PreSync')));
    await sync.ready('False', /Progressing PreSync hook Job .*migrate: waits for the Job of an earlier run/);
    assert.equal(await end(sync, 'migrate'), ordinary);
    await eventually(async () => ![undefined, ordinary].includes(await uidOf(sync, 'migrate')), { what: 'the hook' });
    await sync.edit(resources.configMaps, 'one', { data: { v: 'by hand' } });
    const value = async () => ((await sync.get(resources.configMaps, 'one'))?.data as { v?: string })?.v;
    await eventually(async () => (await value()) === '1', { what: 'drift is corrected meanwhile', timeoutMs: 30_000 });
    const labelsOf = async () => Object.keys((await sync.get(resources.jobs, 'migrate'))?.metadata.labels ?? {});
    assert.ok(!(await labelsOf()).includes('metricops.dev/sync'), 'the hook is not applied over');
    const run = await end(sync, 'migrate');
    await applied();
    assert.equal(await uidOf(sync, 'migrate'), run, 'it is not pruned');
    await follow(sync, files('3')).applied();
    assert.notEqual(await uidOf(sync, 'migrate'), run);
    assert.ok((await labelsOf()).includes('metricops.dev/sync'));
    await eventually(async () => (await statusOf(sync)).hooks === undefined, { what: 'no hooks are known' });
  });

  it('touches nothing that it did not make, and deletes its hooks with the GitSync', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('one'), job('migrate', hook('PreSync'))) });
    await end(sync, 'migrate');
    await sync.ready();
    const other = { ...configMap('mine', { of: 'a person' }) };
    await plane().client.create(resources.configMaps, { ...other, metadata: { name: 'mine', namespace: sync.ns } });
    sync.push({ 'b.yaml': yaml(configMap('two'), configMap('mine', { of: 'Git' }, hook('PreSync'))) });
    await sync.ready('False', /HookRefused hook ConfigMap .*mine: this GitSync did not make the object that is there/);
    assert.deepEqual((await sync.get(resources.configMaps, 'mine'))?.data, { of: 'a person' });
    await plane().client.delete(resources.gitSyncs, { namespace: sync.ns, name: 'app' });
    await eventually(async () => (await uidOf(sync, 'migrate')) === undefined, { what: 'the hook is deleted' });
    assert.ok(await sync.get(resources.configMaps, 'mine'));
  });

  it('runs no hooks for a rollback, nor for a commit that only goes on to be held', async () => {
    const files = (image: string) => ({
      'web.yaml': yaml(configMap('settings'), deployment('web', image), job('migrate', hook('PreSync'))),
    });
    const kept = configMap('kept', {}, { 'metricops.dev/prune': 'disabled' });
    const sync = await start({ ...files('shop:v1'), 'kept.yaml': yaml(kept) });
    await end(sync, 'migrate');
    await sync.ready();
    const web = () => sync.get(resources.deployments, 'web');
    const good = await web();
    const second = follow(sync, { ...files('shop:v2'), 'kept.yaml': null });
    await eventually(async () => (await statusOf(sync)).hookRun?.revision === `main@${second.sha}`);
    const last = await end(sync, 'migrate');
    await second.applied();
    const bad = await web();
    assert.match(bad?.metadata.annotations?.['metricops.dev/upgrade-hook'] ?? '', /PreSync hook Job migrate/);
    await holdBack(plane(), sync.ns, { good, bad });
    await eventually(async () => imageOf(await web()) === 'shop:v1', { what: 'the rollback' });
    await bench().restart();
    await follow(sync, { 'README.md': 'still held' }).applied();
    const held = await eventually(async () => (await statusOf(sync)).heldRevision);
    assert.ok(held);
    assert.equal(await uidOf(sync, 'migrate'), last);
    const other = follow(sync, { 'other.yaml': yaml(configMap('other')) });
    await eventually(async () => ![undefined, last].includes(await uidOf(sync, 'migrate')), {
      what: 'the rest of a commit is applied after its hooks',
    });
    await end(sync, 'migrate');
    await other.applied();
    assert.equal(imageOf(await web()), 'shop:v1');
    const fix = follow(sync, files('shop:v3'));
    await eventually(async () => (await statusOf(sync)).hookRun?.revision === `main@${fix.sha}`);
    const fixed = await end(sync, 'migrate');
    await fix.applied();
    assert.equal(imageOf(await web()), 'shop:v3');
    await follow(sync, files('shop:v2')).applied();
    await eventually(async () => imageOf(await web()) === 'shop:v1', {
      what: 'the rollback, by the queue of the Holds',
    });
    assert.equal(await uidOf(sync, 'migrate'), fixed, 'nor for a revert to what is rejected');
  });
}).timeout(180_000);

const podSpec = { restartPolicy: 'Never', containers: [{ name: 'c', image: 'shop:v1' }] };
const checkPod = (v: string): object => ({
  spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: `check:${v}` }] },
});
