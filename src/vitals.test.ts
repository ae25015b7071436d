import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, it } from 'mocha';
import { createApiServer } from '../test/support/api-server.ts';
import { fakeClock } from '../test/support/clock.ts';
import { eventually } from '../test/support/poll.ts';
import { createWatchCache, createWorkQueue, KubeError, resources } from './kube/index.ts';
import { createVitals } from './vitals.ts';
import { createWorkerClient } from './worker/client.ts';

const MINUTE = 60_000;

/** A probe every ten seconds, as the kubelet's, over so many minutes of a clock that only moves here. */
const setUp = () => {
  let now = 0;
  const vitals = createVitals(() => now);
  const probe = (minutes: number): string[] => {
    const end = now + minutes * MINUTE;
    let found: string[] = [];
    for (; now < end; now += 10_000) found = vitals.stuck();
    return found;
  };
  return { vitals, probe };
};

describe('what is stuck in this process', () => {
  it('is a part that has something to do and makes no progress for longer than its limit', () => {
    const { vitals, probe } = setUp();
    let progress: number | undefined = 1;
    const end = vitals.watch('the engine', () => progress, 5 * MINUTE);
    assert.deepEqual(probe(4), []);
    progress = 2;
    assert.deepEqual(probe(4), []);
    assert.match(probe(2).join(), /^the engine has made no progress for 3[0-9]{2} s$/);
    progress = 3;
    assert.deepEqual(probe(1), []);
    progress = undefined;
    assert.deepEqual(probe(60), [], 'it has nothing to do');
    progress = 3;
    assert.deepEqual(probe(4), [], 'it has something to do again only now');
    end();
    assert.deepEqual(probe(60), []);
  });

  it('is a queue whose workers never end while something waits, and no queue that waits for nothing', () => {
    const { vitals, probe } = setUp();
    const { clock } = fakeClock();
    const queue = createWorkQueue({
      concurrency: 1,
      clock,
      random: () => 0.5,
      onError: () => {},
      vitals: { name: 'the queue', of: vitals },
      worker: () => new Promise(() => {}),
    });
    assert.deepEqual(probe(60), []);
    queue.add('n/hangs');
    assert.deepEqual(probe(60), [], 'a long work by itself keeps nobody waiting');
    queue.add('n/waits');
    assert.deepEqual(probe(14), []);
    assert.match(probe(2).join(), /^the queue has made no progress/);
  });

  it('is no queue that moves, however much waits in it', async () => {
    const { vitals, probe } = setUp();
    const { clock, settle } = fakeClock();
    const ends: (() => void)[] = [];
    const queue = createWorkQueue({
      concurrency: 1,
      clock,
      random: () => 0.5,
      onError: () => {},
      vitals: { name: 'the queue', of: vitals },
      worker: () => new Promise((resolve) => ends.push(() => resolve(undefined))),
    });
    for (let i = 0; i < 10; i += 1) queue.add(`n/${i}`);
    for (let i = 0; i < 9; i += 1) {
      assert.deepEqual(probe(10), []);
      ends.shift()?.();
      await settle();
    }
  });

  it('is a list or a watch that neither brings anything nor ends, and none of a server that is away', async () => {
    const { vitals, probe } = setUp();
    const server = createApiServer();
    const { clock, advance } = fakeClock();
    const ports = { clock, random: () => 0.5, vitals };
    server.fault = () => new Promise(() => {});
    const hangs = createWatchCache(server.client, resources.pods, {}, ports);
    assert.deepEqual(probe(14), []);
    assert.match(probe(2).join(), /^the watch of Pod has made no progress/);
    await hangs.stop();
    server.fault = () => {
      throw new KubeError('away', { status: 0, reason: 'Unreachable' });
    };
    const fails = createWatchCache(server.client, resources.nodes, {}, ports);
    for (let i = 0; i < 4; i += 1) {
      await advance(60_000);
      assert.deepEqual(probe(10), []);
    }
    await fails.stop();
  });

  it('is a worker thread that answers no call, and none that nobody calls', async () => {
    const { vitals, probe } = setUp();
    const dir = mkdtempSync(join(tmpdir(), 'metricops-vitals-'));
    const file = join(dir, 'worker.ts');
    const serve = JSON.stringify(new URL('./worker/serve.ts', import.meta.url).href);
    writeFileSync(
      file,
      `import { serveWorker } from ${serve};\nserveWorker({ one: () => 1, loop: () => { for (;;); } });`,
    );
    const worker = createWorkerClient(pathToFileURL(file), {
      maxHeapMb: 32,
      revive: ({ message }) => new Error(message),
      ended: (how) => new Error(how),
      vitals: { name: 'the thread', of: vitals },
    });
    try {
      assert.equal(await worker.call('one', []), 1);
      assert.deepEqual(probe(60), []);
      const hanging = worker.call('loop', []).catch((error: Error) => error.message);
      assert.deepEqual(probe(19), []);
      assert.match(probe(2).join(), /^the thread has made no progress/);
      await worker.close();
      assert.equal(await hanging, 'crash');
      await eventually(() => probe(1).length === 0);
    } finally {
      await worker.close();
      rmSync(dir, { recursive: true });
    }
  });
});
