import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync } from '../../src/api/gitsync.ts';
import { resources } from '../../src/kube/index.ts';
import { endJob, job } from '../support/jobs.ts';
import { eventually } from '../support/poll.ts';
import { configMap, type StartedSync, useSync, yaml } from '../support/sync.ts';

describe('what was applied last, where a PreSync hook of the newest commit failed', () => {
  const { plane, bench, start } = useSync();

  const files = (v: string) => ({
    'a.yaml': yaml(configMap('one', { v }), job('migrate', { 'argocd.argoproj.io/hook': 'PreSync' })),
  });
  const value = async (sync: StartedSync) =>
    ((await sync.get(resources.configMaps, 'one'))?.data as { v?: string } | undefined)?.v;
  const uidOf = async (sync: StartedSync) => (await sync.get(resources.jobs, 'migrate'))?.metadata.uid;
  const statusOf = async (sync: StartedSync) =>
    ((await sync.get(resources.gitSyncs, 'app')) as GitSync | undefined)?.status;
  /** The second revision failed before anything of it was applied. */
  const failed = async () => {
    const sync = await start(files('1'));
    await endJob(plane(), sync.ns, 'migrate');
    await sync.ready();
    const first = await uidOf(sync);
    const sha = sync.push(files('2'));
    await eventually(async () => ![undefined, first].includes(await uidOf(sync)), { what: 'another Job' });
    await endJob(plane(), sync.ns, 'migrate', 'Failed');
    await sync.ready('False', /HookFailed/);
    return { sync, sha, uid: await uidOf(sync) };
  };
  const corrected = async (sync: StartedSync): Promise<void> => {
    await eventually(async () => (await value(sync)) === '1', { what: 'drift is corrected', timeoutMs: 30_000 });
  };

  it('is kept from drift after a restart, too', async () => {
    const { sync, sha, uid } = await failed();
    await bench().restart(() => sync.edit(resources.configMaps, 'one', { data: { v: 'while nobody looked' } }));
    await corrected(sync);
    await sync.edit(resources.configMaps, 'one', { data: { v: 'by hand' } });
    await corrected(sync);
    assert.equal(await uidOf(sync), uid);
    const status = await statusOf(sync);
    assert.deepEqual([status?.lastAttemptedRevision, status?.hookRun?.revision], [`main@${sha}`, `main@${sha}`]);
  });

  it('is kept from drift without its hooks after a restart while the Git server is away', async () => {
    const { sync, sha, uid } = await failed();
    await bench().restart(async () => {
      bench().git.setFault('unavailable');
      await sync.edit(resources.configMaps, 'one', { data: { v: 'while nobody looked' } });
    });
    await corrected(sync);
    await sync.ready('False', /RepositoryUnreachable/);
    assert.equal(await uidOf(sync), uid);
    assert.equal((await statusOf(sync))?.hookRun?.revision, `main@${sha}`);
    bench().git.setFault('none');
    await sync.ready('False', /HookFailed/);
    assert.equal(await uidOf(sync), uid);
  });
}).timeout(180_000);
