import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, it } from 'mocha';
import { createProbesServer } from './probes.ts';

describe('the probes of the kubelet', () => {
  it('fail, and name the parts, while something is stuck that only a restart helps', async () => {
    let stuck: string[] = [];
    const server = createProbesServer({ isReady: () => true, stuck: () => stuck });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const probe = async (): Promise<[number, string]> => {
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`);
      return [answer.status, await answer.text()];
    };
    try {
      assert.deepEqual(await probe(), [200, 'ok\n']);
      stuck = ['the queue of GitSyncs has made no progress for 901 s'];
      assert.deepEqual(await probe(), [500, 'the queue of GitSyncs has made no progress for 901 s\n']);
      stuck = [];
      assert.equal((await probe())[0], 200);
    } finally {
      server.close();
    }
  });

  it('have no answer from a main loop that hangs', async () => {
    const module = JSON.stringify(new URL('./probes.ts', import.meta.url).href);
    const process = new Worker(
      `import(${module}).then(({ createProbesServer }) => {
        const { parentPort } = require('node:worker_threads');
        const server = createProbesServer({ isReady: () => true, stuck: () => [] });
        server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
        parentPort.on('message', () => { parentPort.postMessage('hangs'); for (;;); });
      });`,
      { eval: true },
    );
    try {
      const [port] = (await once(process, 'message')) as [number];
      const probe = (timeoutMs: number) =>
        fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(timeoutMs) });
      assert.equal((await probe(10_000)).status, 200);
      process.postMessage('hang');
      await once(process, 'message');
      await assert.rejects(probe(500), { name: 'TimeoutError' });
    } finally {
      await process.terminate();
    }
  });
});
