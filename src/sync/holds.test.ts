import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type ApiRequest, createApiServer } from '../../test/support/api-server.ts';
import { gitSync, type Leader, startLeader } from '../../test/support/leader.ts';
import { eventually } from '../../test/support/poll.ts';
import { createRepositories } from '../../test/support/repositories.ts';
import { annotations } from '../api/annotations.ts';
import { conditionOf } from '../api/conditions.ts';
import { gitSyncSpec } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { newRollback } from '../holds/index.ts';
import { KubeError, resources } from '../kube/index.ts';

const SHOP = 'https://git.example.com/shop.git';
const settings = (v: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { v } });
const more = (v: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'more' }, data: { v } });
const web = (image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', annotations: { [annotations.inject]: 'true' } },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image, envFrom: [{ configMapRef: { name: 'settings' } }] }] },
    },
  },
});
const files = (image: string, v: string, other = '1') => ({
  'app.yaml': [settings(v), web(image), more(other)].map((o) => JSON.stringify(o)).join('\n---\n'),
});

describe('a sync beside a Hold', () => {
  let leader: Leader | undefined;
  afterEach(async () => {
    await leader?.stop();
    leader = undefined;
  });

  /** shop:v1 and then shop:v2 are applied, each with its settings. */
  const setUp = async () => {
    const server = createApiServer({ namespaces: ['shop'] });
    const repositories = createRepositories();
    const spec = { ...gitSyncSpec.parse({ source: { git: { url: SHOP } } }), interval: '1h' };
    server.seed(resources.gitSyncs, gitSync('shop', 'app', spec));
    repositories.commit(SHOP, files('shop:v1', '1'));
    const started = await startLeader(server, repositories);
    leader = started;
    const live = (): KubeObject | undefined => server.get(resources.deployments, 'shop', 'web');
    const image = (): string | undefined => JSON.stringify(live()?.spec).match(/"image":"([^"]*)"/)?.[1];
    const vOf = (name: string): unknown =>
      (server.get(resources.configMaps, 'shop', name)?.data as { v?: string } | undefined)?.v;
    const note = (name: 'sourceDigest' | 'snapshot'): string => live()?.metadata.annotations?.[annotations[name]] ?? '';
    const runs = (wanted: string) => eventually(() => image() === wanted, { what: wanted, timeoutMs: 10_000 });
    const push = (to: Record<string, string>): void => {
      repositories.commit(SHOP, to);
      started.sync.requestSync({ namespace: 'shop', name: 'app' });
    };
    const hold = (): Hold | undefined => server.list(resources.holds)[0] as Hold | undefined;
    const phase = (wanted: string) =>
      eventually(() => hold()?.status?.phase === wanted && hold(), { what: wanted, timeoutMs: 10_000 });
    await runs('shop:v1');
    const good = { number: 1, sourceDigest: note('sourceDigest'), snapshotRef: { name: note('snapshot') } };
    await started.ready('shop', 'app', ({ status }) => status === 'True');
    push(files('shop:v2', '2'));
    await runs('shop:v2');
    await started.ready('shop', 'app', ({ status }) => status === 'True');
    const create = () =>
      server.client.create<Hold>(
        resources.holds,
        newRollback({
          workload: { kind: 'Deployment', namespace: 'shop', name: 'web' },
          digest: note('sourceDigest'),
          target: good,
          origin: 'Manual',
          message: '',
        }),
      );
    return { server, started, image, vOf, runs, push, phase, create };
  };
  const oldImage = ({ type, verb, body }: ApiRequest): undefined => {
    if (verb !== 'apply' || type.kind !== 'Deployment' || !JSON.stringify(body).includes('shop:v1')) return undefined;
    throw new KubeError('admission policy "images" denied the request: v1', { status: 403, reason: 'Forbidden' });
  };

  it('is not failed by a rollback that is refused: the rest of the commit is applied, and so is the fix', async () => {
    const { server, started, image, vOf, runs, push, phase, create } = await setUp();
    server.fault = oldImage;
    await create();
    await phase('Failed');
    push(files('shop:v2', '2', '2'));
    await eventually(() => vOf('more') === '2', { what: 'the rest of the next commit' });
    const { status } = await started.ready('shop', 'app', (ready) => ready.status === 'True');
    assert.match(conditionOf({ status }, 'Held')?.message ?? '', /release 1 is not applied: .*denied the request: v1/);
    assert.deepEqual([image(), vOf('settings')], ['shop:v2', '2']);
    push(files('shop:v3', '3', '3'));
    await runs('shop:v3');
    await eventually(() => vOf('settings') === '3');
    await phase('Dormant');
  });

  it('applies what a Hold kept out once that is lifted, also where it made no plan meanwhile', async () => {
    const { server, started, runs, phase, create } = await setUp();
    const suspend = (to: boolean) =>
      server.client.patch(
        resources.gitSyncs,
        { namespace: 'shop', name: 'app' },
        { type: 'merge', body: { spec: { suspend: to } } },
      );
    await suspend(true);
    const { metadata } = await create();
    await phase('Held');
    await runs('shop:v1');
    await server.client.delete(resources.holds, metadata);
    await eventually(() => server.list(resources.holds).length === 0, { what: 'the end of the Hold' });
    await suspend(false);
    await runs('shop:v2');
    await started.ready('shop', 'app', ({ status }) => status === 'True');
  });

  it('leaves the configuration of a rollback to it, so that the pods are restarted', async () => {
    const { server, push, vOf, phase, create } = await setUp();
    push(files('shop:v2', '3'));
    await eventually(() => vOf('settings') === '3');
    server.fault = oldImage;
    await create();
    await phase('Failed');
    push(files('shop:v2', '3', '2'));
    await eventually(() => vOf('more') === '2', { what: 'the rest of the next commit' });
    assert.equal(vOf('settings'), '3');
    server.fault = () => undefined;
    await phase('Held');
    assert.equal(vOf('settings'), '1');
  });

  it('has a refusal of what the Hold applied said by the Hold, and not by the GitSync', async () => {
    const { server, started, runs, vOf, push, phase, create } = await setUp();
    await create();
    await phase('Held');
    await runs('shop:v1');
    await started.ready('shop', 'app', ({ status }) => status === 'True');
    server.fault = oldImage;
    const by = { fieldManager: 'kubectl-edit' };
    const key = { namespace: 'shop', name: 'web' };
    const body = { spec: { template: { spec: { terminationGracePeriodSeconds: 5 } } } };
    await server.client.patch(resources.deployments, key, { type: 'merge', body }, by);
    push(files('shop:v2', '2', '2'));
    await eventually(() => vOf('more') === '2', { what: 'the rest of the next commit' });
    await started.ready('shop', 'app', ({ status }) => status === 'True');
  });

  it('has the rejected release kept out when it comes back after another one', async () => {
    const { image, runs, push, phase, create, vOf } = await setUp();
    await create();
    await phase('Held');
    push(files('shop:v3', '3'));
    await runs('shop:v3');
    await phase('Dormant');
    const seen = new Set<string | undefined>();
    push(files('shop:v2', '2'));
    await eventually(() => {
      seen.add(image());
      return image() === 'shop:v1';
    });
    await phase('Held');
    assert.deepEqual([...seen].sort(), ['shop:v1', 'shop:v3']);
    await eventually(() => vOf('settings') === '1');
  });

  it('keeps no rollback waiting for an apply of the same workload that only queues', async () => {
    const { server, image, push, phase, create, runs } = await setUp();
    const others = Array.from({ length: 19 }, (_, i) => {
      const other = web('other:v1');
      return { ...other, metadata: { name: `a${String(i).padStart(2, '0')}` } };
    });
    const hang = Promise.withResolvers<undefined>();
    let hanging = 0;
    server.fault = ({ verb, type, body }) => {
      if (verb !== 'apply' || type.kind !== 'Deployment' || !JSON.stringify(body).includes('other:v1'))
        return undefined;
      hanging += 1;
      return hang.promise;
    };
    const all = [settings('2'), more('1'), ...others, web('shop:v3')];
    push({ 'app.yaml': all.map((o) => JSON.stringify(o)).join('\n---\n') });
    // As many as one namespace may have at a time: the apply of web queues behind them.
    await eventually(() => hanging === 16, { what: 'applies that hang', timeoutMs: 10_000 });
    await create();
    await phase('Held');
    assert.equal(image(), 'shop:v1');
    hang.resolve(undefined);
    await runs('shop:v3');
  });
});
