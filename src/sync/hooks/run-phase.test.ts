import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../../test/support/api-server.ts';
import { gitSync } from '../../../test/support/objects.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { managerOf, ownerLabelOf } from '../../api/gitsync-names.ts';
import type { HookPhase } from '../../api/hooks.ts';
import { unrestrictedPolicy } from '../../api/platform-policy.ts';
import { systemClock } from '../../clock.ts';
import { createDiscovery, KubeError, resources } from '../../kube/index.ts';
import { createKeyedLock } from '../../lock.ts';
import type { HookRun } from '../state/hook-run.ts';
import { divideHooks } from './hook.ts';
import { isAskedAgain, newRun, withState } from './run.ts';
import { runPhase } from './run-phase.ts';

const job = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { namespace: 'shop', name, annotations: { 'argocd.argoproj.io/hook': 'PreSync' } },
  spec: { template: {} },
});
const due = {
  revision: 'main@1',
  version: 'v',
  content: 'c',
  hooksContent: 'h',
  hasWork: true,
  isHeld: false,
  isApplied: false,
};

describe('the hooks of a phase', () => {
  const sync: GitSync = gitSync('app', undefined);
  const setUp = (names: readonly string[] = ['migrate'], now = Date.now) => {
    const server = createApiServer({ namespaces: ['shop'], now });
    const { hooks } = divideHooks(names.map(job), { helm: false });
    const ports = {
      client: server.client,
      clock: systemClock,
      discovery: createDiscovery(server.client, systemClock),
      policy: () => unrestrictedPolicy,
      turns: <T>(_: string, work: () => Promise<T>) => work(),
      lock: createKeyedLock(),
      signal: new AbortController().signal,
    };
    const take = (before: HookRun, known = hooks, by = sync, phase: HookPhase = 'PreSync') =>
      runPhase(by, before, { phase, hooks: known }, ports);
    const made = (): number => server.requests.filter(({ verb }) => verb === 'create').length;
    const end = (type: 'Complete' | 'Failed', name = 'migrate') =>
      server.client.patch(
        resources.jobs,
        { namespace: 'shop', name },
        { type: 'merge', body: { status: { conditions: [{ type, status: 'True' }] } } },
        { subresource: 'status' },
      );
    return { server, take, made, end, first: newRun(sync, hooks, due) };
  };
  const statesOf = ({ hooks }: { hooks: HookRun }) => hooks.entries.map(({ name, state }) => `${name} ${state}`);

  it('are made once, though a process ended before it said so', async () => {
    const { take, made, end, first } = setUp();
    assert.deepEqual(statesOf(await take(first)), ['migrate Running']);
    assert.deepEqual(statesOf(await take(first)), ['migrate Running'], 'from the status of before');
    await end('Complete');
    assert.deepEqual(statesOf(await take(first)), ['migrate Succeeded']);
    assert.equal(made(), 1);
  });

  it('are made once, though the answer was lost', async () => {
    const { server, take, made, first } = setUp();
    server.fault = ({ verb }) => (verb === 'create' ? 'lost' : undefined);
    const lost = await take(first);
    assert.equal(lost.problem?.permanent, false);
    assert.deepEqual(statesOf(await take(lost.hooks)), ['migrate Running']);
    assert.equal(made(), 1);
  });

  it('wait for each other, and end with the first that fails', async () => {
    const { server, take, end, first } = setUp(['a', 'b']);
    const began = await take(first);
    assert.equal(began.waitsFor, 'PreSync hook Job shop/a: it runs');
    await end('Complete', 'a');
    const second = await take(began.hooks);
    assert.equal(second.waitsFor, 'PreSync hook Job shop/b: it runs');
    await end('Failed', 'b');
    const last = await take(second.hooks);
    assert.equal(last.failed, 'PreSync hook Job shop/b: it failed');
    assert.equal((await take(last.hooks)).failed, last.failed, 'and go on to say so');
    assert.equal(server.requests.filter(({ verb }) => verb === 'delete').length, 0);
  });

  it('are run again only for who asked after one was seen to fail', async () => {
    const { take, end, first } = setUp();
    const asked = (at: string) => ({
      ...sync,
      metadata: { ...sync.metadata, annotations: { 'metricops.dev/requested-at': at } },
    });
    const { hooks: running } = await take(first);
    await end('Failed');
    const { hooks } = await take(running, undefined, asked('while it ran'));
    const failed = withState(hooks, 'Failed');
    assert.equal(isAskedAgain(failed, due, asked('while it ran')), false);
    const { hooks: later } = await take(failed, undefined, asked('later'));
    assert.equal(isAskedAgain(later, due, asked('later')), true, 'it is not seen to fail a second time');
  });

  it('that can not be made are tried again, with the words of the API server', async () => {
    const { server, take, first } = setUp();
    const full = new KubeError('exceeded quota', { status: 403, reason: 'Forbidden' });
    server.fault = ({ verb }) => {
      if (verb === 'create') throw full;
      return undefined;
    };
    const { problem, hooks } = await take(first);
    assert.match(problem?.message ?? '', /^Job shop\/migrate: exceeded quota/);
    assert.deepEqual(hooks, first);
  });

  it('are followed to their end where a render names them otherwise, and are not begun', async () => {
    const { take, made, end, first } = setUp();
    const { hooks: running } = await take(first);
    const { hooks: renamed } = divideHooks([job('migrate-x7k2p')], { helm: false });
    assert.deepEqual(statesOf(await take(running, renamed)), ['migrate Running']);
    await end('Complete');
    assert.deepEqual(statesOf(await take(running, renamed)), ['migrate Succeeded']);
    const { failed = '' } = await take(first, renamed);
    assert.match(failed, /each render names it otherwise: give it a name that stays$/);
    assert.equal(made(), 1);
  });

  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  const earlier = {
    'was applied as an ordinary object, without a deadline': {
      metadata: {
        labels: { 'metricops.dev/sync': ownerLabelOf(sync) },
        managedFields: [
          {
            manager: managerOf(sync),
            operation: 'Apply',
            apiVersion: 'batch/v1',
            fieldsType: 'FieldsV1',
            fieldsV1: { 'f:spec': {} },
          },
        ],
      },
    },
    'is of an earlier run, over its deadline, with a pod': {
      metadata: {
        labels: { 'metricops.dev/hook-of': ownerLabelOf(sync) },
        annotations: { 'metricops.dev/hook-run': 'earlier-PreSync' },
      },
      spec: { activeDeadlineSeconds: 60 },
      status: { active: 1 },
    },
  };
  for (const [which, { metadata, ...more }] of Object.entries(earlier)) {
    it(`wait for a Job that ${which}`, async () => {
      const { server, take, first, end } = setUp();
      const old = { ...job('migrate'), ...more };
      server.seed(resources.jobs, {
        ...old,
        metadata: { ...old.metadata, uid: 'old', creationTimestamp: hourAgo, ...metadata },
      });
      const waiting = await take(first);
      assert.match(waiting.waitsFor ?? '', /waits for the Job of an earlier run, which has not ended$/);
      assert.equal(server.requests.filter(({ verb }) => verb === 'delete').length, 0);
      await end('Complete');
      assert.deepEqual(statesOf(await take(waiting.hooks)), ['migrate Running']);
    });
  }

  /** Of an earlier run, which ended; a finalizer keeps it. */
  const kept = () => {
    const old = job('migrate');
    const labels = { 'metricops.dev/hook-of': ownerLabelOf(sync) };
    const annotations = { ...old.metadata.annotations, 'metricops.dev/hook-run': 'earlier-PreSync' };
    const metadata = { ...old.metadata, labels, annotations, uid: 'old', finalizers: ['example.com/keep'] };
    return { ...old, metadata, status: { conditions: [{ type: 'Complete', status: 'True' }] } };
  };

  it('wait until what was there under their name is gone, with one read for each look', async () => {
    const { server, take, first } = setUp();
    server.seed(resources.jobs, kept());
    const { hooks } = await take(first);
    server.requests.length = 0;
    for (let i = 0; i < 10; i += 1) {
      const { waitsFor, since } = await take(hooks);
      assert.equal(waitsFor, 'PreSync hook Job shop/migrate: waits until what was there under its name is gone');
      assert.ok(since, 'it is asked less often, the longer it takes');
    }
    assert.deepEqual(
      server.requests.map(({ verb }) => verb),
      Array.from({ length: 10 }, () => 'get'),
    );
  });

  it('have failed when that does not go within spec.timeout', async () => {
    const { server, take, first } = setUp(undefined, () => Date.parse(hourAgo));
    server.seed(resources.jobs, kept());
    const { failed = '', hooks } = await take((await take(first)).hooks);
    assert.match(failed, /is being deleted since .*, longer than \S+: it waits for example.com\/keep$/);
    assert.equal(hooks.entries[0]?.reason, 'Terminating');
  });

  it('leave alone what others made under their name', async () => {
    const { server, take, first } = setUp();
    server.seed(resources.jobs, job('migrate'));
    const { problem } = await take(first);
    assert.deepEqual([problem?.reason, problem?.permanent], ['HookRefused', true]);
    assert.match(problem?.message ?? '', /this GitSync did not make the object that is there/);
  });

  it('have failed where they can not be made for good, and come after a failure', async () => {
    const { server, take, first } = setUp();
    server.seed(resources.jobs, job('migrate'));
    const entries = first.entries.map((entry) => ({ ...entry, phase: 'SyncFail' as const }));
    const { hooks, failed, problem } = await take({ ...first, entries }, undefined, undefined, 'SyncFail');
    assert.match(failed ?? '', /^SyncFail hook Job shop\/migrate: .*this GitSync did not make the object/);
    assert.equal(problem, undefined);
    const [entry] = hooks.entries;
    assert.deepEqual([entry?.state, entry?.reason, entry?.startTime], ['Failed', 'HookRefused', undefined]);
  });
});
