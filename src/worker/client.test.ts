import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'mocha';
import { eventually } from '../../test/support/poll.ts';
import { createWorkerClient, type WorkerClient } from './client.ts';

describe('a worker', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-worker-'));
  const file = pathToFileURL(join(dir, 'worker.ts'));
  let worker: WorkerClient;

  before(() => {
    const serve = JSON.stringify(new URL('./serve.ts', import.meta.url).href);
    writeFileSync(
      file,
      `import { serveWorker } from ${serve};
      const kept: unknown[] = [];
      let abandoned = false;
      serveWorker({
        add: (a: number, b: number) => a + b,
        later: () => new Promise((resolve) => setImmediate(resolve, 'later')),
        fail: () => { throw Object.assign(new Error('no'), { code: 'E' }) },
        loop: () => { for (;;); },
        grow: () => { for (;;) kept.push(Array.from({ length: 1e5 }, () => ({}))); },
        leave: () => process.exit(3),
        wait: (signal: AbortSignal) =>
          new Promise((resolve) => signal.addEventListener('abort', () => resolve(abandoned = true))),
        abandoned: () => abandoned,
        keep: (x: number) => kept.push([x]),
      });`,
    );
    worker = createWorkerClient(file, {
      maxHeapMb: 32,
      revive: ({ code, message }) => new Error(`${code} ${message}`),
      ended: (how) => new Error(how),
    });
  });
  after(async () => {
    await worker.close();
    rmSync(dir, { recursive: true });
  });

  it('answers each call with its own result or error', async () => {
    const [later, sum, failed] = await Promise.allSettled([
      worker.call('later', []),
      worker.call('add', [1, 2]),
      worker.call('fail', []),
    ]);
    assert.equal(later.status === 'fulfilled' && later.value, 'later');
    assert.equal(sum.status === 'fulfilled' && sum.value, 3);
    assert.equal(failed.status === 'rejected' && failed.reason.message, 'E no');
  });

  it('ends a call that nobody waits for any more, tells its method, and serves the others', async () => {
    const caller = new AbortController();
    const call = worker.call('wait', [], undefined, caller.signal);
    assert.equal(await worker.call('add', [1, 2]), 3);
    caller.abort(new Error('no longer leading'));
    await assert.rejects(call, /no longer leading/);
    await assert.rejects(worker.call('wait', [], undefined, caller.signal), /no longer leading/);
    await eventually(() => worker.call('abandoned', []), { what: 'a method that was told' });
  });

  it('that has nothing to do gives its memory back, and serves the next call', async () => {
    const resting = createWorkerClient(file, {
      maxHeapMb: 32,
      idleMs: 1,
      revive: ({ message }) => new Error(message),
      ended: (how) => new Error(how),
    });
    const keep = () => resting.call<number>('keep', [1]);
    assert.equal(await keep(), 1);
    await eventually(async () => (await keep()) === 1, { what: 'a thread that counts from one again' });
    await resting.close();
  });

  for (const [method, how] of [
    ['loop', 'timeout'],
    ['grow', 'memory'],
    ['leave', 'crash'],
  ] as const) {
    it(`that ends by ${how} fails its calls, and serves the next one`, async () => {
      await assert.rejects(worker.call(method, [], method === 'loop' ? 300 : 15_000), { message: how });
      assert.equal(await worker.call('add', [1, 2]), 3);
    });
  }
});
