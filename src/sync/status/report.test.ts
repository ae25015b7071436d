import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../../test/support/api-server.ts';
import { gitSync } from '../../../test/support/leader.ts';
import { annotations } from '../../api/annotations.ts';
import { type GitSync, gitSyncSpec } from '../../api/gitsync.ts';
import { resources } from '../../kube/index.ts';
import type { Plan } from '../plan/types.ts';
import { newSyncState } from '../state/sync-state.ts';
import type { SyncOutcome } from './outcome.ts';
import { createReport } from './report.ts';

const spec = gitSyncSpec.parse({ source: { git: { url: 'https://git.example.com/shop.git' } } });
const made: Plan = {
  desired: [],
  apply: [],
  keep: [],
  prune: [],
  kept: [],
  departures: new Map(),
  held: [],
  passed: [],
  emptyRefused: false,
};
const applied = (revision: string): SyncOutcome => ({
  kind: 'applied',
  commit: revision,
  revision,
  plan: made,
  problems: [],
  blocked: undefined,
  reported: undefined,
});

describe('the status of a GitSync', () => {
  const setUp = () => {
    const server = createApiServer({ namespaces: ['shop'] });
    const first = server.seed(resources.gitSyncs, gitSync('shop', 'app', spec)) as GitSync;
    const clock = { now: () => 1_800_000_000_000, sleep: async () => {} };
    const awaited = { is: false };
    const report = createReport({ client: server.client, clock, occurred: () => {}, isAwaited: () => awaited.is });
    const stored = () => (server.get(resources.gitSyncs, 'shop', 'app') as GitSync).status;
    const state = newSyncState();
    return { server, first, report, stored, state, awaited };
  };

  it('keeps what was written last, while the watch shows an older copy', async () => {
    const { first, report, stored, state } = setUp();
    state.inventory.set('shop_web_apps_Deployment', 'v1');
    await report(first, state, applied('main@2'));
    await report(first, state, { kind: 'unchanged', commit: '2', revision: 'main@2' });
    const status = stored();
    assert.deepEqual([status?.lastAppliedRevision, status?.objectCount], ['main@2', 1]);
    assert.equal(status?.conditions?.find(({ type }) => type === 'Held')?.status, 'False');
  });

  it('says once what failed after an apply, however often it is found', async () => {
    const { server, first, stored, state } = setUp();
    let now = 1_800_000_000_000;
    const clock = {
      now: () => {
        now += 1000;
        return now;
      },
      sleep: async () => {},
    };
    const report = createReport({ client: server.client, clock, occurred: () => {}, isAwaited: () => false });
    const failed = {
      kind: 'failed',
      reason: 'HookFailed',
      message: 'check',
      permanent: true,
      of: applied('main@2'),
    } as const;
    await report(first, state, failed);
    const { resourceVersion } = server.get(resources.gitSyncs, 'shop', 'app')?.metadata ?? {};
    for (let i = 0; i < 3; i += 1)
      await report(server.get(resources.gitSyncs, 'shop', 'app') as GitSync, state, failed);
    assert.equal(server.get(resources.gitSyncs, 'shop', 'app')?.metadata.resourceVersion, resourceVersion);
    assert.equal(stored()?.lastAppliedRevision, 'main@2');
  });

  it('has a request as handled when the source has answered it, and not when something else is applied before', async () => {
    const { first, report, stored, state, awaited } = setUp();
    const requested = { ...first, metadata: { ...first.metadata, annotations: { [annotations.requestedAt]: 'now' } } };
    awaited.is = true;
    await report(requested, state, applied('main@2'));
    assert.deepEqual([stored()?.lastAppliedRevision, stored()?.lastHandledReconcileAt], ['main@2', undefined]);
    awaited.is = false;
    await report(requested, state, applied('main@3'));
    assert.deepEqual([stored()?.lastAppliedRevision, stored()?.lastHandledReconcileAt], ['main@3', 'now']);
  });

  it('says what was applied, though it was healthy only later and nobody heard of the wait', async () => {
    const { first, report, stored, state } = setUp();
    state.inventory.set('shop_web_apps_Deployment', 'v1');
    const waiting = { kind: 'waiting', message: 'web: 0 of 1 ready', quiet: true, againInMs: 1 } as const;
    await report(first, state, { ...waiting, of: applied('main@2') });
    assert.equal(stored(), undefined);
    await report(first, state, { ...waiting, of: { kind: 'unchanged', commit: '2', revision: 'main@2' } });
    await report(first, state, { kind: 'unchanged', commit: '2', revision: 'main@2' });
    const status = stored();
    assert.deepEqual([status?.lastAppliedRevision, status?.objectCount], ['main@2', 1]);
    assert.equal(status?.conditions?.find(({ type }) => type === 'Held')?.status, 'False');
  });

  it('counts what another GitSync took over, though nothing was applied', async () => {
    const { first, report, stored, state, server } = setUp();
    for (const id of ['shop_web_apps_Deployment', 'shop_rest__ConfigMap']) state.inventory.set(id, 'v1');
    await report(first, state, applied('main@2'));
    state.inventory.delete('shop_web_apps_Deployment');
    const now = server.get(resources.gitSyncs, 'shop', 'app') as GitSync;
    await report(now, state, { kind: 'unchanged', commit: '2', revision: 'main@2' });
    const status = stored();
    assert.deepEqual(
      [status?.objectCount, status?.inventory?.entries.map(({ id }) => id)],
      [1, ['shop_rest__ConfigMap']],
    );
  });
});
