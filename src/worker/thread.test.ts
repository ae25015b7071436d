import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, it } from 'mocha';

const MAIN = `
  import { startThread } from ${JSON.stringify(new URL('./thread.ts', import.meta.url).href)};
  import { getHeapStatistics } from 'node:v8';
  const megabytes = () => getHeapStatistics().heap_size_limit / 1024 / 1024;
  const source = "import('node:worker_threads').then(async ({ parentPort }) => parentPort.postMessage((await import('node:v8')).getHeapStatistics().heap_size_limit / 1024 / 1024))";
  const thread = startThread(new URL('data:text/javascript,' + encodeURIComponent(source)), { heap: { old: 64, young: 12 } });
  thread.on('message', (limit) => console.log(JSON.stringify({ thread: limit, main: megabytes() })));
`;

describe('a thread', () => {
  it('has the heap that it was given, whatever that of the main thread is, which keeps its own', async () => {
    const args = ['--max-semi-space-size=4', '--input-type=module', '--eval', MAIN];
    const env = { PATH: process.env.PATH, NODE_OPTIONS: '--max-old-space-size=320' };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    assert.deepEqual(JSON.parse(stdout), { thread: 76, main: 332 });
  });
});
