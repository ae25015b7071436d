import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'mocha';
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
      serveWorker({
        add: (a: number, b: number) => a + b,
        later: () => new Promise((resolve) => setImmediate(resolve, 'later')),
        fail: () => { throw Object.assign(new Error('no'), { code: 'E' }) },
        loop: () => { for (;;); },
        grow: () => { for (;;) kept.push(Array.from({ length: 1e5 }, () => ({}))); },
        leave: () => process.exit(3),
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
