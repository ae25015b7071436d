import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, describe, it } from 'mocha';
import type { GitSync, HealthCheck } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import { createHealthThread, type HealthThread } from './thread.ts';

const sync = (namespace: string, ...healthCheckExprs: HealthCheck[]): GitSync =>
  ({ metadata: { namespace, name: 'app' }, spec: { healthCheckExprs } }) as unknown as GitSync;
const check = (current: string): HealthCheck => ({ apiVersion: 'example.com/v1', kind: 'Widget', current });
const widget = (name: string, status: object = {}): KubeObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, managedFields: [{}] },
  status,
});
const SLOW = check('status.long.matches("^(a+)+$b")');
const many = (count: number, status: object): KubeObject[] =>
  Array.from({ length: count }, (_, i) => widget(`w${i}`, status));
const long = { long: 'a'.repeat(64) };

describe('the thread of health checks', () => {
  let thread: HealthThread;
  afterEach(() => thread.close());

  it('asks the expressions of a kind, and the built-in rules for the others, in the order of the objects', async () => {
    thread = createHealthThread();
    const map: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } };
    const judged = await thread.judge(sync('shop', check('status.ok')), [
      widget('a', { ok: true }),
      map,
      widget('b', { ok: false }),
    ]);
    assert.deepEqual(
      judged.map(({ health }) => health),
      ['Current', 'Current', 'InProgress'],
    );
  });

  it('refuses expressions that are wrong, though there is no object to ask them about', async () => {
    thread = createHealthThread();
    await assert.rejects(thread.judge(sync('shop', check('status.')), []), { code: 'InvalidHealthCheck' });
  });

  it('has an object fail whose expression misses its deadline, and asks the others', async () => {
    thread = createHealthThread();
    const judged = await thread.judge(sync('shop', SLOW), [widget('slow', long), widget('quick', { long: 'b' })]);
    assert.deepEqual(
      judged.map(({ health }) => health),
      ['Failed', 'InProgress'],
    );
    assert.match(judged[0]?.message ?? '', /longer than 50 ms/);
  });

  it('stops when the time of one GitSync is spent, and says of how many objects it knows nothing', async () => {
    thread = createHealthThread({ budgetMs: 200 });
    const judged = await thread.judge(sync('shop', SLOW), many(250, long));
    const unasked = judged.filter(({ health }) => health === 'InProgress');
    assert.ok(unasked.length >= 200, `${unasked.length} were not asked`);
    assert.match(unasked[0]?.message ?? '', /took 0.2 s of CPU time for \d+ of 250 objects/);
  });

  it('lets another namespace have its turn in between', async () => {
    thread = createHealthThread({ budgetMs: 300 });
    const order: string[] = [];
    const evil = Array.from({ length: 3 }, () =>
      thread.judge(sync('evil', SLOW), many(100, long)).then(() => order.push('evil')),
    );
    const good = thread.judge(sync('shop', check('status.ok')), many(100, { ok: true })).then((judged) => {
      assert.ok(judged.every(({ health }) => health === 'Current'));
      order.push('shop');
    });
    await Promise.all([...evil, good]);
    assert.equal(order[0], 'shop');
  });

  it('asks 5,000 objects of simple expressions, and large ones in several goes', async () => {
    thread = createHealthThread();
    const objects = [...many(5_000, { ok: true }), ...many(8, { ok: true, text: 'x'.repeat(400_000) })];
    const judged = await thread.judge(sync('shop', check('status.ok')), objects);
    assert.ok(
      judged.every(({ health }) => health === 'Current'),
      judged.at(-1)?.message,
    );
  });

  it('never keeps the main thread from its timers', async () => {
    thread = createHealthThread({ budgetMs: 300 });
    await thread.judge(sync('shop', SLOW), []); // it is started
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await Promise.all([
      thread.judge(sync('evil', SLOW), many(250, long)),
      thread.judge(sync('shop', check('status.ok')), many(2_000, { ok: true })),
    ]);
    delay.disable();
    assert.ok(delay.max < 2_000e6, `${delay.max / 1e6} ms`); // on the main thread it was twelve seconds
  });

  it('has what ends it cost its own objects only', async () => {
    thread = createHealthThread();
    // Each step doubles a list of lists; no step is interrupted in the middle.
    const bomb = check('[status.list].exists(a, a.map(b, a.map(c, a.map(d, a.map(e, a)))).size() > 0)');
    const list = Array.from({ length: 128 }, (_, i) => i);
    const [bombed] = await thread.judge(sync('evil', bomb), [widget('bomb', { list })]);
    assert.notEqual(bombed?.health, 'Current');
    const [well] = await thread.judge(sync('shop', check('status.ok')), [widget('a', { ok: true })]);
    assert.equal(well?.health, 'Current');
  });
});
