import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../../test/support/api-server.ts';
import { gitSync } from '../../../test/support/objects.ts';
import type { HookEntry } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import { unrestrictedPolicy } from '../../api/platform-policy.ts';
import { systemClock } from '../../clock.ts';
import { createDiscovery, KubeError, resources } from '../../kube/index.ts';
import { createKeyedLock } from '../../lock.ts';
import type { HookRun } from '../state/hook-run.ts';
import { deleteHooks, retire } from './clean.ts';

const startTime = new Date(Date.now() - 3_600_000).toISOString();
const sync = gitSync('app', undefined);

const setUp = () => {
  const server = createApiServer({ namespaces: ['shop'] });
  const ports = {
    client: server.client,
    clock: systemClock,
    discovery: createDiscovery(server.client, systemClock),
    policy: () => unrestrictedPolicy,
    turns: <T>(_: string, work: () => Promise<T>) => work(),
    lock: createKeyedLock(),
    signal: new AbortController().signal,
  };
  /** A Job of an hour ago, with a deadline of a minute. */
  const seed = (name: string, status: object) =>
    server.seed(resources.jobs, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        namespace: 'shop',
        name,
        creationTimestamp: startTime,
        labels: { 'metricops.dev/hook-of': ownerLabelOf(sync) },
        annotations: { 'metricops.dev/hook-run': 'v1-PreSync' },
      },
      spec: { activeDeadlineSeconds: 60 },
      status,
    });
  const isThere = (name: string): boolean => server.get(resources.jobs, 'shop', name) !== undefined;
  return { server, ports, seed, isThere };
};

const entry = (name: string, state: HookEntry['state'], kind = 'Job'): HookEntry => ({
  kind,
  ...(kind === 'Job' ? { namespace: 'shop' } : {}),
  name,
  phase: 'PreSync',
  state,
  ...(state === 'Pending' ? {} : { startTime }),
});
const run = (...entries: HookEntry[]): HookRun => ({
  run: {
    ...{ revision: 'main@1', state: 'Failed', version: 'v1', content: 'c1', hooksContent: 'h1', id: 'v1' },
    ...{ isInstall: false, requestedAt: '' },
  } as const,
  entries,
});

describe('the hooks of an earlier run', () => {
  it('stay as long as one is at work, though it failed by our clock', async () => {
    const { ports, seed, isThere } = setUp();
    seed('migrate', { active: 1 });
    assert.equal((await retire(sync, run(entry('migrate', 'Failed')), null, ports))?.name, 'migrate');
    assert.ok(isThere('migrate'));
    seed('migrate', { conditions: [{ type: 'Failed', status: 'True' }] });
    assert.equal(await retire(sync, run(entry('migrate', 'Failed')), null, ports), undefined);
    assert.equal(isThere('migrate'), false);
  });
});

describe('the hooks of a GitSync that is deleted', () => {
  const ended = { conditions: [{ type: 'Complete', status: 'True' }] };
  const forbidden = new KubeError('clusterroles is forbidden', { status: 403, reason: 'Forbidden' });

  it('go with it, though its account may not read one that it never made', async () => {
    const { server, ports, seed, isThere } = setUp();
    seed('migrate', ended);
    server.fault = ({ type }) => {
      if (type.kind === 'ClusterRole') throw forbidden;
      return undefined;
    };
    const hooks = run(entry('reader', 'Pending', 'ClusterRole'), entry('migrate', 'Succeeded'));
    assert.deepEqual(await deleteHooks(sync, { hooks }, ports), []);
    assert.equal(isThere('migrate'), false);
  });

  it('are named where they can not be deleted, and the others go', async () => {
    const { server, ports, seed, isThere } = setUp();
    seed('first', ended);
    seed('second', ended);
    server.fault = ({ name }) => {
      if (name === 'first') throw forbidden;
      return undefined;
    };
    const [problem] = await deleteHooks(
      sync,
      { hooks: run(entry('first', 'Failed'), entry('second', 'Failed')) },
      ports,
    );
    assert.match(`${problem?.reason} ${problem?.message}`, /^PruneFailed Job shop\/first: clusterroles is forbidden/);
    assert.deepEqual([isThere('first'), isThere('second')], [true, false]);
  });
});
